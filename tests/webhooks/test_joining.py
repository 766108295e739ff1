from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support import payloads as p
from support.spans import Tree, trees
from support.webhook_desk import ACCEPTED_AT, REQUESTED_AT, Desk, label
from support.webhook_spans import IDENTITY, LIFE, STAGES, TIMES, stage_span


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


SENT = {
    "linq.operation": "chats.messages.send",
    "linq.trace_id": p.LINQ_TRACE_ID,
    "linq.message.id": p.MESSAGE_ID,
    "linq.chat.id": p.CHAT_ID,
}


CONSUMED = {
    "messaging.system": "linq",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}


def consumer(stage: str, origin: str = "message", **more: object) -> dict[str, Any]:
    """
    Return the attributes of a ``process`` span.
    """
    return {
        **CONSUMED,
        **IDENTITY,
        "linq.event.type": f"message.{stage}",
        "messaging.message.id": p.EVENT_ID,
        "linq.webhook.version": p.NEW,
        "linq.webhook.subscription.id": p.SUBSCRIPTION_ID,
        "linq.origin": origin,
        **more,
    }


class TestWholeLife:
    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_it_is_one_trace_from_accepted_to_read(self, desk: Desk, version: str) -> None:
        """By default all hangs under the anchor, in Linq's trace, linked both ways."""
        sender = desk.send()
        for stage in STAGES:
            desk.stage(stage, version)
        servers = tuple(
            Tree("POST /hook", "SERVER", {}, (("process", f"process message.{stage}"),))
            for stage in STAGES
        )
        drawn = trees(desk.spans, keys=["linq.stage"])
        (life,) = drawn.pop(LIFE.otel_trace_id)
        assert drawn.pop(f"{sender.trace_id:032x}") == (
            Tree(
                "linq chats.messages.send",
                "PRODUCER",
                links=(("lifecycle", "linq message"),),
            ),
        )
        assert sum(drawn.values(), ()) == servers
        assert (life.name, life.kind, life.links) == (
            "linq message",
            "INTERNAL",
            (("send", "linq chats.messages.send"),),
        )
        links = (("send", "linq chats.messages.send"), ("webhook", "POST /hook"))
        assert life.children == (
            Tree("message accepted", attributes={"linq.stage": "accepted"}),
            *(Tree(f"message {s}", attributes={"linq.stage": s}) for s in STAGES),
            *(Tree(f"process message.{s}", "CONSUMER", links=links) for s in STAGES),
        )

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_each_stage_has_its_derived_id_and_its_own_times(
        self, desk: Desk, version: str
    ) -> None:
        """A stage lasts from the stage before it to its own moment, as the payloads say."""
        desk.send()
        for stage in STAGES:
            desk.stage(stage, version)
        assert [desk.one(f"message {stage}") for stage in STAGES] == [
            stage_span(stage, *TIMES[stage]) for stage in STAGES
        ]

    def test_the_anchor_and_the_first_stage_are_the_sender_s(self, desk: Desk) -> None:
        """The anchor lasts a nanosecond and starts with the request."""
        sender = desk.send()
        assert desk.one("linq message") == {
            "name": "linq message",
            "kind": "INTERNAL",
            "id": LIFE.anchor,
            "parent": None,
            "times": (REQUESTED_AT, REQUESTED_AT + 1),
            "attributes": SENT,
            "links": [("send", label(sender))],
            "status": "UNSET",
            "description": None,
            "events": [],
        }
        assert desk.one("message accepted") == stage_span(
            "accepted",
            REQUESTED_AT,
            ACCEPTED_AT,
            attributes={**SENT, "linq.stage": "accepted"},
        )

    def test_the_handler_s_span_says_what_was_delivered(self, desk: Desk) -> None:
        """Its id is random; its parent is the anchor; it links to sender and SERVER span."""
        sender = desk.send()
        event = desk.stage("delivered")
        server, process = desk.one("POST /hook"), desk.one("process message.delivered")
        assert event is not None
        assert event.message_id == p.MESSAGE_ID
        assert (process["parent"], process["kind"]) == (LIFE.anchor, "CONSUMER")
        assert process["links"] == [("send", label(sender)), ("webhook", server["id"])]
        assert process["attributes"] == consumer("delivered")
        assert server["links"] == [("process", process["id"])]

    def test_without_a_server_span_there_is_nothing_to_link_to(self, desk: Desk) -> None:
        """A queue worker has no request."""
        sender = desk.send()
        body = p.body_of("message.sent")
        with desk.receiver.process(p.headers_of(body), body):
            pass
        assert desk.one("process message.sent")["links"] == [("send", label(sender))]

    @pytest.mark.parametrize(
        "order", [("read", "delivered", "sent"), ("delivered", "read", "sent")]
    )
    def test_the_order_of_arrival_changes_nothing(self, desk: Desk, order: tuple[str, ...]) -> None:
        """The times are the payloads', so the stages are the same spans in any order."""
        desk.send()
        for stage in order:
            desk.stage(stage)
        assert [desk.one(f"message {stage}") for stage in STAGES] == [
            stage_span(stage, *TIMES[stage]) for stage in STAGES
        ]

    def test_a_poll_has_the_same_life(self, desk: Desk) -> None:
        """Its events name the message in another place, and its failure has a nested code."""
        desk.send()
        for stage in (*STAGES, "failed"):
            desk.deliver(p.envelope(f"poll.{stage}", p.poll_data(stage)))
        assert [desk.one(f"message {s}")["parent"] for s in (*STAGES, "failed")] == [
            LIFE.anchor
        ] * 4
        assert desk.one("message failed")["attributes"]["linq.error.code"] == 4001

    @pytest.mark.parametrize("service", ["SMS", "RCS"])
    def test_a_life_may_end_with_sent(self, desk: Desk, service: str) -> None:
        """SMS and groups never report delivery: nothing is left open."""
        desk.send()
        desk.deliver(p.envelope("message.sent", p.message_data("sent") | {"service": service}))
        (life,) = trees(desk.spans, keys=["linq.service"])[LIFE.otel_trace_id]
        assert [(child.name, child.attributes) for child in life.children] == [
            ("message accepted", {}),
            ("message sent", {"linq.service": service}),
            ("process message.sent", {"linq.service": service}),
        ]


class TestFailure:
    FAILED: dict[str, Any] = stage_span(
        "failed",
        ACCEPTED_AT,
        p.at_ns(4),
        status="ERROR",
        attributes={
            **IDENTITY,
            "linq.event.type": "message.failed",
            "linq.stage": "failed",
            "linq.error.code": 4001,
            "error.type": "4001",
        },
    )

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_its_stage_is_an_error_with_linq_s_code(self, desk: Desk, version: str) -> None:
        """The reason's text stays out: it may quote a number."""
        desk.send()
        desk.stage("failed", version)
        assert desk.one("message failed") == self.FAILED

    def test_it_is_not_the_end(self, desk: Desk) -> None:
        """A ``delivered`` may follow, and is drawn beside it."""
        desk.send()
        desk.stage("failed")
        desk.stage("delivered")
        assert desk.one("message failed")["status"] == "ERROR"
        assert desk.one("message delivered") == stage_span("delivered", *TIMES["delivered"])
        assert desk.one("process message.failed")["status"] == "UNSET"

    def test_it_joins_by_trace_id_where_it_names_no_message(self, desk: Desk) -> None:
        """``message_id`` is optional in ``message.failed``."""
        sender = desk.send()
        desk.deliver(p.envelope("message.failed", {"code": 4003, "failed_at": p.at(4)}))
        process = desk.one("process message.failed")
        assert process["attributes"]["linq.origin"] == "trace"
        assert process["links"][0] == ("send", label(sender))
        assert desk.one("message failed")["parent"] == LIFE.anchor


class TestDuplicates:
    def test_a_stage_is_the_same_span_again(self, desk: Desk) -> None:
        """A redelivered event writes its stage once more, identical to the last byte."""
        desk.send()
        desk.stage("delivered")
        desk.stage("delivered")
        first, second = (s.to_json() for s in desk.spans if s.name == "message delivered")
        assert first == second

    def test_the_handler_s_span_says_that_it_is_one(self, desk: Desk) -> None:
        """Only the second run is marked, by the event's id alone."""
        desk.send()
        desk.stage("sent")
        desk.stage("sent")
        desk.stage("sent", event_id="67c4f9d2-0000-4000-8000-000000000002")
        marks = [
            span["attributes"].get("linq.webhook.duplicate")
            for span in desk.named("process message.sent")
        ]
        assert marks == [None, True, None]

    def test_another_host_draws_the_same_stage(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Two hosts with one store write one span."""
        one = Desk(provider, exporter)
        other = Desk(provider, exporter, store=one.store)
        one.send()
        one.stage("read")
        other.stage("read")
        first, second = one.named("message read")
        assert first == second == stage_span("read", *TIMES["read"])

    def test_an_event_without_an_id_is_never_one(self, desk: Desk) -> None:
        """There is nothing to tell it by."""
        desk.send()
        desk.stage("sent", event_id=None)
        desk.stage("sent", event_id=None)
        assert [
            "linq.webhook.duplicate" in s["attributes"] for s in desk.named("process message.sent")
        ] == [
            False,
            False,
        ]
