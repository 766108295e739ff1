from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from linq_otel.doctor import _neighbours
from linq_otel.doctor._findings import tell
from linq_otel.doctor._neighbours import find_of_clients, find_of_frameworks, find_uncovered
from linq_otel.doctor._packages import find_packages
from linq_otel.doctor._scene import look
from support.findings import in_environment


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


NESTED = {"OTEL_PYTHON_LINQ_HTTP_SPANS": "nested"}


@pytest.fixture
def no_instrumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Take every instrumentation out of sight, as where none is installed.
    """
    monkeypatch.setattr(_neighbours, "entry_points", lambda group: ())


class TestClients:
    def test_own(self) -> None:
        """By default the wire is ours, and the others are told to be silent."""
        assert list(find_of_clients(look({}, {}))) == [
            tell(
                "http.own",
                "http_spans=own: linq-otel draws each request on the wire; aiohttp-client, httpx, "
                "httpx2, requests, urllib, urllib3 are silent beneath them",
            )
        ]

    def test_nested(self, provider: TracerProvider) -> None:
        """In an app, those that are active are named alone."""
        HTTPXClientInstrumentor().instrument(tracer_provider=provider)
        try:
            found = list(find_of_clients(look(NESTED, {}, is_live=True)))
        finally:
            HTTPXClientInstrumentor().uninstrument()
        assert found == [
            tell("http.nested", "http_spans=nested: httpx draws the requests on the wire")
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


class TestFrameworks:
    def test_there(self) -> None:
        """Each framework is named with what takes its webhooks, and who draws its requests."""
        only = {name: found for name, found in find_packages().items() if name == "flask"}
        version = only["flask"][0].version
        assert list(find_of_frameworks(look({}, {"join": "link"}), only)) == [
            tell(
                "webhooks.framework",
                f"flask {version}: by instrument(), or "
                "linq_otel.webhooks.wsgi.LinqWebhookMiddleware",
            ),
            tell("webhooks.server", "flask draws SERVER spans; process spans stay under them"),
        ]

    def test_none(self) -> None:
        """Without one there is a receiver for any."""
        assert [(f.code, f.severity) for f in find_of_frameworks(look({}, {}), {})] == [
            ("webhooks.framework.none", "note")
        ]

    @pytest.mark.usefixtures("no_instrumentations")
    def test_undrawn(self) -> None:
        """Without an instrumentation of it, webhooks have no SERVER span."""
        only = {name: found for name, found in find_packages().items() if name == "django"}
        assert [(f.code, f.remedy) for f in find_of_frameworks(look({}, {}), only)][1:] == [
            ("webhooks.server.missing", "pip install opentelemetry-instrumentation-django")
        ]
