from __future__ import annotations

from typing import Any

import pytest

from linq_otel.integration_logs._answers import Answer, find_answer, normalize_id
from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._providers import load_providers
from support.log_rows import MADE, TIME, answered, read_rows, row


def ask(question: str, *rows: dict[str, Any], ids: tuple[str, ...] = ()) -> Answer:
    asked = load_providers().find_asked(question)
    entries = read_rows(*rows).entries
    with Chronicle(entries) as chronicle:
        return find_answer(chronicle, asked[0] if asked else None, frozenset(ids))


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


HUBSPOT = "https://api.hubapi.com/crm/v3/objects/communications"
SALESFORCE = "https://acme.my.salesforce.com/services/data/v64.0/sobjects/Task"


def at(second: int, **changes: Any) -> dict[str, Any]:
    return {**row(**changes), "timestamp": 1_762_272_000_000 + second * 1_000}


def text_to(contact: str, second: int, **changes: Any) -> dict[str, Any]:
    return at(second, request={"body": {"contactId": contact, "message": "Yes"}}, **changes)


class TestManyTexts:
    def test_all_of_them(self) -> None:
        """Rows without an id in common are different people's: each counts, not the last alone."""
        answer = ask(
            "no text in GHL",
            at(0, status=429, response=None),
            at(1, response={"body": ""}),
            at(2, status=400, response=None),
            at(3),
            at(4, response=None),
            at(5, response=None),
        )
        assert answer.stopped == (
            "6 texts were handed to GoHighLevel:"
            " 2 accepted, 1 throttled, 1 unconfirmed, 1 rejected, 1 delivered"
        )
        assert answer.advice == "Name one of them: --id -:1, or an id of its message or trace."
        assert [(one.delivery, one.texts, one.place) for one in answer.endings] == [
            ("throttled", 1, "-:1"),
            ("unconfirmed", 1, "-:2"),
            ("rejected", 1, "-:3"),
            ("accepted", 2, "-:6"),
            ("delivered", 1, "-:4"),
        ]
        assert (answer.texts, answer.lost, answer.is_delivered) == (6, 3, False)

    def test_all_arrived(self) -> None:
        """If each arrived, so did all."""
        answer = ask("GHL", at(0), at(1, response=None), at(2, status=204, response=None))
        assert (answer.texts, answer.lost, answer.is_delivered) == (3, 0, True)

    def test_attempts(self) -> None:
        """Attempts of one text are one, where the request is shown; other people's are theirs."""
        failed = {"status": 500, "response": None}
        answer = ask("GHL", text_to("a", 0, **failed), text_to("b", 1, **failed), text_to("a", 2))
        assert [(one.delivery, one.texts) for one in answer.endings] == [
            ("unknown", 1),
            ("delivered", 1),
        ]
        assert [step.attempt for step in answer.steps] == [None, None, 2]
        bare = ask("GHL", at(0, **failed), at(1, response=None))
        assert (bare.texts, bare.lost, [step.attempt for step in bare.steps]) == (
            2,
            1,
            [None, None],
        )

    def test_one_linq_id(self) -> None:
        """Rows with one Linq id are one text, and what arrived is not lost by a repetition."""
        linq = "8af9171a45022df2eb74ba4e4c83be0f"
        answer = ask("GHL", at(0, linq_trace_id=linq), at(9, linq_trace_id=linq, status=409))
        assert (answer.texts, answer.stopped) == (
            1,
            "delivered: GoHighLevel has it as message msgEXAMPLE0000000001",
        )
        assert answer.steps[0].ids == {
            "message_id": "msgEXAMPLE0000000001",
            "linq_trace_id": linq,
        }

    def test_what_names_one(self) -> None:
        """A row is named by its place, as printed, or by an id that is its own."""
        rows = (at(0, status=400, response=None), at(1, response=None))
        assert normalize_id("logs/Rows.csv:2 ") == "rows.csv:2"
        answer = ask("GHL", *rows, ids=("-:2",))
        assert (answer.texts, answer.stopped) == (1, "201: accepted, as far as the table tells")

    def test_unknown_id(self) -> None:
        """An id that no row has is said, and is no word on any text."""
        answer = ask("GHL", at(0), ids=("nothing",))
        assert (answer.stopped, answer.is_delivered) == ("no row has such an id", False)

    def test_contact_has_many(self) -> None:
        """A contact may have several texts: the one that was lost is not hidden by the next."""
        lost = {"status": 400, "response": None}
        later = at(400, request={"body": {"contactId": "a", "message": "Are you there?"}})
        answer = ask("GHL", text_to("a", 0, **lost), later, ids=("a",))
        assert (answer.texts, answer.lost) == (2, 1)

    def test_of_each_crm(self) -> None:
        """Without a CRM in the question all are counted, by their titles."""
        rows = (at(0), at(1, url=HUBSPOT), at(2, url=SALESFORCE, status=400))
        answer = ask("my mother got no text", *rows)
        assert (answer.crms, answer.lost) == ({"GoHighLevel": 1, "HubSpot": 1, "Salesforce": 1}, 1)
        answer = ask("no text in Salesforce", *rows)
        assert answer.stopped == "Salesforce refused it: 400"

    def test_clock(self) -> None:
        """A clock that is off is told."""
        headers = {"date": "Tue, 04 Nov 2025 23:00:00 GMT"}
        answer = ask("GHL", at(0, response={"headers": headers, "body": ""}))
        assert [step.skew_ms for step in answer.steps] == [-25_200_000]
