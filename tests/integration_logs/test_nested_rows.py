"""
Rows of the Logs page, at any depth of what the page loads.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.log_rows import INBOUND, MADE, TIME, Read, answered, lines, read_rows, read_text, row


BARE = row(response=None)
OPENED: dict[str, Any] = {
    "id": "row-1", "method": "POST", "url": INBOUND, "statusCode": 201, "createdAt": TIME,
    "request": {"headers": {"version": "v3"}, "body": {"type": "SMS"}},
    "response": {"headers": {}, "body": MADE},
}  # fmt: skip
SIDES: dict[str, Any] = {
    "createdAt": TIME,
    "request": {"method": "POST", "url": INBOUND, "headers": {}},
    "response": {"status": 201, "body": MADE},
}
SHAPES: dict[str, tuple[Any, int]] = {
    "a name of its own": ({"integration_logs": [BARE, BARE], "page": {"next": None}}, 2),
    "a list within data": ({"data": {"logs": [BARE, BARE], "total": 2}}, 2),
    "edges": ({"data": {"logs": {"edges": [{"node": BARE}, {"node": BARE}]}}}, 2),
    "an empty list before": ({"data": [], "logs": [BARE, BARE]}, 2),
    "attributes": ({"data": [{"id": "1", "type": "log", "attributes": BARE}]}, 1),
    "a batch": ([{"result": {"data": {"json": {"items": [BARE]}}}}], 1),
    "the opened row": ({"integration_log": OPENED}, 1),
    "the opened row alone": (OPENED, 1),
    "two sides": ({"items": [SIDES]}, 1),
    "lists of lists": ({"pages": [[BARE], [BARE]]}, 2),
}


def har(*answers: str, **content: Any) -> str:
    """Write a HAR of a browser that was answered so."""
    entries = [
        {
            "pageref": "page_1",
            "startedDateTime": TIME,
            "time": 118.30899999999383,
            "request": {"method": "GET", "url": "https://dashboard.example/api/logs"},
            "response": {"status": 200, "content": {"text": text, **content}},
        }
        for text in answers
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def statuses(found: Read) -> list[int | None]:
    assert found.rejects == []
    return [entry.status for entry in found.entries]


class TestShapes:
    @pytest.mark.parametrize(("document", "count"), SHAPES.values(), ids=SHAPES)
    def test_of_any_shape(self, document: Any, count: int) -> None:
        """An object with a method, a URL and a status or a time is a row at any depth."""
        text = json.dumps(document)
        packed = base64.b64encode(text.encode()).decode()
        for written in (
            text,
            json.dumps(document, indent=2),
            har(text),
            har(packed, encoding="base64"),
            har(f")]}}',\n{text}"),
        ):
            assert statuses(read_text(written)) == [201] * count

    def test_lines_are_told(self) -> None:
        """Each row of a document names its own line."""
        text = json.dumps({"data": {"logs": [BARE, BARE]}}, indent=0)
        places = [text.splitlines()[entry.place.line - 1] for entry in read_text(text).entries]
        assert places == ["{", "{"]
        assert len({entry.place.line for entry in read_text(text).entries}) == 2

    def test_odd_elements(self) -> None:
        """An element that is no row hides no row beside it."""
        odd = json.dumps({"logs": [None, BARE, {"advertisement": 1}, "x", BARE]})
        assert statuses(read_text(har(odd))) == [201, 201]
        found = read_text(json.dumps(json.loads(odd), indent=1))
        assert ([e.status for e in found.entries], len(found.rejects)) == ([201, 201], 3)

    def test_the_opened_row_has_the_bodies(self) -> None:
        """The object of the row that was opened is read beside the list."""
        listed = json.dumps({"logs": [{**BARE, "id": "row-1"}]})
        found = read_text(har(listed, json.dumps({"log": OPENED})))
        assert [(e.ids, e.outcome.delivery) for e in found.entries][1] == (
            {"message_id": "msgEXAMPLE0000000001"},
            "delivered",
        )

    def test_loaded_again(self) -> None:
        """Rows that the page loads again are read once; rows that are alike are two."""
        first = json.dumps({"logs": [BARE, BARE]})
        second = json.dumps({"logs": [BARE, BARE, {**BARE, "id": "row-3"}]})
        found = read_text(har(first, second, first))
        assert [entry.entry_id for entry in found.entries] == [None, None, "row-3"]

    def test_in_a_page_and_in_streams(self) -> None:
        """Rows that a page, an event stream or a socket carries are read."""
        script = f'<html><script type="application/json">{json.dumps([BARE])}</script></html>'
        events = f"event: row\ndata: {json.dumps(BARE)}\n\ndata: {json.dumps(BARE)}\n\n"
        socket = json.loads(har(""))
        messages = [{"type": "receive", "data": json.dumps({"logs": [BARE]})}]
        socket["log"]["entries"][0]["_webSocketMessages"] = messages
        for text, count in ((har(script), 1), (har(events), 2), (json.dumps(socket), 1)):
            assert statuses(read_text(text)) == [201] * count
        assert statuses(read_text(har(lines(BARE, BARE)))) == [201, 201]

    def test_what_a_row_holds_is_no_row(self) -> None:
        """What stands in a body belongs to its row."""
        inner = {"results": [{"method": "GET", "url": "https://a.example/", "status": 500}]}
        assert statuses(read_text(json.dumps({"logs": [answered(inner)]}))) == [201]

    def test_a_call_to_a_crm_is_the_row(self) -> None:
        """A proxy's entry of a call to a CRM is the row, also if its answer holds rows."""
        document = json.loads(har(json.dumps({"logs": [row(status=500)]})))
        (entry,) = document["log"]["entries"]
        del entry["pageref"]
        entry["request"] = {"method": "POST", "url": INBOUND, "headers": []}
        found = read_text(json.dumps(document))
        assert (found.entry.status, found.entry.duration_ms) == (200, 118.30899999999383)

    def test_unknown_names_are_streamed(self) -> None:
        """A document larger than a row may be is read row by row, under any names."""
        document = {"page": {"integration_logs": [row(id=f"r{n}") for n in range(40)]}}
        found = read_text(json.dumps(document, indent=1), max_entry=2_000, format="json")
        assert [entry.entry_id for entry in found.entries] == [f"r{n}" for n in range(40)]

    def test_cut_off(self) -> None:
        """Of a document that was cut off the rows before the cut are read."""
        text = json.dumps({"data": {"logs": [BARE, BARE, BARE]}}, indent=1)[:-60]
        found = read_text(text)
        assert (len(found.entries), [reason for _, _, reason in found.rejects]) == (
            2,
            ["not JSON: it ends too early"],
        )


class TestDurations:
    @pytest.mark.parametrize(
        ("written", "milliseconds"),
        [
            (118.30899999999383, 118.30899999999383),
            ("118.30899999999383", 118.30899999999383),
            ("9.29e-05s", 0.0929),
            ("1.5 seconds", 1_500.0),
            ("250\N{MICRO SIGN}s", 0.25),
            (0, 0.0),
        ],
    )
    def test_numbers(self, written: Any, milliseconds: float) -> None:
        """A number is taken as one, however many digits it has."""
        found = read_rows(row(duration_ms=written))
        assert (found.entry.duration_ms, found.warnings) == (pytest.approx(milliseconds), {})


class TestDatedVersions:
    @pytest.mark.parametrize("version", ["2026-03", "2026-09-beta", "2025-11-04", "v3"])
    def test_are_no_numbers(self, version: str) -> None:
        """HubSpot's versions by date are no phone numbers."""
        url = f"https://api.hubapi.com/crm/objects/{version}/contacts"
        entry = read_rows(row(url=url)).entry
        assert (entry.target.url, entry.target.template) == (
            url,
            "/crm/objects/{version}/contacts",
        )
        other = f"https://api.hubapi.com/automation/{version}/flows"
        assert read_rows(row(url=other)).entry.target.url == other

    @pytest.mark.parametrize(
        ("segment", "shown"),
        [
            ("555-1234", "{phone}"),
            ("1555-12-34567", "{phone}"),
            ("2026-13", "{id}"),
            ("20-26-03-11", "{id}"),
        ],
    )
    def test_numbers_are_hidden(self, segment: str, shown: str) -> None:
        """What is no month of this century is hidden as before."""
        url = f"https://api.hubapi.com/automation/{segment}/flows"
        assert read_rows(row(url=url)).entry.target.url.split("/")[4] == shown
