from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request

from linq_otel import instrument, uninstrument
from linq_otel.errors import ConfigurationError, SignatureError
from linq_otel.webhooks import MAX_BODY, WebhookReceiver, _endpoint
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.webhook_apps import (
    BODY,
    GONE,
    HEADERS,
    SCOPE,
    Failing,
    Reader,
    Stalled,
    Wire,
    chunk,
    run,
    starlette_app,
    wrapped,
)
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.asgi_servers import Stage


@pytest.fixture
def strict(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """
    Return a process that lets nothing unverified in.
    """
    return Desk(provider, exporter, secret=p.SECRET, enforce=True)


class TestEnforcing:
    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (BODY, [], 401),
            (BODY, list(p.headers_of(BODY, p.OTHER_SECRET).items()), 401),
            (BODY, list(p.headers_of(BODY, signed_at=p.SIGNED_AT - 301).items()), 401),
            (BODY + b" ", HEADERS, 401),
            (b"{}", list(p.headers_of(b"{}").items()), 400),
            (b"x" * (MAX_BODY + 1), HEADERS, 400),
            ([b"x" * 65_536] * 20, [], 400),
            (BODY, HEADERS, 202),
        ],
        ids=["unsigned", "forged", "old", "changed", "no event", "long", "long pieces", "good"],
    )
    def test_we_answer_for_the_app(
        self, served: Stage, strict: Desk, body: Any, headers: Any, status: int
    ) -> None:
        """401 for what is not Linq's, 400 for what is no event; the app sees neither."""
        served.app = wrapped(starlette_app(), strict, "/hook")
        reply = served.post("/hook", body, headers)
        assert reply.status == status
        if status != 202:
            assert (reply.body, dict(reply.headers)["content-length"]) == (b"", "0")
            assert [span.name for span in strict.spans] == ["POST /hook"]

    def test_a_body_that_breaks_off_does_not_reach_the_app(self, strict: Desk) -> None:
        """Half a body cannot be verified."""
        reader, wire = Reader(), Wire(chunk(BODY, more=True), GONE)
        run(LinqWebhookMiddleware(reader, ["/hook"], strict.receiver), wire)
        assert (reader.seen, wire.sent[0]["status"]) == ([], 400)

    def test_it_needs_paths(self, strict: Desk) -> None:
        """Where headers alone say what is guarded, a stranger leaves them out."""
        with pytest.raises(ConfigurationError, match="paths"):
            LinqWebhookMiddleware(Reader(), receiver=strict.receiver)

    @pytest.mark.parametrize(
        "path",
        ["hook", "/hooks/{name}", "/hooks/<name>", "/hooks/*", "/hook?a=b", "https://h/hook"],
    )
    def test_it_needs_paths_that_requests_have(self, strict: Desk, path: str) -> None:
        """A pattern is no path, and would guard nothing."""
        with pytest.raises(ConfigurationError, match="enforce cannot guard"):
            LinqWebhookMiddleware(Reader(), [path], receiver=strict.receiver)

    @pytest.mark.parametrize("in_environment", [None, "", " \n"])
    @pytest.mark.parametrize("options", [{}, {"join": "link"}, {"webhook_secret": " "}], ids=str)
    def test_it_needs_a_secret(
        self, monkeypatch: pytest.MonkeyPatch, in_environment: str | None, options: dict[str, Any]
    ) -> None:
        """With nothing to verify with, everything would be let in."""
        if in_environment is not None:
            monkeypatch.setenv("LINQ_WEBHOOK_SECRET", in_environment)
        with pytest.raises(ConfigurationError, match="enforce needs a secret"):
            WebhookReceiver(enforce=True, **options)
        with pytest.raises(ConfigurationError, match="enforce needs a secret"):
            instrument(enforce=True, paths=["/hook"], **options)
        with pytest.raises(ConfigurationError):
            WebhookReceiver([], enforce=True)

    def test_a_secret_that_is_gone_lets_nothing_in(self) -> None:
        """A receiver may outlive what it took its secret from."""
        instrument(webhook_secret=p.SECRET)
        receiver = WebhookReceiver(enforce=True, clock=lambda: p.SIGNED_AT)
        uninstrument()
        with pytest.raises(SignatureError):
            receiver.accept(p.headers_of(BODY), BODY)

    @pytest.mark.parametrize("method", ["POST", "post", "PUT", "PATCH", "DELETE", "GET", "MADEUP"])
    @pytest.mark.parametrize(
        ("path", "root_path"),
        [
            ("/hook", ""), ("/hook/", ""), ("//hook", ""), ("/Hook", ""), ("/hook\n", ""),
            ("/x/../hook", ""), ("/./hook", ""), ("/ho%6fk", ""),
            ("/api/hook", "/api"), ("/api/hook", "/api/"), ("/api//hook/", "/api"),
            ("/hook", "/api"),
        ],
        ids=str,
    )  # fmt: skip
    def test_all_a_handler_may_get_is_guarded(
        self, strict: Desk, method: str, path: str, root_path: str
    ) -> None:
        """A route may take any method, and more paths than its own; a server may add to them."""
        reader, wire = Reader(), Wire(chunk(BODY, more=False), GONE)
        scope = {**SCOPE, "method": method, "path": path, "root_path": root_path, "headers": []}
        run(LinqWebhookMiddleware(reader, ["/hook"], strict.receiver), wire, scope)
        assert (reader.seen, wire.sent[0]["status"]) == ([], 401)

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/hook", b""), ("HEAD", "/hook", b""), ("OPTIONS", "/hook/", b""),
            ("POST", "/", BODY), ("POST", "/hooks", BODY), ("POST", "/hook/x", BODY),
            ("POST", "/x/hook", BODY),
        ],
    )  # fmt: skip
    def test_what_can_be_no_delivery_is_open(
        self, strict: Desk, method: str, path: str, body: bytes
    ) -> None:
        """Probes and preflights have no body, and other routes are others."""
        reader, wire = Reader(), Wire(chunk(body, more=False), GONE)
        scope = {**SCOPE, "method": method, "path": path, "headers": []}
        run(LinqWebhookMiddleware(reader, ["/hook"], strict.receiver), wire, scope)
        assert reader.seen == [chunk(body, more=False), GONE]

    def test_a_root_path_that_the_app_sets_itself(self, strict: Desk) -> None:
        """FastAPI serves its routes with and without it; we stand around it."""
        app = FastAPI()
        app.root_path = "/api"  # As a keyword it is deprecated, and works the same.
        called: list[str] = []

        @app.post("/hook")
        async def hook(request: Request) -> None:
            called.append(request.url.path)

        for path in ("/hook", "/api/hook"):
            wire = Wire(chunk(BODY, more=False), GONE)
            middleware = LinqWebhookMiddleware(app, ["/hook"], strict.receiver)
            run(middleware, wire, {**SCOPE, "path": path, "headers": [], "query_string": b""})
            assert (called, wire.sent[0]["status"]) == ([], 401)

    def test_a_body_that_does_not_come_is_refused(
        self, strict: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Linq itself gives a delivery up after ten seconds."""
        monkeypatch.setitem(_endpoint._PATIENCE, "guarded", 0.05)
        reader, wire = Reader(), Stalled(chunk(BODY[:7], more=True))
        run(LinqWebhookMiddleware(reader, ["/hook"], strict.receiver), wire)
        assert (reader.seen, wire.sent[0]["status"]) == ([], 400)

    def test_a_body_that_cannot_be_read_is_refused(self, strict: Desk) -> None:
        """By any error that a server raises over it."""
        reader, wire = Reader(), Failing(chunk(BODY, more=True))
        run(LinqWebhookMiddleware(reader, ["/hook"], strict.receiver), wire)
        assert (reader.seen, wire.sent[0]["status"]) == ([], 400)

    def test_other_paths_are_open(self, served: Stage, strict: Desk) -> None:
        """Only what was named is guarded."""
        served.app = wrapped(starlette_app(), strict, "/hook")
        assert served.post("/pieces", BODY).status == 200
