from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import flask
import pytest
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

from linq_otel.doctor import _neighbours
from linq_otel.doctor._findings import tell
from linq_otel.doctor._neighbours import find_of_clients, find_of_frameworks, find_uncovered
from linq_otel.doctor._packages import find_packages
from linq_otel.doctor._scene import look
from support.findings import in_environment


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


NESTED = {"OTEL_PYTHON_LINQ_HTTP_SPANS": "nested"}
SDK: dict[str, Any] = {"linq-python": ()}


@pytest.fixture
def no_instrumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Take every instrumentation out of sight, as where none is installed.
    """
    monkeypatch.setattr(_neighbours, "entry_points", lambda group: ())


class TestClients:
    def test_own(self) -> None:
        """By default the wire is ours, and the others are told to be silent."""
        assert list(find_of_clients(look({}, {}), {})) == [
            tell(
                "http.own",
                "http_spans=own: linq-otel draws each request on the wire; aiohttp-client, httpx, "
                "httpx2, requests, urllib, urllib3 are silent beneath them",
            )
        ]

    def test_own_in_an_app(self) -> None:
        """In an app, those that are not active are not spoken of."""
        assert list(find_of_clients(look({}, {}, is_live=True), {})) == [
            tell("http.own", "http_spans=own: linq-otel draws each request on the wire")
        ]

    def test_nested(self, provider: TracerProvider) -> None:
        """In an app, those that are active are named alone."""
        HTTPXClientInstrumentor().instrument(tracer_provider=provider)
        try:
            found = list(find_of_clients(look(NESTED, {}, is_live=True), SDK))
        finally:
            HTTPXClientInstrumentor().uninstrument()
        assert found == [
            tell("http.nested", "http_spans=nested: httpx records the requests on the wire")
        ]

    def test_nested_in_one_client(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A client that is instrumented by itself is enough."""
        client = SimpleNamespace(_is_instrumented_by_opentelemetry=True)
        monkeypatch.setattr(_neighbours, "list_instances", lambda _: [object(), client])
        found = list(find_of_clients(look(NESTED, {}, is_live=True), SDK))
        assert [f.title for f in found] == [
            "http_spans=nested: httpx, httpx2 record the requests on the wire"
        ]

    def test_nested_inactive(self) -> None:
        """What is installed and not active records nothing."""
        found = find_of_clients(look(NESTED, {}, is_live=True), SDK)
        assert [(f.code, f.title, f.remedy) for f in found] == [
            (
                "http.nested.missing",
                (
                    "http_spans=nested, and no HTTP instrumentation is active (aiohttp-client, "
                    "httpx, httpx2, requests, urllib, urllib3 could be)"
                ),
                "HTTPXClientInstrumentor().instrument(), or export OTEL_PYTHON_LINQ_HTTP_SPANS=own",
            )
        ]

    def test_nested_in_another(self, provider: TracerProvider) -> None:
        """Nor does one of another library than the SDK's; without the SDK it is the app's own."""
        RequestsInstrumentor().instrument(tracer_provider=provider)
        try:
            scene = look(NESTED, {}, is_live=True)
            found = [*find_of_clients(scene, SDK), *find_of_clients(scene, {})]
        finally:
            RequestsInstrumentor().uninstrument()
        assert [(f.code, f.title) for f in found] == [
            (
                "http.nested.missing",
                "http_spans=nested, and requests alone is active: linq-python sends by httpx",
            ),
            ("http.nested", "http_spans=nested: requests records the requests on the wire"),
        ]

    def test_nested_unseen(self) -> None:
        """Without an app it is not known which of those that are installed are active."""
        off = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "urllib, urllib3,requests"}
        found = find_of_clients(look({**NESTED, **off}, {}, is_live=False), SDK)
        assert list(found) == [
            tell(
                "http.nested.unseen",
                "http_spans=nested: installed for the requests on the wire: aiohttp-client, httpx, "
                "httpx2",
                detail="They record them where opentelemetry-instrument starts the app, or its "
                "code calls their instrument().",
                remedy="linq-otel doctor --import yourapp.main:app",
            )
        ]

    @pytest.mark.usefixtures("no_instrumentations")
    def test_nobody(self) -> None:
        """Where the wire is left to nobody, it is not drawn."""
        assert in_environment("http", **NESTED) == [
            (
                "http.nested.missing",
                "warning",
                (
                    "pip install opentelemetry-instrumentation-httpx, "
                    "or export OTEL_PYTHON_LINQ_HTTP_SPANS=own"
                ),
            )
        ]


class TestUncovered:
    def test_named(self) -> None:
        """An HTTP client whose calls are not traced is named, and what is traced."""
        there = dict.fromkeys(["niquests", "httpx", "pycurl", "urllib3-future"], ())
        assert list(find_uncovered(there)) == [
            tell(
                "http.client.uncovered",
                "calls of Linq by niquests, pycurl, urllib3-future are not traced",
                detail="Those of linq-python are, and those by "
                "httpx, httpx2, requests, urllib3, urllib and aiohttp.",
            )
        ]

    def test_none(self) -> None:
        """Nothing is said where all are traced."""
        assert list(find_uncovered({"httpx": ()})) == []


def only(*names: str) -> dict[str, Any]:
    return {name: found for name, found in find_packages().items() if name in names}


class TestFrameworks:
    def test_there(self) -> None:
        """Each framework is named, with what takes its webhooks and may record its requests."""
        flask = only("flask")
        version = flask["flask"][0].version
        assert list(find_of_frameworks(look({}, {"join": "link"}, is_live=False), flask)) == [
            tell(
                "webhooks.framework",
                f"flask {version}: by instrument(), or "
                "linq_otel.webhooks.wsgi.LinqWebhookMiddleware",
            ),
            tell(
                "webhooks.server.unseen",
                "installed for the requests of webhooks: flask",
                detail="They record SERVER spans where opentelemetry-instrument starts the app, or "
                "its code calls their instrument(); process spans stay under them.",
                remedy="linq-otel doctor --import yourapp.main:app",
            ),
        ]

    def test_none(self) -> None:
        """Without one there is a receiver for any."""
        assert [(f.code, f.severity) for f in find_of_frameworks(look({}, {}), {})] == [
            ("webhooks.framework.none", "note")
        ]

    @pytest.mark.usefixtures("no_instrumentations")
    @pytest.mark.parametrize("is_live", [False, True])
    def test_uninstalled(self, *, is_live: bool) -> None:
        """Without an instrumentation of it, webhooks have no SERVER span."""
        scene = look({}, {}, is_live=is_live)
        assert [(f.code, f.remedy) for f in find_of_frameworks(scene, only("flask"))][1:] == [
            ("webhooks.server.missing", "pip install opentelemetry-instrumentation-flask")
        ]

    def test_switched_off(self) -> None:
        """One that a variable leaves out is as good as none."""
        environ = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django"}
        scene = look(environ, {}, is_live=False)
        assert [f.code for f in find_of_frameworks(scene, only("django"))][1:] == [
            "webhooks.server.missing"
        ]

    @pytest.mark.parametrize(
        ("marks", "is_active", "code"),
        [
            ([], False, "webhooks.server.missing"),
            ([], True, "webhooks.server"),
            # The app was made before the instrumentation was switched on.
            ([False], True, "webhooks.server.missing"),
            ([False, True], False, "webhooks.server"),
        ],
    )
    def test_active(
        self, monkeypatch: pytest.MonkeyPatch, marks: list[bool], code: str, *, is_active: bool
    ) -> None:
        """In an app, an instrumentation counts if its apps are marked, or none is there yet."""
        apps = [SimpleNamespace(_is_instrumented_by_opentelemetry=mark) for mark in marks]
        monkeypatch.setattr(
            _neighbours,
            "list_instances",
            lambda classes: apps if classes == [flask.Flask] else [],
        )
        monkeypatch.setattr(FlaskInstrumentor(), "_is_instrumented_by_opentelemetry", is_active)
        found = list(find_of_frameworks(look({}, {}, is_live=True), only("flask")))[1:]
        assert found == [
            tell(
                "webhooks.server",
                "flask records SERVER spans; process spans hang in the message's trace, with links "
                "both ways",
            )
            if code == "webhooks.server"
            else tell(
                "webhooks.server.missing",
                "installed, and not active: the instrumentation of flask",
                detail="Webhooks are joined all the same; the requests they came in have no SERVER "
                "span.",
                remedy="FlaskInstrumentor().instrument_app(app)",
            )
        ]

    def test_middleware(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A middleware that the app has put around itself records them as well."""
        inside = OpenTelemetryMiddleware(lambda *_: [])
        monkeypatch.setattr(
            _neighbours,
            "list_instances",
            lambda classes: [inside] if classes == [OpenTelemetryMiddleware] else [],
        )
        found = list(find_of_frameworks(look({}, {}, is_live=True), only("flask")))[1:]
        assert [f.title.partition(";")[0] for f in found] == ["wsgi records SERVER spans"]

    def test_without_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where opentelemetry-instrument starts the app, no code is advised."""
        monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.auto_instrumentation", sys)
        found = list(find_of_frameworks(look({}, {}, is_live=True), only("flask")))[1:]
        assert [(f.code, f.remedy) for f in found] == [
            (
                "webhooks.server.missing",
                "opentelemetry-instrument, with flask not in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
            )
        ]
