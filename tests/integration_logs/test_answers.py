from __future__ import annotations

from typing import Any

import pytest

from linq_otel.integration_logs._answers import Answer, find_answer
from linq_otel.integration_logs._providers import load_providers
from support.log_rows import MADE, TIME, answered, read_rows, row


def ask(question: str, *rows: dict[str, Any], ids: tuple[str, ...] = ()) -> Answer:
    provider = load_providers().find_mentioned(question)
    return find_answer(read_rows(*rows).entries, provider, frozenset(ids))


ARRIVED = {
    "event_id": "e",
    "event_type": "message.received",
    "target_url": "https://h.example/",
    "timestamp": TIME,
    "http_status_code": 200,
}


class TestAnswer:
    @pytest.mark.parametrize(
        ("last", "stopped", "advice"),
        [
            (
                answered(""),
                "GoHighLevel answered 201 with an empty body and named no message",
                "Check the provider id",
            ),
            (
                row(),
                "delivered: GoHighLevel has it as message msgEXAMPLE0000000001",
                "Look in",
            ),
            (row(response=None), "201: accepted, as far as the table tells", "Paste the response"),
            (
                answered({"success": True}),
                "201: accepted, and the answer names no message",
                "Look in GoHighLevel",
            ),
            (
                row(status=204, response=None),
                "204: accepted, and the answer has no content",
                "Look in GoHighLevel",
            ),
            (
                answered({"message": "Invalid token"}, 401),
                "refused it: 401 Invalid token",
                "Connect",
            ),
            (answered({}, 403), "GoHighLevel refused it: 403", "may not see this location"),
            (answered({}, 422), "GoHighLevel refused it: 422", "may have made the contact"),
            (
                answered({}, 429, headers={"x-ratelimit-daily-remaining": "0"}),
                "let no more calls through (daily limit)",
                "daily quota is used up",
            ),
            (
                answered({}, 429, headers={"x-ratelimit-daily-remaining": "7"}),
                "let no more calls through (burst limit)",
                "burst limit passes",
            ),
            (answered({}, 429), "(unknown limit)", "Wait for the limit"),
            (answered({}, 502), "nobody knows: 502", "Look in GoHighLevel by message or contact"),
            (row(status=None, response=None), "nobody knows: no answer", "Look in GoHighLevel"),
        ],
    )
    def test_where(self, last: dict[str, Any], stopped: str, advice: str) -> None:
        """The last hand-off says where a text stopped, and what to do."""
        answer = ask("no text in GoHighLevel", last)
        assert stopped in answer.stopped
        assert advice in answer.advice
        assert answer.is_delivered == ("delivered:" in stopped or "accepted," in stopped)

    def test_nothing_left_linq(self) -> None:
        """Without a hand-off the window that was looked at is named, and what Linq received."""
        answer = ask("no text in GHL", ARRIVED)
        assert answer.stopped == (
            "no row between 2025-11-04T16:02:11.482000000Z and 2025-11-04T16:02:11.482000000Z"
            " hands a text to GoHighLevel"
        )
        assert (answer.arrivals, answer.steps) == (1, ())
        assert "did not hand it over" in answer.advice
        assert "outside that window" in ask("no text in HubSpot", row()).advice

    def test_no_rows(self) -> None:
        """No rows are no answer."""
        assert ask("no text in HubSpot").stopped == "there is no row to look at"

    def test_provider_and_ids(self) -> None:
        """Only rows of the CRM that was named, and of the id that was given, count."""
        hubspot = answered(
            {}, 500, url="https://api.hubapi.com/crm/v3/objects/communications", id="h"
        )
        other = answered({**MADE, "contactId": "CNT2"}, id="b")
        mine = answered({"contactId": "cnt1"}, 201, id="a")
        answer = ask("GoHighLevel?", mine, other, hubspot, ids=("cnt1",))
        assert [(step.entry_id, step.delivery) for step in answer.steps] == [("a", "unconfirmed")]
        assert [step.entry_id for step in ask("where is it", mine, other, hubspot).steps] == [
            "a",
            "b",
            "h",
        ]
