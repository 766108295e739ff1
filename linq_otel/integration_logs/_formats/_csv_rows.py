"""
Tables: exported, kept in Excel, or copied out of the dashboard with a header line.

The delimiter is counted in the header line: ``csv.Sniffer`` takes apart the JSON of a body.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from functools import lru_cache
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Final

from linq_otel.errors import LogFormatError
from linq_otel.integration_logs._columns import is_joined
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
_NAME: Final = re.compile(r"[^\W\d_][^\W\d]*(?:[ ./-][^\W\d]+){0,3}")
_MAX_LISTED: Final = 20
_SEPARATOR: Final = re.compile(r"sep=([,;\t|])", re.IGNORECASE)

TITLE_LINES: Final = 10
"""How many lines may stand above the names of the columns, with them."""


def is_header(line: str) -> bool:
    """
    Tell whether *line* names the columns of a table.
    """
    delimiter = find_delimiter(line)
    cells = _split(line, delimiter)
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
    lines = _clean_lines(stream, options.max_entry)
    try:
        header, skipped, rest, delimiter = _find_header(lines, options)
    except csv.Error:
        raise LogFormatError(name, 1, "the line is too long: it names no columns") from None
    if not header:
        return
    columns = _name_columns(_split(header, delimiter), name, options)
    rows = csv.reader(rest, delimiter=delimiter)
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


def _split(line: str, delimiter: str) -> list[str]:
    nothing: list[str] = []
    try:
        return next(csv.reader([line], delimiter=delimiter), nothing)
    except csv.Error:
        return nothing


def _find_header(
    stream: Iterator[str], options: ReadOptions
) -> tuple[str, int, Iterator[str], str]:
    """
    Return the line of the columns, its number, the lines after it, and the delimiter.

    A title may stand above it, and Excel's line that names the delimiter.

    Raises:
        csv.Error: The first line is too long.
    """
    read: list[str] = []
    failed: list[Exception] = []
    try:
        read.extend(islice(stream, TITLE_LINES))
    except csv.Error as error:
        if not any(map(str.strip, read)):
            raise
        failed.append(error)
    lines = [line.rstrip("\r\n") for line in read]
    found = [number for number, line in enumerate(lines) if line.strip()]
    told = _SEPARATOR.fullmatch(lines[found[0]].strip("\ufeff ")) if found else None
    if told is not None:
        found = found[1:]
    if not found:
        return "", len(lines), iter(()), _DELIMITERS[0]
    at = next((n for n in found if _names_columns(lines[n], options)), found[0])
    delimiter = told[1] if told else find_delimiter(lines[at])
    return lines[at], at + 1, chain(read[at + 1 :], map(_fail, failed), stream), delimiter


def _fail(error: Exception) -> str:
    raise error


def _names_columns(line: str, options: ReadOptions) -> bool:
    if is_header(line):
        return True
    cells = {cell.strip().lower() for cell in _split(line, find_delimiter(line))}
    return bool(options.columns) and any(name.strip().lower() in cells for name in options.columns)


def _clean_lines(stream: IO[str], max_length: int) -> Iterator[str]:
    """
    Yield each line without NULs, which the csv module of Python 3.10 refuses.

    Raises:
        csv.Error: A line is longer than a row may be; a device may have no line end at all.
    """
    while line := stream.readline(max_length + 1):
        if len(line) > max_length:
            raise csv.Error("line too long")
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
    joined = {options.columns[given] for given in options.columns if is_joined(given)}
    if not {*spelled, *joined} >= _NEEDED:
        raise LogFormatError(
            name, 1, f"{_list(header, is_known=any(spelled))}: name method and url with --map"
        )
    return columns


def _list(header: list[str], *, is_known: bool) -> str:
    """
    Return the names of the columns; none if the line is a row, with people in its cells.
    """
    cells = [cell.strip() for cell in header if cell.strip()]
    names = [cell for cell in cells if _NAME.fullmatch(cell)]
    # A row of a log has a status or a time, and heads have no digits.
    has_digits = any(map(str.isdecimal, "".join(cells)))
    is_row = has_digits or not (is_known or all(map(str.isalpha, cells)))
    if is_row or not names or any(map(find_kinds, header)):
        return "the first line names no columns"
    return f"columns {', '.join(names[:_MAX_LISTED])}"


@lru_cache(maxsize=256)
def _is_answer(column: str) -> bool:
    # Of a column that is there an empty cell says something: the answer had no body.
    found = spelling_of(column)
    return found is not None and found[0] == "response.body"


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
        elif text or _is_answer(column):
            fields[column] = text
    return Found(line, "csv", fields)
