"""
What an admin copies from the dashboard: rows of the table, and the two panels of one of them.

A row of the table begins an entry; the headings ``Request``, ``Response``, ``Headers``, ``Body``,
``URL`` and ``Status Code``, each on a line of its own, say what the lines after them are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from linq_otel.integration_logs._findings import UnusableError

from ._found import Found


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel.integration_logs._options import ReadOptions


_METHODS: Final = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
_METHOD: Final = re.compile(_METHODS, re.IGNORECASE)
_CELLS: Final = re.compile(r"\t+|[ \xa0]{2,}")
_ROW: Final = re.compile(rf"(?:{_METHODS})(?:\t|[ \xa0]{{2}})\s*\S", re.IGNORECASE)
_COLUMNS: Final = ("method", "url", "status", "source", "timestamp")
_SIDES: Final = {"request": "request", "response": "response"}
_HEADINGS: Final = {
    "headers": "headers", "body": "body", "url": "url", "status code": "status", "status": "status",
    "request headers": "request.headers", "request body": "request.body", "request url": "url",
    "response headers": "response.headers", "response body": "response.body",
    "method": "method", "date": "timestamp", "source": "source",
}  # fmt: skip
_LONGEST: Final = 200_000


@dataclass(slots=True)
class _Paste:
    """
    One entry, as its lines come.
    """

    line: int
    fields: dict[str, object] = field(default_factory=dict[str, object])
    blocks: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    side: str = "request"

    def build(self) -> Found | None:
        """
        Return the row; None if nothing was said.
        """
        fields = dict(self.fields)
        for name, lines in self.blocks.items():
            text = "\n".join(lines).strip()
            if text:
                fields.setdefault(name, text)
        return Found(self.line, "panel", fields) if fields else None


def find_heading(line: str) -> str | None:
    """
    Return what heading *line* is, in lower case; None if it is none.
    """
    text = line.strip().rstrip(":").lower()
    return text if text in _SIDES or text in _HEADINGS else None


def is_table_row(line: str) -> bool:
    """
    Tell whether *line* is a row of the dashboard's table.
    """
    return _ROW.match(line.strip()) is not None


def is_method(line: str) -> bool:
    """
    Tell whether *line* is a method alone, as in a table copied cell by cell.
    """
    return _METHOD.fullmatch(line.strip()) is not None


def read_panels(stream: IO[str], options: ReadOptions) -> Iterator[Found]:
    """
    Read what was pasted.
    """
    lines = [line.rstrip("\r\n") for line in stream.read(_LONGEST + options.max_entry).splitlines()]
    cells = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if cells and is_method(cells[0][1]):
        yield from _read_cells(cells)
    else:
        yield from _read_pastes(lines)


def _read_cells(cells: Sequence[tuple[int, str]]) -> Iterator[Found]:
    width = len(_COLUMNS)
    if len(cells) % width:
        reason = "one cell to a line, but not five to a row"
        yield Found(cells[0][0], "panel", {}, UnusableError("", reason))
        return
    for start in range(0, len(cells), width):
        texts = [text for _, text in cells[start : start + width]]
        yield Found(cells[start][0], "panel", dict(zip(_COLUMNS, texts, strict=True)))


def _read_pastes(lines: Sequence[str]) -> Iterator[Found]:
    paste, block = _Paste(1), None
    for number, line in enumerate(lines, start=1):
        heading = find_heading(line)
        if is_table_row(line):
            found = paste.build()
            if found is not None:
                yield found
            paste, block = _open_paste(number, line), None
        elif heading in _SIDES:
            paste.side, block = _SIDES[heading], None
        elif heading is not None:
            block = _name_block(paste, heading)
        elif block is not None:
            paste.blocks.setdefault(block, []).append(line)
    found = paste.build()
    if found is not None:
        yield found


def _open_paste(number: int, line: str) -> _Paste:
    cells = [cell.strip() for cell in _CELLS.split(line.strip()) if cell.strip()]
    return _Paste(number, dict(zip(_COLUMNS, cells, strict=False)))


def _name_block(paste: _Paste, heading: str) -> str:
    name = _HEADINGS[heading]
    if name == "status":
        paste.fields.pop("status", None)  # The panel's is the answer's own.
    return f"{paste.side}.{name}" if name in {"headers", "body"} else name
