from __future__ import annotations

import pytest

from linq_otel.testing import EVENT_TYPES
from support import payloads as p
from support.spans import trees
from support.webhook_desk import Desk, label
from support.webhook_spans import LIFE


MEMBERS = {
    "reaction.added": p.reaction_data(),
    "reaction.removed": p.reaction_data(),
    "poll.reaction.added": p.reaction_data(),
    "message.edited": p.edited_data(),
    "poll.vote.added": p.vote_data(),
    "poll.vote.removed": p.vote_data(),
    "poll.updated": p.vote_data(),
}


class TestMembers:
    @pytest.mark.parametrize("event_type", MEMBERS)
    def test_with_an_origin_they_join_the_life(self, desk: Desk, event_type: str) -> None:
        """What people do with a message belongs to it; no stage is drawn."""
        sender = desk.send()
        desk.deliver(
            p.envelope(event_type, MEMBERS[event_type], linq_trace_id=p.OTHER_LINQ_TRACE_ID)
        )
        process, server = desk.one(f"process {event_type}"), desk.one("POST /hook")
        assert process["parent"] == LIFE.anchor
        assert process["links"] == [("send", label(sender)), ("webhook", server["id"])]
        assert server["links"] == [("process", process["id"])]
        assert [span.name for span in desk.spans if span.name.startswith("message ")] == [
            "message accepted"
        ]

    @pytest.mark.parametrize("event_type", MEMBERS)
    def test_without_one_they_stay_where_they_are(self, desk: Desk, event_type: str) -> None:
        """No life is made up for a message nobody here sent."""
        desk.deliver(p.envelope(event_type, MEMBERS[event_type]))
        server = desk.one("POST /hook")
        process = desk.one(f"process {event_type}")
        assert (process["parent"], process["links"], server["links"]) == (server["id"], [], [])
        assert process["attributes"]["linq.message.id"] == p.MESSAGE_ID


UNKNOWN = "teleport.beam.started"
AMBIENT = [t for t in EVENT_TYPES if t.partition(".")[0] not in {"message", "poll", "reaction"}]


class TestAmbientEvents:
    @pytest.mark.parametrize("event_type", [*AMBIENT, UNKNOWN])
    def test_they_stay_in_their_trace_with_a_link_to_the_cause(
        self, desk: Desk, event_type: str
    ) -> None:
        """Where the call that led to an event is known by its trace id, it is linked."""
        cause = desk.send(path="/v3/chats", message_id=None)
        before = len(desk.spans)
        desk.deliver(p.envelope(event_type, p.data_of(event_type)))
        name = "_OTHER" if event_type == UNKNOWN else event_type
        process, server = desk.one(f"process {name}"), desk.one("POST /hook")
        assert (process["parent"], process["links"]) == (server["id"], [("cause", label(cause))])
        assert (server["links"], process["attributes"]["linq.origin"]) == ([], "trace")
        assert len(desk.spans) == before + 2

    @pytest.mark.parametrize("event_type", ["chat.created", "payment.succeeded", "call.ended"])
    def test_without_an_origin_there_is_no_link(self, desk: Desk, event_type: str) -> None:
        """An id that nobody here knows picks no trace."""
        desk.deliver(p.envelope(event_type, p.data_of(event_type)))
        process, server = desk.one(f"process {event_type}"), desk.one("POST /hook")
        assert (process["parent"], process["links"]) == (server["id"], [])
        assert p.LINQ_TRACE_ID not in trees(desk.spans)

    @pytest.mark.parametrize("event_type", ["chat.created", "payment.succeeded"])
    def test_data_id_names_no_message(self, desk: Desk, event_type: str) -> None:
        """A chat or payment whose id happens to be a message's joins nothing."""
        desk.send()
        desk.deliver(
            p.envelope(event_type, {"id": p.MESSAGE_ID}, linq_trace_id=p.OTHER_LINQ_TRACE_ID)
        )
        process = desk.one(f"process {event_type}")
        assert (process["links"], process["attributes"]["linq.origin"]) == ([], "none")
        assert "linq.message.id" not in process["attributes"]
