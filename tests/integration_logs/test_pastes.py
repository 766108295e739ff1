"""
What people copy from the dashboard, in the shapes that browsers and screenshots give it.
"""

from __future__ import annotations

import pytest

from support.log_rows import INBOUND, ns, read_text


AT = ns("2025-11-04T16:02:00Z")
DATE = "Nov 4, 2025, 9:02 AM"
PANELS = """\
Request
Headers
Version: v3
Date: Tue, 04 Nov 2025 16:02:01 GMT
Body
{
  "type": "SMS",
  "url": "https://inner.example/",
  "nested": {
    "x": 1
  }
}
Response
Status Code
201 Created
Headers
x-ratelimit-remaining: 97
Body
{"success": true, "messageId": "m1"}
"""
CELLS = f"POST\n{INBOUND}\n201\nSystem\n{DATE}\n"
SPACED = f"POST {INBOUND} 201 System {DATE}\n"
HEADS = "Method\nURL\nStatus\nSource\nDate\n"
PAIRS = f"Method: POST\nURL: {INBOUND}\nStatus: 201 Created\nSource: System\nDate: {DATE}\n"
TAB_HEADS = "Date\tMethod\tURL\tStatus\tSource\n"
TAB_ROW = f"{DATE}\tPOST\t{INBOUND}\t201\tSystem\n"
SHAPES = {
    "a cell a line, then panels": CELLS + PANELS,
    "single spaces, then panels": SPACED + PANELS,
    "heads and cells a line each": HEADS + CELLS + PANELS,
    "pairs, then panels": PAIRS + PANELS,
    "heads in another order, then panels": TAB_HEADS + TAB_ROW + PANELS,
    "blank lines between": f"Integrations\n\n{CELLS.replace(chr(10), chr(10) * 2)}\n{PANELS}",
}


class TestShapes:
    @pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
    @pytest.mark.parametrize("count", [1, 2])
    def test_with_panels(self, text: str, count: int) -> None:
        """A row in any shape, followed by its panels, is one entry; the next row is another."""
        found = read_text(text + text.removeprefix(HEADS) * (count - 1), timezone="America/Denver")
        assert (len(found.entries), found.rejects) == (count, [])
        for entry in found.entries:
            assert (entry.method, entry.target.url, entry.status, entry.source) == (
                "POST",
                INBOUND,
                201,
                "system",
            )
            assert (entry.moment.unix_ns, entry.ids, entry.outcome.delivery) == (
                AT,
                {"message_id": "m1"},
                "delivered",
            )
            assert (entry.request.size, entry.rate_limit.remaining) == (62, 97)

    @pytest.mark.parametrize(
        "text",
        [
            CELLS * 2,
            HEADS + CELLS * 2,
            SPACED * 2,
            f"Method URL Status Source Date\n{SPACED * 2}",
            SPACED.replace("201", "201 Created") * 2,
            SPACED.replace("System ", "") * 2,
            CELLS.replace("System\n", "") * 2,
            PAIRS * 2,
            "Integration Logs\n\nMethod,URL,Status,Source,Date\n"
            + f'POST,{INBOUND},201,System,"{DATE}"\n' * 2,
            "sep=;\nMethod;URL;Status;Source;Date\n" + f"POST;{INBOUND};201;System;{DATE}\n" * 2,
            "Integration Logs;;;;\nsep;;;;\nMethod;URL;Status;Source;Date\n"
            + f"POST;{INBOUND};201;System;{DATE}\n" * 2,
            TAB_HEADS + TAB_ROW * 2,
        ],
    )
    def test_without_panels(self, text: str) -> None:
        """Rows alone are read, and a cell that is missing is missing."""
        found = read_text(text, timezone="America/Denver")
        assert found.rejects == []
        assert [(e.method, e.target.url, e.status, e.moment.unix_ns) for e in found.entries] == [
            ("POST", INBOUND, 201, AT)
        ] * 2

    def test_of_the_browser(self) -> None:
        """What the browser shows of a request is read, its values beside or below their names."""
        beside = f"Request URL: {INBOUND}\nRequest Method: POST\nStatus Code: 201 Created\n"
        below = beside.replace(": ", "\n")
        for text in (beside, below):
            entry = read_text(f"{text}Date: {DATE}\n", timezone="America/Denver").entry
            assert (entry.method, entry.target.url, entry.status, entry.moment.unix_ns) == (
                "POST",
                INBOUND,
                201,
                AT,
            )

    def test_a_row_without_a_time(self) -> None:
        """A row that lacks its time is rejected, and not left out in silence."""
        assert read_text(f"POST {INBOUND} 201 System\n").rejects == [(1, "timestamp", "missing")]

    def test_foreign_columns_below_a_title(self) -> None:
        """Columns that are named by an option are found below a title."""
        text = f"Registros\nMétodo,Dirección,Fecha\nPOST,{INBOUND},{DATE.replace(',', '')}\n"
        columns = {"Método": "method", "Dirección": "url", "Fecha": "timestamp"}
        found = read_text(text, columns=columns, format="csv", timezone="America/Denver")
        assert (found.entry.moment.unix_ns, found.entry.place.line) == (AT, 3)
