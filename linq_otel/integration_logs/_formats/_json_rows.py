"""
Rows written as JSON: one to a line, in a list, or in a HAR.

A HAR of a proxy holds the calls themselves; a HAR of the browser that shows the Logs page holds
them within the answers to the page. Of the latter nothing else is read: the rest of it is the
admin's own session.
"""

from __future__ import annotations

import base64
import binascii
from typing import IO, TYPE_CHECKING, Final, cast

from linq_otel.integration_logs._exchanges import WEBHOOK_LOGS
from linq_otel.integration_logs._fields._spellings import spelling_of
from linq_otel.integration_logs._findings import UnusableError

from ._found import Found
from ._json_stream import LISTS, JsonStream


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader
    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import ReadOptions


_CHUNK: Final = 262_144
# Characters of lines that are too long; what has more is no log, and may have no end.
_MAX_SKIPPED: Final = 512_000_000
_NEEDED: Final = frozenset({"method", "url"})
_NO_ROW: Final = "is no object"
_BROWSER_MARKS: Final = ("pageref", "_resourceType", "_initiator", "_priority")


def read_ndjson(stream: IO[str], options: ReadOptions, reader: JsonReader) -> Iterator[Found]:
    """
    Read rows that stand on a line each, or one after another on the same.
    """
    for number, line in enumerate(_lines(stream, options.max_entry), start=1):
        if line is None:
            yield Found(number, "ndjson", {}, UnusableError("", "the line is too long"))
        elif line and not line.isspace():
            try:
                value, at = reader.parse_from(line, 0)
            except UnusableError as error:
                yield Found(number, "ndjson", {}, error)
                continue
            yield _found(number, "ndjson", "", value)
            if at < len(line):
                yield from _read_rest(number, line, at, reader)


def _lines(stream: IO[str], max_entry: int) -> Iterator[str | None]:
    """
    Yield each line, None for one that is too long.
    """
    rest, is_skipping, skipped = "", False, 0
    while chunk := stream.read(_CHUNK):
        if is_skipping and "\n" not in chunk:
            skipped += len(chunk)
            if skipped > _MAX_SKIPPED:
                return
            continue
        # By "\n" alone: splitlines() cuts at the U+2028 within a message.
        *whole, rest = (rest + chunk).split("\n")
        for line in whole:
            if not is_skipping:
                yield line if len(line) <= max_entry else None
            is_skipping = False
        if len(rest) > max_entry:
            if not is_skipping:
                yield None
            rest, is_skipping = "", True
    if rest and not is_skipping:
        yield rest


def _read_rest(number: int, line: str, at: int, reader: JsonReader) -> Iterator[Found]:
    while True:
        while at < len(line) and line[at] in " \t\r,":
            at += 1
        if at == len(line):
            return
        try:
            value, at = reader.parse_from(line, at)
        except UnusableError as error:
            yield Found(number, "ndjson", {}, error)
            return
        yield _found(number, "ndjson", "", value)


def _found(line: int, format_: str, list_name: str, value: object) -> Found:
    if not isinstance(value, dict):
        return Found(line, format_, {}, UnusableError("", _NO_ROW))
    row = cast("dict[str, object]", value)
    is_webhook = list_name == WEBHOOK_LOGS or ("event_id" in row and "target_url" in row)
    return Found(line, WEBHOOK_LOGS if is_webhook else format_, row)


def read_json(
    stream: IO[str], options: ReadOptions, reader: JsonReader, findings: Findings
) -> Iterator[Found]:
    """
    Read the rows of a document, or of several one after another.
    """
    document = JsonStream(stream, reader, options.max_entry)
    try:
        for line, name, value in document.rows():
            entry = _object(value)
            if "startedDateTime" in entry and "request" in entry:
                yield from _read_har_entry(line, entry, reader, findings)
            else:
                yield _found(line, "json", name, value)
    except UnusableError as error:
        yield Found(document.line, "json", {}, error)


def _read_har_entry(
    line: int, entry: dict[str, object], reader: JsonReader, findings: Findings
) -> Iterator[Found]:
    rows = _find_nested(entry, reader)
    if rows:
        for row in rows:
            yield _found(line, "har", "", row)
    elif any(mark in entry for mark in _BROWSER_MARKS):
        findings.warn("har_unrelated")
    else:
        yield Found(line, "har", _flatten_har(entry))


def _find_nested(entry: dict[str, object], reader: JsonReader) -> list[object]:
    content = _object(_object(entry.get("response")).get("content"))
    text = content.get("text")
    if not isinstance(text, str):
        return []
    if content.get("encoding") == "base64":
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return []
    if text.lstrip()[:1] not in {"{", "["}:
        return []
    try:
        value = reader.parse(text)
    except UnusableError:
        return []
    if isinstance(value, dict):
        lists = [item for key, item in cast("dict[str, object]", value).items() if key in LISTS]
        value = lists[0] if lists else None
    items = cast("list[object]", value) if isinstance(value, list) else []
    return items if items and all(map(_is_row, items)) else []


def _is_row(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    spelled = {found[0] for key in cast("dict[str, object]", item) if (found := spelling_of(key))}
    return spelled >= _NEEDED or "request" in item


def _flatten_har(entry: dict[str, object]) -> dict[str, object]:
    request, response = _object(entry.get("request")), _object(entry.get("response"))
    content, posted = _object(response.get("content")), _object(request.get("postData"))
    time = entry.get("time")
    is_duration = isinstance(time, (int, float)) and time >= 0
    row = {
        "timestamp": entry.get("startedDateTime"),
        "duration_ms": time if is_duration else None,
        "method": request.get("method"),
        "url": request.get("url"),
        "status": response.get("status"),
        "requestHeaders": request.get("headers"),
        "responseHeaders": response.get("headers"),
        "requestBody": posted.get("text"),
        "responseBodyEncoding": content.get("encoding"),
    }
    text = content.get("text")
    if text is None and content.get("size") == 0:
        text = ""  # Elsewhere a text that is missing was not saved.
    if text is not None:
        row["responseBody"] = text
    return row


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
