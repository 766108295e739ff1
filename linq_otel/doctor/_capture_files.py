"""
Files of recorded webhooks: a body, records of headers and body, several of either, or a HAR.

Nobody records them in one way. A body as it arrived is best, since its
signature can be checked; what was parsed and written anew still tells its ids.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import select
import stat
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from linq_otel._json import as_mapping
from linq_otel._times import parse_time_ns
from linq_otel.errors import ConfigurationError

from ._samples import Samples, find_send, read_delivery


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_MOST_BYTES: Final = 256 * 1024 * 1024
# Neither is there on every system.
_OPEN: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_PIECE: Final = 1024 * 1024
# For this long a pipe may be silent: messages take seconds from one event to the next.
_PIPE_SECONDS: Final = 60.0
_MOST_UNREAD: Final = 1_000
_MOST_BROKEN: Final = 10_000
_OPENING: Final = "{["
_CLOSING: Final = "}]"
_DECODER: Final = json.JSONDecoder()
_BODIES: Final = ("body", "raw_body", "rawBody", "payload", "content")
_TRACE_HEADER: Final = "x-trace-id"


def read_files(paths: Iterable[str]) -> Samples:
    """
    Read every file of *paths*.

    Raises:
        ConfigurationError: If one cannot be opened, or is larger than 256 MiB.
    """
    return Samples.of(_read_file(Path(path)) for path in paths)


def _read_file(path: Path) -> Samples:
    name = path.name
    try:
        return parse_file(_read_bytes(path), name)
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error
    except MemoryError:
        raise ConfigurationError(f"{name} does not fit into memory: split it") from None


def parse_file(content: bytes, name: str) -> Samples:
    """
    Read the content of one file: documents of JSON, with other lines between them.
    """
    try:
        # PowerShell writes UTF-16.
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return Samples(unread=((name, "it is no text in UTF-8"),))
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return _parse_stream(text, name)
    # A body that stands alone is kept to the byte: its signature may stand in a record beside it.
    if "event_type" in as_mapping(document):
        return read_delivery(name, content)
    return _read_document(document, name)


def _parse_stream(text: str, name: str) -> Samples:
    """
    Read documents one after the other, each on one line or on several, and pass over other lines.

    ``linq webhooks listen --json`` prints indented documents, and what it does in lines between.
    """
    parts: list[Samples] = []
    unread = more_unread = broken = passed_over = 0
    for number, chunk in _split(text):
        place = f"{name}:{number}"
        if chunk.lstrip()[0] not in _OPENING:
            passed_over += 1
            continue
        documents = _list_documents(chunk)
        if documents is None:
            broken += 1
            parts.append(Samples(unread=((place, "it is no JSON"),)))
            if broken >= _MOST_BROKEN:
                parts.append(Samples(unread=((place, "what follows was not read"),)))
                break
        for raw, document in documents or ():
            if "event_type" in as_mapping(document):
                part = read_delivery(place, raw)
            else:
                part = _read_document(document, place)
            unread += len(part.unread)
            if part.unread and unread > _MOST_UNREAD:
                more_unread += len(part.unread)
                part = replace(part, unread=())
            parts.append(part)
    return Samples.of([*parts, Samples(more_unread=more_unread, passed_over=passed_over)])


def _split(text: str) -> Iterator[tuple[int, str]]:
    """
    Yield each document and each other line, with the number of its first line.

    An indented document ends with a bracket below the one it began with.
    """
    opened: list[str] = []
    first, indent = 0, ""
    # Not splitlines(): it splits at signs that may stand within a text.
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        bare = line.lstrip()
        own = line[: len(line) - len(bare)]
        if opened and not (own == indent and bare and bare[0] in _OPENING + _CLOSING):
            opened.append(line)
        elif opened and bare[0] in _CLOSING:
            yield first, "".join([*opened, line])
            opened = []
        elif bare:
            # Another begins where one is open: that one was cut off.
            if opened:
                yield first, "".join(opened)
                opened = []
            if bare[0] in _OPENING and _list_documents(bare) is None:
                opened, first, indent = [line], number, own
            else:
                yield number, line.rstrip("\n")
    if opened:
        yield first, "".join(opened)


def _list_documents(chunk: str) -> list[tuple[str, object]] | None:
    """
    Return the documents of *chunk*, each with its text; None if something else is in it.
    """
    found: list[tuple[str, object]] = []
    at = len(chunk) - len(chunk.lstrip())
    try:
        while at < len(chunk):
            document, end = _DECODER.raw_decode(chunk, at)
            found.append((chunk[at:end], document))
            at = end + len(chunk[end:]) - len(chunk[end:].lstrip())
    except (ValueError, RecursionError):
        return None
    return found


def _read_document(document: object, place: str) -> Samples:
    if isinstance(document, list):
        rows = enumerate(cast("list[object]", document), 1)
        return Samples.of(_read_record(as_mapping(row), f"{place}[{n}]") for n, row in rows)
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
    # A pipe is a file too (`--capture <(command)`); without this, one that nothing writes to would
    # keep the process for ever.
    descriptor = os.open(path, os.O_RDONLY | _OPEN)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode):
            content = _read_pipe(file, path.name)
        elif stat.S_ISREG(mode):
            content = _read_all(file)
        else:
            raise ConfigurationError(f"{path.name} is a device, and no file")
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(f"{path.name} is larger than 256 MiB: split it")
    return content


def _read_all(file: IO[bytes]) -> bytes:
    content = bytearray()
    while len(content) <= _MOST_BYTES and (piece := file.read(_PIECE)):
        content += piece
    return bytes(content)


def _read_pipe(file: IO[bytes], name: str) -> bytes:
    content = bytearray()
    while len(content) <= _MOST_BYTES:
        ready, _, _ = select.select([file], [], [], _PIPE_SECONDS)
        if not ready:
            raise ConfigurationError(
                f"{name} gave nothing for {_PIPE_SECONDS:.0f} s: name a file, or end what writes it"
            )
        piece = file.read(_PIECE)
        if not piece:
            break
        content += piece
    return bytes(content)
