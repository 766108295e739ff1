from __future__ import annotations

from dataclasses import replace

import pytest

from linq_otel.stories import Place, find_stories, find_trace
from stories.telling import CALL, CHAT_ID, MESSAGE_ID, READ, SHOP, call, handler, tell
from support.span_records import HOOK, LIFE, record


EVENT_ID = "448ebf57-b150-44ea-aa01-6e65464d30b2"
HANDLER = READ[-1].span_id


class TestFindTrace:
    @pytest.mark.parametrize(
        ("wanted", "place"),
        [
            (SHOP, Place(SHOP)),
            (LIFE, Place(LIFE)),
            (CALL, Place(SHOP, CALL)),
            (CALL.upper(), Place(SHOP, CALL)),
            (MESSAGE_ID, Place(LIFE)),
            (f" {MESSAGE_ID.upper()}\n", Place(LIFE)),
            (CHAT_ID, Place(LIFE)),
            (EVENT_ID, Place(LIFE, HANDLER)),
            ("9" * 32, None),
            ("9" * 16, None),
            ("nope", None),
            ("", None),
        ],
    )
    def test_knows_every_kind_of_id(self, wanted: str, place: Place | None) -> None:
        """Whatever id is in one's hands leads to its trace, and to its span if it is one's."""
        assert find_trace(READ, wanted) == place

    def test_knows_a_linq_trace_id_that_is_no_trace(self) -> None:
        """In the app's own trace Linq's id is but an attribute, of one attempt or the last."""
        spans = [replace(tell(call(), trace_ids=("8" * 32, "9" * 32)), links=())]
        assert find_trace(spans, "9" * 32) == Place(SHOP)
        assert find_trace(spans, "8" * 32) == Place(SHOP)

    def test_leads_to_the_last_message_of_a_chat(self) -> None:
        """Of a chat's messages, people ask for what happened just now."""
        older = tell(handler("message.received", 0, trace=HOOK), chat_id="c1", message_id="m1")
        newer = tell(handler("message.received", 9), chat_id="c1", message_id="m2")
        assert find_trace([older, newer], "c1") == Place(LIFE)

    def test_prefers_the_handler_of_an_event(self) -> None:
        """Others may know an event; the handler is what is meant."""
        drawn = tell(record("message read", 0, 1, trace=HOOK), event_id="e1")
        handled = handler("message.read", 5, event_id="e1")
        assert find_trace([drawn, handled], "e1") == Place(LIFE, handled.span_id)

    def test_disregards_a_strangers_word(self) -> None:
        """A delivery that did not verify leads nowhere, but by its own ids."""
        forged = tell(handler("message.read", 0, trace=HOOK, event_id="e1"), webhook_verified=False)
        assert find_trace([forged], "e1") is None
        assert find_trace([forged], MESSAGE_ID) is None
        assert find_trace([forged], HOOK) == Place(HOOK)


class TestFindStories:
    @pytest.mark.parametrize("wanted", [MESSAGE_ID, LIFE, SHOP, EVENT_ID])
    def test_are_all_that_tell_of_the_message(self, wanted: str) -> None:
        """Traces of the message that nothing links are stories beside the one with its life."""
        unlinked = handler("message.delivered", 20, trace=HOOK)
        stranger = record("GET /", 0, 1, trace="8" * 32)
        stories = find_stories([unlinked, stranger, *READ], wanted)
        assert [[group.otel_trace_id for group in story.groups] for story in stories] == [
            [SHOP, LIFE],
            [HOOK],
        ]

    def test_are_none_for_an_id_nobody_knows(self) -> None:
        """What leads nowhere has no story."""
        assert find_stories(READ, "nope") == []
