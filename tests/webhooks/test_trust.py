from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from linq_otel.errors import (
    MalformedEventError,
    SignatureError,
    WebhookError,
)
from linq_otel.webhooks import MAX_BODY
from support import payloads as p
from support.webhook_desk import Desk, Life


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


BODY = p.body_of("message.delivered")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what was logged for people to read.
    """
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


class TestTrust:
    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, "headers"),
            (p.headers_of(BODY, p.OTHER_SECRET), "signature"),
            (p.headers_of(BODY, signed_at=p.SIGNED_AT - 301), "timestamp"),
            (p.headers_of(BODY) | {"webhook-signature": "no comma"}, "signature"),
        ],
    )
    def test_what_does_not_verify_joins_nothing(
        self, guarded: Desk, headers: dict[str, str], reason: str
    ) -> None:
        """No id of it picks a trace or is claimed, and the handler is given no event."""
        guarded.send()
        before = len(guarded.spans)
        assert guarded.deliver(BODY, headers=headers) is None
        process, server = guarded.spans[before:]
        assert [process.name, server.name] == ["process message.delivered", "POST /hook"]
        assert guarded.one("process message.delivered") | {"id": 0, "times": 0} == {
            "name": "process message.delivered",
            "kind": "CONSUMER",
            "id": 0,
            "parent": guarded.one("POST /hook")["id"],
            "times": 0,
            "attributes": {
                "messaging.system": "linq",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "linq.webhook.verified": False,
                "linq.webhook.rejected": reason,
                "linq.event.type": "message.delivered",
            },
            "links": [],
            "status": "UNSET",
            "description": None,
            "events": [],
        }
        assert server.links == ()
        assert guarded.store.claim(p.EVENT_ID) is True

    def test_what_the_caller_found_bad_joins_nothing_either(self, desk: Desk) -> None:
        """The app's own word counts like a signature of ours."""
        desk.send()
        with desk.receiver.process({}, BODY, verified=False) as event:
            assert event is None
        span = desk.one("process message.delivered")
        assert (span["attributes"]["linq.webhook.verified"], span["links"]) == (False, [])
        assert desk.named("message delivered") == []

    def test_a_stranger_cannot_name_spans(self, guarded: Desk) -> None:
        """An unknown type that does not verify is counted as another."""
        guarded.deliver(p.body_of("ada.lovelace"), headers={})
        span = guarded.one("process _OTHER")
        assert span["attributes"]["linq.event.type"] == "_OTHER"

    def test_an_inbound_message_that_does_not_verify_begins_no_life(self, guarded: Desk) -> None:
        """Nothing of it is stored."""
        guarded.deliver(p.body_of("message.received"), headers={})
        assert guarded.store.find(f"message:{p.MESSAGE_ID}", f"trace:{p.LINQ_TRACE_ID}") is None

    def test_without_a_secret_it_joins_and_warns_once(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An app may be tried out before it has its secret."""
        for stage in ("sent", "delivered", "read"):
            assert desk.stage(stage) is not None
        assert warnings(caplog) == [
            "no webhook secret is set: deliveries join unverified (logged once)"
        ]
        assert desk.one("message read")["parent"] == Life.by_linq_trace_id().anchor
        assert "linq.webhook.verified" not in desk.one("process message.read")["attributes"]

    @pytest.mark.parametrize(
        ("body", "headers", "error"),
        [
            (BODY, {}, SignatureError),
            (b"{}", p.headers_of(b"{}"), MalformedEventError),
            (b"x" * (MAX_BODY + 1), {}, MalformedEventError),
        ],
    )
    def test_a_receiver_that_enforces_raises(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        body: bytes,
        headers: dict[str, str],
        error: type[WebhookError],
    ) -> None:
        """The handler does not run, and no span is drawn."""
        strict = Desk(provider, exporter, secret=p.SECRET, enforce=True)
        ran: list[object] = []
        with pytest.raises(error), strict.receiver.process(headers, body):
            ran.append(body)
        assert (ran, strict.spans) == ([], ())
