"""
Files of recorded webhooks: a body, records of headers and body, lines of either, or a HAR.

Nobody records them in one way. A body as it arrived is best, since its
signature can be checked; what was parsed and written anew still tells its ids.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from linq_otel._json import as_mapping
from linq_otel._times import parse_time_ns
from linq_otel.errors import ConfigurationError

from ._samples import Samples, find_send, read_delivery


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_MOST_BYTES: Final = 256 * 1024 * 1024
_BODIES: Final = ("body", "raw_body", "rawBody", "payload", "content")
_TRACE_HEADER: Final = "x-trace-id"


def read_files(paths: Iterable[str]) -> Samples:
    """
    Read every file of *paths*.

    Raises:
        ConfigurationError: If one cannot be opened, or is larger than 256 MiB.
    """
    return Samples.of(parse_file(_read_bytes(Path(path)), Path(path).name) for path in paths)


def parse_file(content: bytes, name: str) -> Samples:
    """
    Read the content of one file: one document of JSON, else one in each line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Samples(unread=((name, "it is no text in UTF-8"),))
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return _parse_lines(text, name)
    # A body that stands alone is kept to the byte: its signature may stand in a record beside it.
    if "event_type" in as_mapping(document):
        return read_delivery(name, content)
    return _read_document(document, name)


def _parse_lines(text: str, name: str) -> Samples:
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return Samples.of(_parse_line(line, f"{name}:{number}") for number, line in lines)


def _parse_line(line: str, place: str) -> Samples:
    try:
        document: object = json.loads(line)
    except (ValueError, RecursionError):
        return Samples(unread=((place, "it is no JSON"),))
    if "event_type" in as_mapping(document):
        return read_delivery(place, line)
    return _read_document(document, place)


def _read_document(document: object, place: str) -> Samples:
    if isinstance(document, list):
        rows = enumerate(cast("list[object]", document), 1)
        return Samples.of(_read_document(row, f"{place}[{number}]") for number, row in rows)
    record = as_mapping(document)
    entries = as_mapping(record.get("log")).get("entries")
    if isinstance(entries, list):
        rows = enumerate(cast("list[object]", entries), 1)
        return Samples.of(_read_har_entry(as_mapping(e), f"{place}[{n}]") for n, e in rows)
    return _read_record(record, place)


def _read_record(record: Mapping[str, Any], place: str) -> Samples:
    if "event_type" in record:
        return read_delivery(place, record)
    body = _find_body(record)
    parsed = as_mapping(_parse(body))
    headers = record.get("headers", record.get("response_headers"))
    if "event_type" in parsed:
        received_at = _find_time(record)
        return read_delivery(place, body, headers=headers, received_at=received_at)
    linq_trace_id = _find_header(headers, _TRACE_HEADER) or record.get("x_trace_id")
    request = _find_request(record)
    send = find_send(place, parsed or record, linq_trace_id, request)
    if send is not None:
        return Samples(sends=(send,))
    return Samples(unread=((place, "it is neither a webhook nor the answer to a send"),))


def _read_har_entry(entry: Mapping[str, Any], place: str) -> Samples:
    request, response = as_mapping(entry.get("request")), as_mapping(entry.get("response"))
    text = as_mapping(request.get("postData")).get("text")
    if "event_type" in as_mapping(_parse(text)):
        received_at = _find_time(entry)
        return read_delivery(place, text, headers=_pair(request), received_at=received_at)
    content = as_mapping(response.get("content"))
    answer = _parse(_decode(content.get("text"), str(content.get("encoding", ""))))
    linq_trace_id = _find_header(_pair(response), _TRACE_HEADER)
    called = (str(request.get("method", "")), str(request.get("url", "")))
    send = find_send(place, answer, linq_trace_id, called)
    # A HAR holds whatever else went over the wire.
    return Samples(sends=(send,)) if send is not None else Samples()


def _find_body(record: Mapping[str, Any]) -> object:
    if isinstance(record.get("body_base64"), str):
        return _decode(record["body_base64"], "base64")
    if record.get("isBase64Encoded") is True:
        return _decode(record.get("body"), "base64")
    return next((record[name] for name in _BODIES if record.get(name) is not None), None)


def _decode(text: object, encoding: str) -> object:
    if encoding != "base64" or not isinstance(text, str):
        return text
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None


def _parse(body: object) -> object:
    if not isinstance(body, (str, bytes)):
        return body
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


def _find_time(record: Mapping[str, Any]) -> float | None:
    for name in ("received_at", "startedDateTime", "timestamp"):
        value = record.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        nanoseconds = parse_time_ns(value)
        if nanoseconds is not None:
            return nanoseconds / 1_000_000_000
    return None


def _find_request(record: Mapping[str, Any]) -> tuple[str, str] | None:
    method, url = record.get("method"), record.get("url", record.get("path"))
    return (method, url) if isinstance(method, str) and isinstance(url, str) else None


def _find_header(headers: object, wanted: str) -> object:
    pairs = as_mapping(headers).items() or _as_pairs(headers)
    return next((value for name, value in pairs if str(name).lower() == wanted), None)


def _as_pairs(headers: object) -> list[tuple[object, object]]:
    if not isinstance(headers, list):
        return []
    listed = cast("list[object]", headers)
    found = [tuple(cast("Iterable[object]", p)) for p in listed if isinstance(p, (list, tuple))]
    return [(pair[0], pair[1]) for pair in found if len(pair) == 2]  # noqa: PLR2004  # A pair.


def _pair(message: Mapping[str, Any]) -> list[tuple[object, object]]:
    listed: object = message.get("headers")
    rows = cast("list[object]", listed) if isinstance(listed, list) else []
    return [(as_mapping(row).get("name"), as_mapping(row).get("value")) for row in rows]


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigurationError(f"{path.name} is larger than 256 MiB: split it")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from error
