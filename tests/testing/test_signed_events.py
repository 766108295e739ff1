"""
Events made one by one: their signatures, their shapes in both versions, and whom they are about.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import pydantic
import pytest
from linq import types
from standardwebhooks import Webhook, WebhookVerificationError

from linq_otel.testing import EVENT_TYPES, EventFactory, TickingClock
from linq_otel.webhooks import WebhookReceiver


VERSIONS = ("2025-01-01", "2026-02-03")
MODELS = {name.lower(): name for name in dir(types)}
NOW = 1_790_000_000.0
# Linq documents no shape of these, and its SDK has none.
WITHOUT_MODEL = [
    f"call.{change}"
    for change in ("initiated", "ringing", "answered", "ended", "failed", "declined", "no_answer")
]


@pytest.fixture
def event() -> EventFactory:
    return EventFactory(seed=7, clock=TickingClock(NOW))


def find_model(event_type: str) -> Any:
    name = event_type.replace("_", "").replace(".", "") + "webhookevent"
    return getattr(types, MODELS[name]) if name in MODELS else None


HAS_ALL_MODELS = pytest.mark.skipif(
    tuple(map(int, version("linq-python").split(".")[:2])) < (0, 65),
    reason="an older SDK knows fewer events",
)


class TestShapes:
    @HAS_ALL_MODELS
    @pytest.mark.parametrize("event_type", [e for e in EVENT_TYPES if e not in WITHOUT_MODEL])
    def test_newest(self, event: EventFactory, event_type: str) -> None:
        """Every type is as the SDK's own model of it has it."""
        body = json.loads(event(event_type).body)
        pydantic.TypeAdapter(find_model(event_type)).validate_python(body)
        assert (body["event_type"], body["webhook_version"]) == (event_type, "2026-02-03")

    @HAS_ALL_MODELS
    def test_without_model(self) -> None:
        """Those without a model are the ones said to be."""
        assert [e for e in EVENT_TYPES if find_model(e) is None] == WITHOUT_MODEL

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("event_type", [*EVENT_TYPES, "horse.fed"])
    def test_is_understood(self, event: EventFactory, event_type: str, version: str) -> None:
        """A receiver verifies every type in both versions, and finds the message it is about."""
        receiver = WebhookReceiver(event.secret, clock=TickingClock(NOW))
        found = receiver.accept(*event(event_type, version=version))
        assert (found.verified, found.event_type, found.webhook_version) == (
            True,
            event_type,
            version,
        )
        family, _, rest = event_type.partition(".")
        is_about = family in {"message", "poll", "reaction"} and rest != "received"
        assert found.message_id == (event.message_id if is_about else found.message_id)
        assert (found.message_id is not None) == (family in {"message", "poll", "reaction"})


class TestIdentity:
    def test_repeats(self) -> None:
        """The same seed makes the same events, another one others."""
        factories = [EventFactory(seed=seed, clock=TickingClock(NOW)) for seed in (7, 7, 8)]
        made = [[make(event_type) for event_type in EVENT_TYPES] for make in factories]
        assert made[0] == made[1]
        assert [a == b for a, b in zip(made[0], made[2], strict=True)] == [False] * len(EVENT_TYPES)

    def test_each_call_is_an_event(self, event: EventFactory) -> None:
        """Events are about one message and have ids of their own; inbound messages are each one."""
        made = [json.loads(event(one).body) for one in ("message.sent",) * 2 + ("message.read",)]
        assert [one["data"]["id"] for one in made] == [event.message_id] * 3
        assert len({one["event_id"] for one in made}) == 3
        assert [one["trace_id"] for one in made] == [event.linq_trace_id] * 3
        inbound = [json.loads(event("message.received").body) for _ in range(2)]
        assert len({event.message_id, *(one["data"]["id"] for one in inbound)}) == 3

    @pytest.mark.parametrize("version", VERSIONS)
    def test_what_is_said(self, event: EventFactory, version: str) -> None:
        """What a call says is where the version has it, and fields of ``data`` as they stand."""
        headers, body = event(
            "message.delivered",
            version=version,
            message_id="m-1",
            chat_id="c-1",
            linq_trace_id="ab" * 16,
            idempotency_key="k-1",
            reply_to="m-0",
            event_id="e-1",
            service="RCS",
        )
        said = json.loads(body)
        data = said["data"]
        new = version == "2026-02-03"
        assert (said["trace_id"], said["event_id"], headers["webhook-id"]) == (
            "ab" * 16,
            "e-1",
            "e-1",
        )
        assert (data["id"] if new else data["message_id"]) == "m-1"
        assert (data["chat"]["id"] if new else data["chat_id"]) == "c-1"
        assert (data if new else data["message"])["reply_to"] == {
            "message_id": "m-0",
            "part_index": 0,
        }
        assert (data["idempotency_key"], data["service"]) == ("k-1", "RCS")

    def test_times(self, event: EventFactory) -> None:
        """The stages of a message are in order, and none lies in the future."""
        read = json.loads(event("message.read").body)
        times = [read["data"][f"{stage}_at"] for stage in ("sent", "delivered", "read")]
        assert times == [
            "2026-09-21T14:12:22.000000000Z",
            "2026-09-21T14:12:26.000000000Z",
            "2026-09-21T14:13:20.000000000Z",
        ]
        assert read["created_at"] == times[-1]


class TestSignatures:
    def test_forged(self, event: EventFactory) -> None:
        """A forged event does not verify, and says nothing else that is different."""
        genuine, forged = event("message.sent", event_id="e"), event(
            "message.sent", event_id="e", forged=True
        )  # fmt: skip
        assert genuine.body == forged.body
        key = Webhook(event.secret)
        # Its signature is old in real time; what matters is which of the two complaints it is.
        with pytest.raises(WebhookVerificationError):
            key.verify(forged.body, forged.headers)
        different = {k for k, v in genuine.headers.items() if forged.headers[k] != v}
        assert different == {"webhook-signature", "X-Webhook-Signature"}

    def test_old(self, event: EventFactory) -> None:
        """A signature may be of any time."""
        headers, _ = event("message.sent", signed_at=NOW - 3600)
        assert headers["webhook-timestamp"] == headers["X-Webhook-Timestamp"] == "1789996400"

    def test_unknown_version(self, event: EventFactory) -> None:
        """There are two versions."""
        told = "no payload version '2024-01-01'; there are: 2025-01-01, 2026-02-03"
        with pytest.raises(ValueError, match=told):
            event("message.sent", version="2024-01-01")
        with pytest.raises(ValueError, match=told):
            EventFactory(version="2024-01-01")


class TestTickingClock:
    def test_stands_still(self) -> None:
        """It moves when told to."""
        clock = TickingClock()
        assert (clock(), clock(), clock.time_ns()) == (NOW, NOW, 1_790_000_000_000_000_000)
        clock.advance(60)
        assert clock() == NOW + 60
        clock.advance(-90)
        assert clock() == NOW - 30

    def test_ticks(self) -> None:
        """Or each time it is asked."""
        clock = TickingClock(10, tick=0.5)
        assert [clock(), clock(), clock.time_ns()] == [10, 10.5, 11_000_000_000]
