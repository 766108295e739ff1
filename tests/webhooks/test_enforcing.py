from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.webhooks import MAX_BODY
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.webhook_apps import (
    BODY,
    GONE,
    HEADERS,
    Reader,
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

    def test_other_paths_are_open(self, served: Stage, strict: Desk) -> None:
        """Only what was named is guarded."""
        served.app = wrapped(starlette_app(), strict, "/hook")
        assert served.post("/pieces", BODY).status == 200
