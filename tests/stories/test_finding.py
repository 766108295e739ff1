from __future__ import annotations

from dataclasses import replace

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.stories import Place, complete_id, find_trace
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
            (CALL, Place(SHOP, CALL, MESSAGE_ID)),
            (CALL.upper(), Place(SHOP, CALL, MESSAGE_ID)),
            (MESSAGE_ID, Place(LIFE, None, MESSAGE_ID)),
            (f" {MESSAGE_ID.upper()}\n", Place(LIFE, None, MESSAGE_ID)),
            (CHAT_ID, Place(LIFE, None, MESSAGE_ID)),
            (EVENT_ID, Place(LIFE, HANDLER, MESSAGE_ID)),
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
        assert find_trace(spans, "9" * 32) == Place(SHOP, None, MESSAGE_ID)
        assert find_trace(spans, "8" * 32) == Place(SHOP, None, MESSAGE_ID)

    def test_leads_to_the_last_message_of_a_chat(self) -> None:
        """Of a chat's messages, people ask for what happened just now."""
        older = tell(handler("message.received", 0, trace=HOOK), chat_id="c1", message_id="m1")
        newer = tell(handler("message.received", 9), chat_id="c1", message_id="m2")
        assert find_trace([older, newer], "c1") == Place(LIFE, None, "m2")

    def test_prefers_the_handler_of_an_event(self) -> None:
        """Others may know an event; the handler is what is meant."""
        drawn = tell(record("message read", 0, 1, trace=HOOK), event_id="e1")
        handled = handler("message.read", 5, event_id="e1")
        assert find_trace([drawn, handled], "e1") == Place(LIFE, handled.span_id, MESSAGE_ID)

    def test_disregards_a_strangers_word(self) -> None:
        """A delivery that did not verify leads nowhere, but by its own ids."""
        forged = tell(handler("message.read", 0, trace=HOOK, event_id="e1"), webhook_verified=False)
        assert find_trace([forged], "e1") is None
        assert find_trace([forged], MESSAGE_ID) is None
        assert find_trace([forged], HOOK) == Place(HOOK)


class TestCompleteId:
    @pytest.mark.parametrize(
        ("beginning", "whole"),
        [
            (MESSAGE_ID[:8], MESSAGE_ID),
            (f" {MESSAGE_ID[:5].upper()}\n", MESSAGE_ID),
            (CHAT_ID[:4], CHAT_ID),
            (EVENT_ID[:8], EVENT_ID),
            (SHOP[:8], SHOP),
            (CALL[:8], CALL),
            (CHAT_ID[:3], None),
            ("", None),
            ("9999", None),
        ],
    )
    def test_knows_the_beginning_of_every_kind(self, beginning: str, whole: str | None) -> None:
        """Four characters do, where one id alone begins so."""
        assert complete_id(READ, beginning) == whole

    def test_lists_what_could_be_meant(self) -> None:
        """Where several ids begin so, they are named with their kinds, a few of them."""
        spans = [
            tell(record("it", 0, 1, trace=f"abcd{number:028x}"), message_id=f"ABCD-{number}")
            for number in range(3)
        ]
        with pytest.raises(ConfigurationError) as caught:
            complete_id(spans[:1], "abcd")
        listed = "message abcd-0, trace abcd0000000000000000000000000000"
        words = "several ids begin with abcd; give more of the one meant: "
        assert str(caught.value) == words + listed
        with pytest.raises(ConfigurationError) as caught:
            complete_id(spans, "ABCD")
        assert str(caught.value).endswith(", message abcd-2, more")

    def test_disregards_a_strangers_word(self) -> None:
        """The ids in a delivery that did not verify stand for nothing."""
        forged = tell(
            handler("message.read", 0, trace=HOOK, event_id="e123"), webhook_verified=False
        )
        assert complete_id([forged], "e123") is None
