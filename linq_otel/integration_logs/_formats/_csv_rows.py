"""
Tables: exported, kept in Excel, or copied out of the dashboard with a header line.

The delimiter is counted in the header line: ``csv.Sniffer`` takes apart the JSON of a body.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import IO, TYPE_CHECKING, Final

from linq_otel.errors import LogFormatError
from linq_otel.integration_logs._fields._spellings import spelling_of
from linq_otel.integration_logs._findings import UnusableError
from linq_otel.integration_logs._patterns import find_kinds

from ._found import Found


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import ReadOptions


_DELIMITERS: Final = ",;\t|"
_NEEDED: Final = frozenset({"method", "url"})
_TWICE: Final = {"headers": ("request.headers", "response.headers"),
                 "body": ("request.body", "response.body")}  # fmt: skip
_EXCEL_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)
_DAMAGED: Final = re.compile(r"#{3,}|\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE | re.ASCII)
_LONGEST_NAME: Final = 40


def is_header(line: str) -> bool:
    """
    Tell whether *line* names the columns of a table.
    """
    delimiter = find_delimiter(line)
    cells = next(csv.reader([line], delimiter=delimiter))
    spelled = {found[0] for cell in cells if (found := spelling_of(cell.strip()))}
    return len(cells) > 1 and spelled >= _NEEDED


def find_delimiter(line: str) -> str:
    """
    Return the delimiter that stands most often in *line*.
    """
    return max(_DELIMITERS, key=line.count)


def read_csv(
    stream: IO[str], name: str, options: ReadOptions, findings: Findings
) -> Iterator[Found]:
    """
    Read a table with a header line.

    Raises:
        LogFormatError: Its columns are not those of a log.
    """
    # A setting of the whole process: raised, and never lowered for others.
    csv.field_size_limit(max(csv.field_size_limit(), options.max_entry))
    header, skipped = _first_line(stream)
    if not header:
        return
    delimiter = find_delimiter(header)
    columns = _name_columns(next(csv.reader([header], delimiter=delimiter)), name, options)
    rows = csv.reader(_without_nul(stream), delimiter=delimiter)
    line = skipped + 1
    while True:
        try:
            cells = next(rows, None)
        except csv.Error:
            yield Found(line, "csv", {}, UnusableError("", "a cell is too long"))
            return
        if cells is None:
            return
        if any(cells):
            yield _build(line, columns, cells, findings)
        line = skipped + 1 + rows.line_num


def _first_line(stream: IO[str]) -> tuple[str, int]:
    number = 0
    for line in stream:
        number += 1
        if line.strip():
            return line.rstrip("\r\n"), number
    return "", number


def _without_nul(stream: IO[str]) -> Iterator[str]:
    for line in stream:
        yield line.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in line else line


def _name_columns(header: list[str], name: str, options: ReadOptions) -> list[str]:
    mapped = {given.strip().lower(): ours for given, ours in options.columns.items()}
    columns = [mapped.get(cell.strip().lower(), cell.strip()) for cell in header]
    spelled = [found[0] if (found := spelling_of(column)) else "" for column in columns]
    seen: Counter[str] = Counter()
    for index, canonical in enumerate(spelled):
        if canonical in _TWICE and spelled.count(canonical) > 1:
            columns[index] = _TWICE[canonical][min(seen[canonical], 1)]
            seen[canonical] += 1
    if not {*spelled} >= _NEEDED:
        raise LogFormatError(name, 1, f"{_list(header)}: name method and url with --map")
    return columns


def _list(header: list[str]) -> str:
    """
    Return the names of the columns; none if the line is a row, with people in its cells.
    """
    # A row of a log has a status or a time, and heads have no digits.
    if any(map(find_kinds, header)) or any(map(str.isdecimal, "".join(header))):
        return "the first line names no columns"
    listed = ", ".join(cell.strip()[:_LONGEST_NAME] for cell in header if cell.isprintable())
    return f"columns {listed}"


def _build(line: int, columns: list[str], cells: list[str], findings: Findings) -> Found:
    if len(cells) > len(columns):
        reason = "more cells than columns: a delimiter that is not quoted?"
        return Found(line, "csv", {}, UnusableError("", reason))
    if len(cells) < len(columns):
        findings.warn("cells_missing")
    fields: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=False):
        match = _EXCEL_TEXT.fullmatch(cell)
        text = match[1].replace('""', '"') if match else cell
        if _DAMAGED.fullmatch(text.strip()) and column.lower() not in {"date", "timestamp"}:
            findings.warn("cell_damaged")
        elif text:
            fields[column] = text
    return Found(line, "csv", fields)
