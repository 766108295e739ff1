"""
How a file is written, told by its first lines.
"""

from __future__ import annotations

import io
import json
import re
from typing import IO, TYPE_CHECKING, Final, cast

from linq_otel.errors import LogFormatError
from linq_otel.integration_logs._options import PROXIES

from ._csv_rows import TITLE_LINES, is_header, read_csv
from ._json_rows import read_json, read_ndjson
from ._json_stream import LISTS
from ._nested_rows import find_rows, is_row
from ._panel_rows import has_panels, is_paste, read_panels
from ._proxy_rows import detect_proxy_line, read_proxy_lines, translate


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader
    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import Format, ReadOptions

    from ._found import Found
    from ._sources import OpenText


_HEAD: Final = 65_536
_LOOKED_AT: Final = 50
_WRAPPER: Final = re.compile(rf'"(?:{"|".join(sorted(LISTS))})"\s*:\s*\[|"log"\s*:\s*\{{')


def read_rows(
    source: OpenText, options: ReadOptions, reader: JsonReader, findings: Findings
) -> Iterator[Found]:
    """
    Read the rows of one file, as it is written.

    Raises:
        LogFormatError: It is written in no way we know.
    """
    stream = _Rewound(source.stream)
    if source.is_table:
        return read_csv(stream.text, source.name, options, findings)
    format_ = options.format or detect(source.name, stream.head)
    proxy = None
    if format_ in PROXIES:
        start = stream.head.lstrip()
        if start[:1] not in {"{", "["} or detect_proxy_line(start.partition("\n")[0].strip()):
            return read_proxy_lines(stream.text, format_)
        proxy, format_ = options.format, detect(source.name, stream.head)
    if format_ == "csv":
        return read_csv(stream.text, source.name, options, findings)
    if format_ == "panel":
        return read_panels(stream.text, options)
    if format_ == "ndjson":
        return translate(read_ndjson(stream.text, options, reader, findings), proxy)
    return translate(read_json(stream.text, options, reader, findings), proxy)


def detect(name: str, head: str) -> Format:
    """
    Tell how a file is written by how it begins.

    Raises:
        LogFormatError: It begins in no way we know.
    """
    lines = [line for line in head.splitlines()[:_LOOKED_AT] if line.strip()]
    first = lines[0].strip() if lines else ""
    if not first:
        return "ndjson"
    if first[0] == "<":
        raise LogFormatError(name, 1, "this is HTML: copy the text of the table, not its source")
    found = detect_proxy_line(first)
    if found is None:
        found = _detect_json(lines) if first[0] in "[{" else _detect_text(lines)
    if found is None:
        raise LogFormatError(name, 1, "is no log that we know: name its --format")
    return cast("Format", found)


def _detect_text(lines: list[str]) -> Format | None:
    is_table = any(map(is_header, lines[:TITLE_LINES]))
    if is_table and not has_panels(lines):
        return "csv"
    if is_table or is_paste(lines):
        return "panel"
    return "csv" if max(map(lines[0].count, ",;\t|")) > 1 else None


def _detect_json(lines: list[str]) -> Format:
    first = lines[0].strip()
    if first[0] == "[":
        return "json"
    if _is_object(first):
        return "json" if _holds_rows(first) else "ndjson"
    if _WRAPPER.search(first):
        return "json"
    # A first line that was cut off is no document if whole rows follow it.
    return "ndjson" if any(_is_object(line.strip()) for line in lines[1:]) else "json"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        # JavaScript, perhaps: it will be rejected, line by line.
        is_closed = line.count("{") == line.count("}") and line.count("[") == line.count("]")
        return line.startswith("{") and line.endswith("}") and is_closed and len(line) > 2  # noqa: PLR2004


def _holds_rows(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if is_row(value):
        return False
    found = cast("dict[str, object]", value)
    lists = ("entries", "webhook_logs", "data", "logs")
    is_known = "log" in found or any(isinstance(found.get(name), list) for name in lists)
    return is_known or any(True for _ in find_rows(found))


class _Rewound:
    """
    A stream of which the beginning was looked at.
    """

    def __init__(self, stream: IO[str]) -> None:
        head = stream.read(_HEAD)
        # The two halves of one line end stay together.
        self.head: str = head + stream.read(1) if head.endswith("\r") else head
        self.text: IO[str] = cast("IO[str]", _Chained(self.head, stream))


class _Chained(io.TextIOBase):
    """
    A text, and the stream it was the beginning of.
    """

    def __init__(self, head: str, stream: IO[str]) -> None:
        self._head = io.StringIO(head, newline="")
        self._left = len(head)
        self._stream = stream

    def read(self, size: int | None = -1) -> str:
        """
        Read up to *size* characters.
        """
        wanted = -1 if size is None else size
        if not self._left:
            return self._stream.read(wanted)
        text = self._head.read(wanted)
        self._left -= len(text)
        return text if wanted >= 0 else text + self._stream.read()

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # As IO[str] has it.
        """
        Read one line, or *size* characters of it and those of the beginning.
        """
        wanted = -1 if size is None else size
        if not self._left:
            return self._stream.readline(wanted)
        line = self._head.readline()
        self._left -= len(line)
        is_whole = self._left or line.endswith(("\n", "\r"))
        return line if is_whole else line + self._stream.readline(wanted)
