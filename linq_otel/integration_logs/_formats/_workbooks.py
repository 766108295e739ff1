"""
Workbooks of Excel, read row by row as the text of a table.
"""

from __future__ import annotations

import csv
import io
import warnings
from datetime import date, datetime
from importlib import import_module
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from linq_otel.errors import LogFormatError

from ._csv_rows import TITLE_LINES, is_header


if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from contextlib import ExitStack


_WORKBOOK: Final = "xl/workbook.xml"
_OTHERS: Final = {
    "content.xml": "is an OpenDocument spreadsheet: save it as CSV",
    "Index/Document.iwa": "is a document of Numbers: export it as CSV",
    "xl/workbook.bin": "is a binary workbook (.xlsb): save it as .xlsx or CSV",
}
_MISSING: Final = "is a workbook of Excel: pip install 'linq-otel[xlsx]', or save it as CSV"

_EXACT_BELOW: Final = 10**15  # Excel keeps fifteen digits of a number.

OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
"""How a file begins that Excel wrote before 2007, or with a password."""
OLD_WORKBOOK_REASON: Final = "is an old or a protected workbook: save it as CSV"


def is_workbook(name: str, archive: zipfile.ZipFile) -> bool:
    """
    Tell whether *archive* is a workbook of Excel.

    Raises:
        LogFormatError: It is a spreadsheet of another kind.
    """
    members = {*archive.namelist()}
    for member, reason in _OTHERS.items():
        if member in members:
            raise LogFormatError(name, 0, reason)
    return _WORKBOOK in members


def open_workbook(name: str, stream: io.BufferedIOBase, opened: ExitStack) -> io.TextIOBase:
    """
    Open the first sheet that names the columns of a log, else the first, as comma-separated text.

    Raises:
        LogFormatError: It cannot be read, or openpyxl is not installed.
    """
    try:
        openpyxl: Any = import_module("openpyxl")
    except ImportError:
        raise LogFormatError(name, 0, _MISSING) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of styles, which nothing here shows.
            workbook = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        opened.callback(workbook.close)
        sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        for sheet in sheets:
            lines = _lines_of(name, sheet)
            head = list(islice(lines, TITLE_LINES))
            if any(map(is_header, head)) or len(sheets) == 1:
                return _Lines(chain(head, lines))
        return _Lines(_lines_of(name, sheets[0]) if sheets else iter(()))
    except LogFormatError:
        raise
    except Exception:  # Of a damaged file it raises anything.
        raise LogFormatError(name, 0, "cannot be read: is damaged") from None


def _lines_of(name: str, sheet: Any) -> Iterator[str]:
    try:
        sheet.reset_dimensions()  # As other programs than Excel write them, they may be wrong.
        for row in sheet.iter_rows(values_only=True):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerow([_text_of(cell) for cell in row])
            yield text.getvalue()
    except Exception:  # As above.
        raise LogFormatError(name, 0, "cannot be read: is damaged") from None


def _text_of(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (int, float)) and abs(cell) >= _EXACT_BELOW:
        return f"{cell:E}"  # As a sheet shows what it destroyed.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


class _Lines(io.TextIOBase):
    """
    Lines as a stream of text.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = ""

    def readable(self) -> bool:
        """
        Tell that it can be read.
        """
        return True

    def read(self, size: int | None = -1) -> str:
        """
        Read up to *size* characters.
        """
        parts, length = [self._rest], len(self._rest)
        while size is None or size < 0 or length < size:
            line = next(self._lines, None)
            if line is None:
                break
            parts.append(line)
            length += len(line)
        text = "".join(parts)
        end = length if size is None or size < 0 else size
        self._rest = text[end:]
        return text[:end]

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # As IO[str] has it.
        """
        Read one line, of any *size*.
        """
        del size
        text = self._rest or next(self._lines, "")
        line, mark, self._rest = text.partition("\n")
        return line + mark
