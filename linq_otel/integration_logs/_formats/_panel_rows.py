"""
What an admin copies from the dashboard: rows of the table, and the two panels of one of them.

A row of the table begins an entry, on one line or with a cell on each; the headings ``Request``,
``Response``, ``Headers``, ``Body``, ``URL`` and ``Status Code``, each on a line of its own or
before its value, say what the lines after them are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
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
# As the text of a screenshot has it: one space between the cells, and within them.
_SPACED: Final = re.compile(rf"({_METHODS})\s(\S+)\s(\d{{3}}|-|\(\w+\))\s(\S.*)", re.IGNORECASE)
_PHRASE: Final = re.compile(
    "|".join(sorted((re.escape(status.phrase) for status in HTTPStatus), key=len, reverse=True)),
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"(?:^|\s)((?:(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"[a-z]{0,9}\.?,?\s|\d).{0,60}\d:\d\d.*)",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"https?://\S+|/\S*|[\w-]+(?:\.[\w-]+)+/\S*", re.IGNORECASE)
_STATUS: Final = re.compile(r"\d{3}(?:\s\D.*)?|-|\(\w+\)|n/a|pending|failed", re.IGNORECASE)
_TIME: Final = re.compile(r"\d:\d\d|\d{10}|T\d{6}", re.ASCII)
_PAIR: Final = re.compile(r"([A-Za-z][A-Za-z ]{2,16}):\s*(\S.*)")
# The end of a string is optional, so that one without an end is passed over once.
_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]')
_COLUMNS: Final = ("method", "url", "status", "source", "timestamp")
_SIDES: Final = {"request": "request", "response": "response"}
_HEADINGS: Final = {
    "headers": "headers", "body": "body", "url": "url", "status code": "status", "status": "status",
    "request headers": "request.headers", "request body": "request.body", "request url": "url",
    "response headers": "response.headers", "response body": "response.body",
    "request method": "method", "method": "method", "date": "timestamp", "source": "source",
    "payload": "body", "request payload": "request.body", "time": "timestamp",
    "timestamp": "timestamp", "triggered by": "source",
}  # fmt: skip
# These alone end a list of headers, among which a date, a source and a status may stand.
_NO_HEADERS: Final = frozenset({"method", "url", "status code", "request url", "request method"})
_HEADS_AT_LEAST: Final = 3
_LONGEST: Final = 200_000
_LONGEST_REST: Final = 200


def find_heading(line: str) -> str | None:
    """
    Return what heading *line* is, in lower case; None for other text.
    """
    text = line.strip().rstrip(":").lower()
    return text if text in _SIDES or text in _HEADINGS else None


def has_panels(lines: Sequence[str]) -> bool:
    """
    Tell whether a panel begins in *lines*.
    """
    return any(find_heading(line) in _SIDES for line in lines)


def is_paste(lines: Sequence[str]) -> bool:
    """
    Tell whether *lines* were copied from the dashboard.
    """
    return any(
        _METHOD.fullmatch(line.strip())
        or _split_row(line)
        or find_heading(line)
        or ((pair := _find_pair(line)) and pair[0] in _NO_HEADERS)
        for line in lines
    )


def read_panels(stream: IO[str], options: ReadOptions) -> Iterator[Found]:
    """
    Read what was pasted.
    """
    text = stream.read(_LONGEST + options.max_entry)
    lines = [line.rstrip("\r\n") for line in text.splitlines()]
    return _Pastes(lines).read()


def _find_pair(line: str) -> tuple[str, str] | None:
    """
    Return the heading and the value of ``Method: POST``.
    """
    match = _PAIR.fullmatch(line.strip())
    if match is None or match[1].lower() not in _HEADINGS:
        return None
    return match[1].lower(), match[2].strip()


def _cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in _CELLS.split(line.strip()) if cell.strip()]


def _split_row(line: str) -> list[str] | None:
    """
    Return the cells of a row of the table that stands on one line; None for other text.
    """
    text = line.strip()
    if _ROW.match(text):
        return _cells_of(line)
    match = _SPACED.fullmatch(text)
    if match is None:
        return None
    method, url, status, rest = match.groups()
    if "/" not in url:
        return None
    phrase = _PHRASE.match(rest)
    rest = rest[phrase.end() :].strip() if phrase else rest
    date = _DATE.search(rest) if len(rest) < _LONGEST_REST else None
    if date is None:
        return [method, url, status, rest]
    return [method, url, status, rest[: date.start()].strip(), date[1].strip()]


def _name_cells(cells: Sequence[str]) -> dict[str, object]:
    """
    Return the cells of a row by the columns of the dashboard, one of which may be missing.
    """
    if len(cells) >= len(_COLUMNS):
        return {name: cell for name, cell in zip(_COLUMNS, cells, strict=False) if cell}
    named: dict[str, object] = dict(zip(_COLUMNS[:2], cells, strict=False))
    for cell in cells[2:]:
        if "status" not in named and _STATUS.fullmatch(cell):
            named["status"] = cell
        else:
            named["timestamp" if _TIME.search(cell) else "source"] = cell
    return named


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
            if text or name == "response.body":  # A heading without lines shows an empty body.
                fields.setdefault(name, text)
        return Found(self.line, "panel", fields) if fields else None


class _Pastes:
    """
    The entries of a paste, read line by line.
    """

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._columns: list[str] = []  # Of heads on a line each.
        self._order: list[str] = []  # Of heads on one line.
        self._paste = _Paste(1)
        self._block: str | None = None
        self._depth: int | None = None  # Of the brackets of a body that is JSON.

    def read(self) -> Iterator[Found]:
        """
        Yield each entry.
        """
        at = 0
        while at < len(self._lines):
            row = self._find_row(at)
            if row is not None:
                yield from self._finish(at + 1)
                self._paste.fields, at = row
                continue
            pair = self._find_pair(self._lines[at])
            if pair is not None and self._begins_anew(*pair):
                yield from self._finish(at + 1)
            at += self._take(at, pair)
        yield from self._finish(0)

    def _finish(self, line: int) -> Iterator[Found]:
        found = self._paste.build()
        if found is not None:
            is_stub = set(found.fields) == {"method"} and isinstance(found.fields["method"], str)
            if is_stub:
                found.error = UnusableError("", "one cell to a line, but not five to a row")
            yield found
        self._paste, self._block = _Paste(line), None

    def _find_row(self, at: int) -> tuple[dict[str, object], int] | None:
        """
        Return the row that begins on a line and the line after it.
        """
        line = self._lines[at]
        if self._block == "method" and not self._paste.blocks.get("method"):
            return None  # The value under its own heading.
        ordered = _cells_of(line) if self._order else []
        if len(ordered) == len(self._order) > 0:
            named = dict(zip(self._order, ordered, strict=True))
            if _METHOD.fullmatch(named["method"]) and _URL.fullmatch(named["url"]):
                return dict[str, object](named), at + 1
        cells = _split_row(line)
        if cells is not None:
            return _name_cells(cells), at + 1
        if self._columns:
            return self._find_headed_row(at)
        return self._find_cells(at) if _METHOD.fullmatch(line.strip()) else None

    def _find_cells(self, at: int) -> tuple[dict[str, object], int] | None:
        """
        Return the row whose cells stand on a line each.
        """
        cells = [self._lines[at].strip()]
        end = at + 1
        while end < len(self._lines) and len(cells) < len(_COLUMNS):
            text = self._lines[end].strip()
            if text and (find_heading(text) is not None or _METHOD.fullmatch(text)):
                break
            cells += [text] if text else []
            end += 1
            if len(cells) > _HEADS_AT_LEAST and _TIME.search(text):
                break
        is_row = len(cells) == 1 or _URL.fullmatch(cells[1]) is not None
        return (_name_cells(cells), end) if is_row else None

    def _find_headed_row(self, at: int) -> tuple[dict[str, object], int] | None:
        """
        Return the row whose cells stand on a line each, in the order of the heads above them.
        """
        width = len(self._columns)
        numbers = [
            n for n in range(at, min(len(self._lines), at + 2 * width)) if self._lines[n].strip()
        ]
        texts = [self._lines[n].strip() for n in numbers[:width]]
        named = dict(zip(self._columns, texts, strict=False))
        is_row = (
            len(texts) == width
            and numbers[0] == at
            and _METHOD.fullmatch(named.get("method", ""))
            and _URL.fullmatch(named.get("url", ""))
        )
        return (dict[str, object](named), numbers[width - 1] + 1) if is_row else None

    def _find_heads(self, at: int) -> int:
        """
        Take the heads of a table that stand on a line each; returns how many lines they take.
        """
        names: list[str] = []
        end = at
        while end < len(self._lines):
            text = self._lines[end].strip()
            name = _HEADINGS.get(text.lower())
            if text and (name not in _COLUMNS or name in names):
                break
            names += [name] if name and text else []
            end += 1
        if len(names) < _HEADS_AT_LEAST or not {"method", "url"} <= {*names}:
            return 0
        self._columns = names
        return end - at

    def _begins_anew(self, heading: str, _value: str) -> bool:
        """
        Tell whether ``Method: POST`` begins an entry, because one was named already.
        """
        return _HEADINGS[heading] == "method" and (
            "method" in self._paste.fields or "method" in self._paste.blocks
        )

    def _find_pair(self, line: str) -> tuple[str, str] | None:
        pair = _find_pair(line)
        is_in_headers = self._block is not None and self._block.endswith(".headers")
        return None if pair is None or (is_in_headers and pair[0] not in _NO_HEADERS) else pair

    def _take(self, at: int, pair: tuple[str, str] | None) -> int:
        """
        Take one line, or the heads of a table; returns how many.
        """
        line = self._lines[at]
        heading = find_heading(line)
        if heading is not None and heading not in _SIDES and (taken := self._find_heads(at)):
            return taken
        heads = [_HEADINGS.get(cell.lower(), "") for cell in _cells_of(line)]
        if self._block is None and {"method", "url"} <= {*heads}:
            self._order = heads
        elif heading in _SIDES:
            self._paste.side, self._block = _SIDES[heading], None
        elif heading is not None:
            self._block = self._open_block(heading)
            self._paste.blocks.setdefault(self._block, [])
        elif pair is not None:
            self._block = self._open_block(pair[0])
            self._add(self._block, pair[1])
        elif self._block is not None:
            self._add(self._block, line)
        return 1

    def _add(self, block: str, line: str) -> None:
        """
        Add a line to what stands under a heading; one value, and JSON that is closed, end it.
        """
        lines = self._paste.blocks.setdefault(block, [])
        if not lines:
            self._depth = 0 if line.lstrip()[:1] in {"{", "["} else None
        lines.append(line)
        if self._depth is not None:
            marks = [match[0] for match in _BRACKET.finditer(line)]
            self._depth += sum(mark in "{[" for mark in marks) - sum(mark in "}]" for mark in marks)
        if (self._depth == 0 or block in _COLUMNS) and line.strip():
            self._block = None

    def _open_block(self, heading: str) -> str:
        name = _HEADINGS[heading]
        if name == "status":
            self._paste.fields.pop("status", None)  # The panel's is the answer's own.
        return f"{self._paste.side}.{name}" if name in {"headers", "body"} else name
