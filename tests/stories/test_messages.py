from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.stories import Message, find_messages
from stories.telling import (
    CHAT_ID,
    HOUR,
    MESSAGE_ID,
    READ,
    SHOP,
    anchor,
    call,
    handler,
    now,
    stage,
    tell,
)
from support.span_records import HOOK, LIFE, record


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


def find_state(*spans: SpanRecord, after: float = 20) -> str:
    """
    Return the state of the one message the spans tell of, so many milliseconds later.
    """
    (message,) = find_messages(spans, now_ns=now(after))
    return message.state


class TestMessage:
    def test_is_told_by_all_its_spans(self) -> None:
        """One message, from the call to the read, is one row with all that its spans say."""
        assert find_messages(READ[::-1], now_ns=now(4 * HOUR)) == [
            Message(
                otel_trace_id=LIFE,
                message_id=MESSAGE_ID,
                chat_id=CHAT_ID,
                linq_trace_ids=(LIFE,),
                operation="chats.create",
                direction="outbound",
                state="read",
                protocol="iMessage",
                error_code=None,
                service_names=("shop", "hooks"),
                started_ns=now(1),
                updated_ns=now(3 * HOUR + 15),
                spans=8,
            )
        ]

    def test_is_a_document(self) -> None:
        """Its document has lists and decimal strings where JSON has no other word."""
        (message,) = find_messages(READ[:4], now_ns=now(20))
        assert message.to_document() == {
            "otel_trace_id": LIFE,
            "message_id": MESSAGE_ID,
            "chat_id": CHAT_ID,
            "linq_trace_ids": [LIFE],
            "operation": "chats.create",
            "direction": "outbound",
            "state": "accepted",
            "protocol": "iMessage",
            "error_code": None,
            "service_names": ["shop", "hooks"],
            "started_ns": "1790000000001000000",
            "updated_ns": "1790000000010000000",
            "spans": 4,
        }


class TestState:
    @pytest.mark.parametrize(
        ("spans", "state"),
        [
            ((call(),), "accepted"),
            ((anchor(),), "accepted"),
            ((call(), anchor(), stage("sent", 10, 12)), "sent"),
            ((call(), stage("failed", 10, 12)), "failed"),
            ((call(), stage("failed", 10, 12), stage("delivered", 12, 14)), "delivered"),
            ((call(), stage("delivered", 12, 14), stage("failed", 10, 12)), "delivered"),
            ((call(), stage("failed", 12, 14), stage("sent", 10, 12)), "failed"),
            ((call(), stage("read", 12, 14), stage("delivered", 15, 16)), "read"),
            ((stage("sent", 10, 12),), "sent"),
            ((call(status="ERROR", message_id=None),), "failed"),
        ],
    )
    def test_is_the_furthest_stage(self, spans: tuple[SpanRecord, ...], state: str) -> None:
        """What went furthest counts, in whatever order it is told; a failure is not the end."""
        assert find_state(*spans) == state

    @pytest.mark.parametrize(
        ("event_types", "state"),
        [
            (("message.sent",), "sent"),
            (("message.delivered", "message.sent"), "delivered"),
            (("message.failed", "message.delivered"), "delivered"),
            (("poll.read",), "read"),
            (("message.failed",), "failed"),
        ],
    )
    def test_is_known_by_handlers_alone(self, event_types: tuple[str, ...], state: str) -> None:
        """Where no stages are drawn, the handlers' spans tell, in whatever trace they are."""
        handlers = [
            handler(each, 20 + number, trace=f"{number + 1:032x}")
            for number, each in enumerate(event_types)
        ]
        assert find_state(call(), *handlers) == state

    def test_of_a_call_that_failed_on_us(self) -> None:
        """A call may time out though Linq took it: what webhooks say of its message counts more."""
        timed_out = tell(call(status="ERROR"), trace_id=LIFE)
        assert find_state(timed_out, handler("message.sent", 20)) == "sent"

    def test_disregards_forged_deliveries(self) -> None:
        """A delivery that did not verify moves no message, and makes none."""
        forged = tell(handler("message.read", 20), webhook_verified=False)
        assert find_state(call(), forged) == "accepted"
        assert find_messages([forged], now_ns=now(30)) == []

    def test_disregards_what_is_about_no_message(self) -> None:
        """Reactions, other calls and other people's spans are no messages."""
        others = [
            handler("reaction.added", 20),
            handler("chat.created", 20),
            record("GET /", 0, 1, kind="SERVER"),
            tell(record("GET /v3/chats", 0, 1, kind="CLIENT"), trace_id=LIFE),
        ]
        assert find_messages(others, now_ns=now(30)) == []


class TestStuck:
    @pytest.mark.parametrize(
        ("spans", "after", "state"),
        [
            ((call(0, 10),), 300_009, "accepted"),
            ((call(0, 10),), 300_011, "stuck"),
            ((call(0, 10), stage("sent", 10, 500)), 300_011, "sent"),
            ((call(0, 10), stage("sent", 10, 500)), 300_501, "stuck"),
            ((call(0, 10), stage("sent", 10, 500, service="SMS")), 3 * HOUR, "sent"),
            ((call(0, 10), stage("sent", 10, 500, is_group=True)), 3 * HOUR, "sent"),
            ((call(0, 10), handler("message.sent", 10, is_group=True)), 3 * HOUR, "sent"),
            ((call(0, 10), handler("message.sent", 10)), 3 * HOUR, "stuck"),
            ((call(0, 10), stage("accepted", 0, 10, is_group=True)), 3 * HOUR, "stuck"),
            ((call(0, 10), stage("delivered", 10, 500)), 3 * HOUR, "delivered"),
            ((call(0, 10), stage("failed", 10, 500)), 3 * HOUR, "failed"),
            ((call(status="ERROR", message_id=None),), 3 * HOUR, "failed"),
        ],
    )
    def test_is_what_nobody_hears_of(
        self, spans: tuple[SpanRecord, ...], after: float, state: str
    ) -> None:
        """Five minutes without the news due next are too long, unless no news can come."""
        assert find_state(*spans, after=after) == state

    def test_has_a_bound_that_can_be_set(self) -> None:
        """Whoever knows better says after how many seconds."""
        spans = [call(0, 10)]
        (message,) = find_messages(spans, stuck_after=1.5, now_ns=now(1_511))
        assert message.state == "stuck"
        (message,) = find_messages(spans, stuck_after=1.5, now_ns=now(1_509))
        assert message.state == "accepted"


class TestInbound:
    def test_is_received(self) -> None:
        """A message that came to us is received, whatever is heard of it later."""
        received = handler("message.received", 0)
        read = handler("message.read", 90)
        (message,) = find_messages([read, received], now_ns=now(HOUR))
        assert (message.direction, message.state) == ("inbound", "received")
        assert (message.otel_trace_id, message.operation) == (LIFE, None)

    def test_is_apart_from_the_reply_in_its_trace(self) -> None:
        """A reply sent by the handler is a message of its own, in the same trace or not."""
        received = handler("message.received", 0)
        reply = tell(call(2, 8, trace=LIFE), message_id="4d0c8c11-0000-4000-8000-000000000001",
                     trace_id="9" * 32)  # fmt: skip
        messages = find_messages([received, reply], now_ns=now(20))
        assert [(each.direction, each.message_id, each.linq_trace_ids) for each in messages] == [
            ("outbound", "4d0c8c11-0000-4000-8000-000000000001", ("9" * 32,)),
            ("inbound", MESSAGE_ID, (LIFE,)),
        ]


class TestGrouping:
    def test_is_by_message_id_across_traces(self) -> None:
        """What names one message is told of as one, linked or not, and in either case."""
        elsewhere = handler("message.delivered", 900, trace=HOOK, trace_id="9" * 32,
                            message_id=MESSAGE_ID.upper())  # fmt: skip
        (message,) = find_messages([call(), anchor(), elsewhere], now_ns=now(1_000))
        assert message.state == "delivered"
        assert message.linq_trace_ids == (LIFE, "9" * 32)
        assert message.otel_trace_id == LIFE

    def test_is_by_linq_trace_id_where_no_message_is_named(self) -> None:
        """An answer whose body nobody read names no message; its trace id leads to one."""
        unread = call(message_id=None)
        (message,) = find_messages([unread, handler("message.sent", 20)], now_ns=now(30))
        assert (message.message_id, message.state) == (MESSAGE_ID, "sent")

    def test_is_by_any_attempt(self) -> None:
        """Of a call with retries every attempt's id counts."""
        retried = tell(call(message_id=None), trace_ids=("9" * 32, LIFE))
        (message,) = find_messages([retried, handler("message.sent", 20)], now_ns=now(30))
        assert message.linq_trace_ids == ("9" * 32, LIFE)

    def test_of_one_trace_with_many_messages(self) -> None:
        """In the app's own trace there are as many messages as it sent, the newest first."""
        calls = [
            replace(
                tell(call(at, at + 1), message_id=f"m{at}", trace_id=f"{at + 1:032x}"),
                span_id=f"{at + 1:016x}",
            )
            for at in range(3)
        ]
        messages = find_messages(calls, now_ns=now(10))
        assert [(each.otel_trace_id, each.message_id, each.spans) for each in messages] == [
            (SHOP, "m2", 3),
            (SHOP, "m1", 3),
            (SHOP, "m0", 3),
        ]

    def test_keys_a_message_by_its_life(self) -> None:
        """The life's trace is the key, even where a late stage was drawn in its webhook's."""
        late = stage("read", 5, 6, trace=HOOK, late=True)
        (message,) = find_messages([late, call(), stage("sent", 10, 12)], now_ns=now(1_000))
        assert (message.otel_trace_id, message.state) == (LIFE, "read")

    def test_takes_what_a_database_gives_back(self) -> None:
        """Lists read as tuples do, for whoever keeps spans as JSON."""
        ids: Any = ["x1", LIFE]
        spans = [tell(call(message_id=None), trace_ids=ids), handler("message.sent", 20)]
        (message,) = find_messages(spans, now_ns=now(30))
        assert message.linq_trace_ids == ("x1", LIFE)


class TestError:
    def test_is_told(self) -> None:
        """Linq's code of a failure is part of the row."""
        spans = [call(), anchor(), stage("failed", 10, 20, error_code=4001)]
        (message,) = find_messages(spans, now_ns=now(30))
        facts: dict[str, Any] = message.to_document()
        assert (facts["state"], facts["error_code"]) == ("failed", "4001")
