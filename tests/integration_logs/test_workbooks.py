"""
Workbooks of Excel, and files that only look like one.
"""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import datetime
from typing import Any

import pytest

from linq_otel.errors import LogFormatError
from support.log_rows import INBOUND, TIME, ns, read_bytes


openpyxl: Any = pytest.importorskip("openpyxl")

HEADS = ("Method", "URL", "Status", "Source", "Date")
LOCAL = datetime(2025, 11, 4, 9, 2, 11)  # noqa: DTZ001  # As a cell has it.
ROW = ("POST", INBOUND, 201, "System", LOCAL)
AT = ns("2025-11-04T16:02:11Z")


def workbook(*sheets: list[tuple[Any, ...]]) -> bytes:
    """Write a workbook of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for one in rows:
            sheet.append(one)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return packed.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(LogFormatError) as caught:
        read_bytes(content, timezone="UTC")
    return str(caught.value)


class TestWorkbooks:
    def test_rows(self) -> None:
        """The rows of a sheet are read, below a title, with the times that its cells hold."""
        named = ("POST", INBOUND, "201 Created", None, TIME)
        serial = ("POST", INBOUND, 201.0, "User", 45965.3765162037)
        content = workbook([("Integration Logs",), (), HEADS, ROW, named, serial])
        found = read_bytes(content, timezone="America/Denver")
        assert [(e.status, e.source, e.place.line) for e in found.entries] == [
            (201, "system", 4),
            (201, "unknown", 5),
            (201, "user", 6),
        ]
        assert [e.moment.unix_ns for e in found.entries] == [AT, ns(TIME), AT]
        assert found.rejects == []

    def test_the_sheet_with_the_log(self) -> None:
        """Of several sheets the first that names the columns of a log is read."""
        content = workbook([("Notes",), ("see below",)], [HEADS, ROW, ROW], [("more",)])
        assert len(read_bytes(content, timezone="America/Denver").entries) == 2

    def test_destroyed_digits(self) -> None:
        """A number of more digits than Excel keeps is no id."""
        content = workbook([(*HEADS, "traceId"), (*ROW, 1_762_276_511_482_123_456)])
        found = read_bytes(content, timezone="America/Denver")
        assert (found.entry.crm_trace, found.warnings) == (None, {"cell_damaged": 1})

    def test_foreign_columns(self) -> None:
        """Columns are named by an option as in any table."""
        content = workbook([("Método", "Dirección", "Fecha"), ("POST", INBOUND, LOCAL)])
        columns = {"Método": "method", "Dirección": "url", "Fecha": "timestamp"}
        found = read_bytes(content, timezone="America/Denver", columns=columns)
        assert found.entry.moment.unix_ns == AT
        assert "name method and url with --map" in refusal(content)

    def test_without_openpyxl(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the extra the message says what to install, or to save as CSV."""
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        assert refusal(workbook([HEADS, ROW])) == (
            "-: is a workbook of Excel: pip install 'linq-otel[xlsx]', or save it as CSV"
        )

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
                "is an old or a protected workbook: save it as CSV",
            ),
            (archive("content.xml"), "is an OpenDocument spreadsheet: save it as CSV"),
            (archive("Index/Document.iwa"), "is a document of Numbers: export it as CSV"),
            (archive("xl/workbook.bin"), "is a binary workbook (.xlsb): save it as .xlsx or CSV"),
            (archive("xl/workbook.xml", "b"), "cannot be read: is damaged"),
        ],
    )
    def test_other_spreadsheets(self, content: bytes, reason: str) -> None:
        """What cannot be read is refused with what to do instead."""
        assert refusal(content) == f"-: {reason}"
