from __future__ import annotations

import pytest

from linq_otel._origins import hash_key
from support import payloads as p
from support.webhook_desk import Desk, Life, digest, label
from support.webhook_spans import LIFE, STAGES, TIMES, stage_span


def desk_of(desk: Desk, **options: object) -> Desk:
    return Desk(desk.provider, desk.exporter, options)


class TestJoinModes:
    def test_app_hangs_the_life_under_the_sending_span(self, desk: Desk) -> None:
        """One trace from the app's own span to ``read``."""
        desk = desk_of(desk, join="app")
        sender = desk.send()
        for stage in STAGES:
            desk.stage(stage)
        life = Life(f"{sender.trace_id:032x}", digest("anchor", p.MESSAGE_ID))
        anchor = desk.one("linq message")
        assert (anchor["id"], anchor["parent"]) == (life.anchor, label(sender))
        assert [desk.one(f"message {stage}") for stage in STAGES] == [
            stage_span(stage, *TIMES[stage], life) for stage in STAGES
        ]
        assert [desk.one(f"process message.{stage}")["parent"] for stage in STAGES] == [
            life.anchor
        ] * 3
        servers = desk.named("POST /hook")
        assert [s["links"] for s in servers] == [
            [("process", desk.one(f"process message.{stage}")["id"])] for stage in STAGES
        ]

    def test_app_anchors_by_the_idempotency_key_where_there_is_one(self, desk: Desk) -> None:
        """The key is known before the answer, so an event that overtakes it knows the anchor."""
        desk = desk_of(desk, join="app")
        sender = desk.send(idempotency_key="order-17")
        desk.stage("sent")
        anchor = f"{sender.trace_id:032x}-{digest('anchor', hash_key('order-17'))}"
        assert desk.one("message sent")["parent"] == anchor

    def test_app_without_an_origin_falls_back_to_linq_s_id(self, desk: Desk) -> None:
        """A receiver that shares no store cannot know the app's trace."""
        desk = desk_of(desk, join="app")
        desk.stage("sent")
        assert desk.one("message sent")["parent"] == LIFE.anchor

    @pytest.mark.parametrize("knows_sender", [True, False])
    def test_message_hashes_the_message_id(self, desk: Desk, *, knows_sender: bool) -> None:
        """No two of Linq's ids need be equal, and no store is needed."""
        desk = desk_of(desk, join="message")
        desk.send()
        if not knows_sender:
            desk.store.close()
        desk.stage("sent")
        desk.stage("delivered", trace_id=p.OTHER_LINQ_TRACE_ID)
        life = Life.by_message()
        assert desk.one("linq message")["id"] == life.anchor
        assert [desk.one(f"message {s}")["parent"] for s in ("sent", "delivered")] == [
            life.anchor
        ] * 2

    def test_message_without_a_message_id_takes_linq_s(self, desk: Desk) -> None:
        """A failure may name no message."""
        desk = desk_of(desk, join="message")
        desk.deliver(p.envelope("message.failed", {"code": 4001}))
        assert desk.one("message failed")["parent"] == LIFE.anchor

    def test_link_leaves_the_handler_under_its_server_span(self, desk: Desk) -> None:
        """The traces an app has stay as they are; links do the joining, in both directions."""
        desk = desk_of(desk, join="link")
        sender = desk.send()
        for stage in STAGES:
            desk.stage(stage)
        servers = desk.named("POST /hook")
        processes = [desk.one(f"process message.{stage}") for stage in STAGES]
        assert [span["parent"] for span in processes] == [span["id"] for span in servers]
        assert [span["links"] for span in processes] == [
            [("send", label(sender)), ("lifecycle", LIFE.anchor)]
        ] * 3
        assert [span["links"] for span in servers] == [[("lifecycle", LIFE.anchor)]] * 3
        assert [desk.one(f"message {stage}") for stage in STAGES] == [
            stage_span(stage, *TIMES[stage], links=[("webhook", server["id"])])
            for stage, server in zip(STAGES, servers, strict=True)
        ]


class TestWithoutStages:
    def test_linq_makes_each_handler_a_root_of_linq_s_trace(self, desk: Desk) -> None:
        """No anchor is drawn, so nothing may hang under one."""
        desk = desk_of(desk, stages=False)
        sender = desk.send()
        desk.stage("sent")
        process, server = desk.one("process message.sent"), desk.one("POST /hook")
        assert [span.name for span in desk.spans] == [
            "linq chats.messages.send",
            "process message.sent",
            "POST /hook",
        ]
        assert (process["parent"], process["id"][:32]) == (None, p.LINQ_TRACE_ID)
        assert process["links"] == [("send", label(sender)), ("webhook", server["id"])]
        assert server["links"] == [("process", process["id"])]

    def test_app_hangs_the_handler_under_the_sender(self, desk: Desk) -> None:
        """The sending span is in that very trace, and exists."""
        desk = desk_of(desk, stages=False, join="app")
        sender = desk.send()
        desk.stage("sent")
        assert desk.one("process message.sent")["parent"] == label(sender)

    def test_message_makes_it_a_root_of_the_hashed_trace(self, desk: Desk) -> None:
        """As in Linq's trace, with the other id."""
        desk = desk_of(desk, stages=False, join="message")
        desk.stage("sent")
        process = desk.one("process message.sent")
        assert (process["parent"], process["id"][:32]) == (None, Life.by_message().otel_trace_id)

    def test_link_links_to_the_sender_and_to_nothing_undrawn(self, desk: Desk) -> None:
        """An anchor that is not drawn is not linked to, from either span."""
        desk = desk_of(desk, stages=False, join="link")
        sender = desk.send()
        desk.stage("sent")
        process, server = desk.one("process message.sent"), desk.one("POST /hook")
        assert (process["parent"], process["links"]) == (server["id"], [("send", label(sender))])
        assert server["links"] == []
