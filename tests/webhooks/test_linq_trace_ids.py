from __future__ import annotations

import pytest

from support import payloads as p
from support.spans import trees
from support.webhook_desk import Desk, Life, label
from support.webhook_spans import LIFE


class TestLinqTraceIds:
    def test_an_origin_repairs_ids_that_differ(self, desk: Desk) -> None:
        """Linq's own samples show one message under two trace ids: the message id decides."""
        desk.send()
        desk.stage("sent")
        desk.stage("delivered", trace_id=p.OTHER_LINQ_TRACE_ID)
        delivered = desk.one("message delivered")
        assert delivered["parent"] == LIFE.anchor
        assert delivered["id"] == f"{LIFE.otel_trace_id}-{LIFE.stage_id('delivered')}"
        assert delivered["attributes"]["linq.trace_id"] == p.OTHER_LINQ_TRACE_ID
        assert p.OTHER_LINQ_TRACE_ID not in trees(desk.spans)

    def test_without_an_origin_each_event_has_its_own(self, desk: Desk) -> None:
        """What cannot be found is derived from the event itself."""
        desk.stage("sent")
        desk.stage("delivered", trace_id=p.OTHER_LINQ_TRACE_ID)
        other = Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID)
        assert desk.one("message sent")["parent"] == LIFE.anchor
        assert desk.one("message delivered")["parent"] == other.anchor
        assert desk.one("message delivered")["id"].endswith(other.stage_id("delivered"))
        assert desk.one("process message.sent")["attributes"]["linq.origin"] == "none"

    def test_capitals_are_the_same_id(self, desk: Desk) -> None:
        """Hexadecimal digits have no case."""
        desk.stage("sent", trace_id=p.LINQ_TRACE_ID.upper())
        assert desk.one("message sent")["parent"] == LIFE.anchor

    @pytest.mark.parametrize(
        "malformed",
        [
            "abc123def456",
            "trace_abc123def456",
            "3bff6ef6d7g799844d118634d5e72de0",
            "0" * 32,
            None,
            5,
            p.PHONE,
            p.LINQ_TRACE_ID + "0",
        ],
    )
    def test_a_malformed_one_gives_way_to_the_message_id(
        self, desk: Desk, malformed: object
    ) -> None:
        """Both sides then hash the message id."""
        desk.stage("sent", trace_id=malformed)
        assert desk.one("message sent")["parent"] == Life.by_message().anchor

    def test_a_malformed_one_at_the_sender_leads_to_the_same_life(self, desk: Desk) -> None:
        """The sender and a stranger to it derive alike."""
        desk.send(linq_trace_ids=("trace_abc",))
        desk.store.close()
        desk.stage("sent", trace_id="trace_abc")
        assert desk.one("linq message")["id"] == Life.by_message().anchor
        assert desk.one("message sent")["parent"] == Life.by_message().anchor

    def test_with_no_id_at_all_the_handler_stays_where_it_is(self, desk: Desk) -> None:
        """There is nothing to join."""
        desk.deliver(p.envelope("message.failed", {"code": 4001}, linq_trace_id="?"))
        assert [span.name for span in desk.spans] == ["process message.failed", "POST /hook"]
        assert desk.one("process message.failed")["parent"] == desk.one("POST /hook")["id"]

    def test_the_accepted_attempt_s_id_names_the_life(self, desk: Desk) -> None:
        """An event under the id of an earlier attempt is found all the same."""
        desk.send(linq_trace_ids=(p.OTHER_LINQ_TRACE_ID, p.LINQ_TRACE_ID))
        desk.deliver(
            p.envelope("message.failed", {"code": 4001}, linq_trace_id=p.OTHER_LINQ_TRACE_ID)
        )
        assert desk.one("message failed")["parent"] == LIFE.anchor

    def test_the_idempotency_key_is_the_last_resort(self, desk: Desk) -> None:
        """An origin known by its key alone is found by the hash of the key."""
        sender = desk.send(message_id=None, idempotency_key="order-17")
        data = p.message_data("sent") | {"idempotency_key": "order-17"}
        desk.deliver(p.envelope("message.sent", data, linq_trace_id=p.OTHER_LINQ_TRACE_ID))
        process = desk.one("process message.sent")
        assert process["attributes"]["linq.origin"] == "key"
        assert process["links"][0] == ("send", label(sender))
        assert process["parent"] == LIFE.anchor
