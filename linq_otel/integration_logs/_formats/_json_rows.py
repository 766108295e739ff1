"""
Rows written as JSON: one to a line, in a list, or in a HAR.

A HAR of a proxy holds the calls themselves; a HAR of the browser that shows the Logs page holds
them within the answers to the page, at any depth. Of the latter nothing else is read: the rest of
it is the admin's own session.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from linq_otel.integration_logs._exchanges import WEBHOOK_LOGS
from linq_otel.integration_logs._findings import UnusableError
from linq_otel.integration_logs._providers import Providers
from linq_otel.integration_logs._providers._gohighlevel import GOHIGHLEVEL
from linq_otel.integration_logs._providers._hubspot import HUBSPOT
from linq_otel.integration_logs._providers._salesforce import SALESFORCE

from ._found import Found
from ._json_stream import JsonStream
from ._nested_rows import find_rows, find_rows_in_text, is_har_entry


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader
    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import ReadOptions


_CHUNK: Final = 262_144
# Characters of lines that are too long; what has more is no log, and may have no end.
_MAX_SKIPPED: Final = 512_000_000
_NO_ROW: Final = "is no object"
_CRMS: Final = Providers((GOHIGHLEVEL, HUBSPOT, SALESFORCE))
_BROWSER_MARKS: Final = ("pageref", "_resourceType", "_initiator", "_priority")


def read_ndjson(
    stream: IO[str], options: ReadOptions, reader: JsonReader, findings: Findings
) -> Iterator[Found]:
    """
    Read rows that stand on a line each, or one after another on the same.
    """
    known = _Known(reader, findings)
    for number, line in enumerate(_lines(stream, options.max_entry), start=1):
        if line is None:
            yield Found(number, "ndjson", {}, UnusableError("", "the line is too long"))
        elif line and not line.isspace():
            try:
                value, at = reader.parse_from(line, 0)
            except UnusableError as error:
                yield Found(number, "ndjson", {}, error)
                continue
            yield from _rows_of((number, "", value), "ndjson", known)
            if at < len(line):
                yield from _read_rest(number, line, at, known)


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


def _read_rest(number: int, line: str, at: int, known: _Known) -> Iterator[Found]:
    while True:
        while at < len(line) and line[at] in " \t\r,":
            at += 1
        if at == len(line):
            return
        try:
            value, at = known.reader.parse_from(line, at)
        except UnusableError as error:
            yield Found(number, "ndjson", {}, error)
            return
        yield from _rows_of((number, "", value), "ndjson", known)


def _rows_of(
    found: tuple[int, str, object],
    format_: str,
    known: _Known,
) -> Iterator[Found]:
    line, list_name, value = found
    row = _object(value)
    if "method" in row and "url" in row:
        yield _found(line, format_, list_name, value)  # As most are.
        return
    is_any = False
    for row in find_rows(value):
        is_any = True
        if is_har_entry(row):
            yield from _read_har_entry(line, row, known)
        else:
            yield _found(line, format_, list_name, row)
    if not is_any:
        yield _found(line, format_, list_name, value)


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
    known = _Known(reader, findings)
    document = JsonStream(stream, reader, options.max_entry)
    try:
        for found in document.rows():
            yield from _rows_of(found, "json", known)
    except UnusableError as error:
        yield Found(document.line, "json", {}, error)


class _Known:
    """
    What is known of a file while it is read.

    Attributes:
        reader: Reads JSON.
        findings: Takes what was left out.
    """

    def __init__(self, reader: JsonReader, findings: Findings) -> None:
        self.reader: Final = reader
        self.findings: Final = findings
        self._most: Counter[bytes] = Counter()

    def leave_new(self, rows: list[dict[str, object]]) -> Iterator[dict[str, object]]:
        """
        Yield the rows of one answer that no answer before it held as often: a page loads them anew.
        """
        here: Counter[bytes] = Counter()
        for row in rows:
            written = self.reader.write(row).encode("utf-8", "replace")
            key = blake2b(written, digest_size=16).digest()
            here[key] += 1
            if here[key] > self._most[key]:
                self._most[key] = here[key]
                yield row


def _read_har_entry(line: int, entry: dict[str, object], known: _Known) -> Iterator[Found]:
    is_browser = any(mark in entry for mark in _BROWSER_MARKS)
    rows = [] if _is_to_crm(entry) and not is_browser else _find_nested(entry, known.reader)
    if rows:
        for row in known.leave_new(rows):
            yield _found(line, "har", "", row)
    elif is_browser:
        known.findings.warn("har_unrelated")
    else:
        yield Found(line, "har", _flatten_har(entry))


def _is_to_crm(entry: dict[str, object]) -> bool:
    """
    Tell whether the entry is a call to a CRM, whose answer holds no rows of Linq's.
    """
    url = _object(entry.get("request")).get("url")
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return False
    return host is not None and _CRMS.find_at(host.lower()) is not None


def _find_nested(entry: dict[str, object], reader: JsonReader) -> list[dict[str, object]]:
    content = _object(_object(entry.get("response")).get("content"))
    text = content.get("text")
    if isinstance(text, str) and content.get("encoding") == "base64":
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            text = None
    rows = find_rows_in_text(text, reader) if isinstance(text, str) else []
    messages = entry.get("_webSocketMessages")
    for message in cast("list[object]", messages) if isinstance(messages, list) else []:
        data = _object(message).get("data")
        if isinstance(data, str):
            rows += find_rows_in_text(data, reader)
    return [row for row in rows if not is_har_entry(row)]


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
