"""
Calls to Linq's API, read back from exported spans, as a report tells them.
"""

from __future__ import annotations

import glob
import gzip
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from linq_otel import _attributes as a
from linq_otel._otlp_json import SpanFileError, SpanRecord, read_spans
from linq_otel._times import format_time_ns
from linq_otel.errors import LogFormatError

from ._patterns import redact_text
from ._redaction import find_id


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_GZIP: Final = b"\x1f\x8b"
_BEGINNING: Final = 4_096
_NAMES: Final = (a.LINQ_TRACE_ID, a.MESSAGE_ID)
_MARKS: Final = ("resourceSpans", "resource_spans")


def split_files(files: Iterable[str]) -> tuple[list[str], list[str]]:
    """
    Return the files that hold rows, and those that hold spans as OTLP JSON lines.
    """
    rows: list[str] = []
    spans: list[str] = []
    for given in files:
        names = [given] if os.path.exists(given) else sorted(glob.glob(given, recursive=True))  # noqa: PTH110, PTH207  # Text.
        for name in names or [given]:
            (spans if _holds_spans(name) else rows).append(name)
    return rows, spans


def _holds_spans(name: str) -> bool:
    try:
        with _open(name) as file:
            beginning = file.read(_BEGINNING).lstrip()
    except (OSError, EOFError, UnicodeDecodeError):
        return False  # What is wrong with it is said where rows are read.
    return beginning[:1] == "{" and any(f'"{mark}"' in beginning for mark in _MARKS)


def _open(name: str) -> IO[str]:
    with Path(name).open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
    opener: Any = gzip.open if is_packed else open
    return cast("IO[str]", opener(name, "rt", encoding="utf-8"))


def read_calls(files: Iterable[str], asked: str) -> list[SpanRecord]:
    """
    Return the requests to Linq that *asked* names, oldest first.

    Args:
        files: OTLP JSON lines.
        asked: An ``X-Trace-ID``, a message id or a trace id, in lower case.

    Raises:
        LogFormatError: A file is no OTLP JSON.
    """
    spans = [span for name in files for span in _read(name)]
    return sorted(_find_calls(spans, asked), key=lambda span: span.start_ns)


def _read(name: str) -> list[SpanRecord]:
    try:
        with _open(name) as file:
            return read_spans(file)
    except SpanFileError as error:
        raise LogFormatError(Path(name).name, 0, str(error)) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise LogFormatError(Path(name).name, 0, "cannot be read") from error


def _find_calls(spans: list[SpanRecord], asked: str) -> Iterator[SpanRecord]:
    sends = {span.span_id: span for span in spans if _is_send(span)}
    answered: set[str] = set()
    for span in spans:
        if span.kind != "CLIENT":
            continue
        send = sends.get(span.parent_span_id or "")
        is_linq = send is not None or a.LINQ_TRACE_ID in span.attributes
        # One request of several may be asked for by its own id, and all by an id of the message.
        is_asked = asked in _ids_of(span) or (
            send is not None and asked in _ids_of(send) and not _is_of_request(asked, send)
        )
        if is_linq and is_asked:
            answered.add(span.parent_span_id or "")
            yield span
    for send in sends.values():
        if asked in _ids_of(send) and send.span_id not in answered:
            yield send


def _is_send(span: SpanRecord) -> bool:
    return span.kind == "PRODUCER" and a.OPERATION in span.attributes


def _is_of_request(asked: str, send: SpanRecord) -> bool:
    said = send.attributes.get(a.LINQ_TRACE_IDS, ())
    return isinstance(said, tuple) and asked in {str(one).lower() for one in said}


def _ids_of(span: SpanRecord) -> set[str]:
    said = [span.otel_trace_id, *(span.attributes.get(name) for name in _NAMES)]
    many = span.attributes.get(a.LINQ_TRACE_IDS)
    return {str(one).lower() for one in (*said, *(many if isinstance(many, tuple) else ())) if one}


def describe_call(span: SpanRecord) -> dict[str, Any]:
    """
    Return what Linq's support asks for of one call, as far as spans keep it.
    """
    said = span.attributes
    status = said.get(a.HTTP_RESPONSE_STATUS_CODE)
    resent = said.get(a.HTTP_REQUEST_RESEND_COUNT)
    whole: dict[str, Any] = {
        "endpoint": _spell_endpoint(span),
        "operation": find_id(said.get(a.OPERATION)),
        "status": status,
        "error_code": said.get(a.ERROR_CODE),
        "error_type": find_id(said.get(a.ERROR_TYPE)) if status is None else None,
        "attempt": resent + 1 if isinstance(resent, int) else None,
        "duration_ms": (span.end_ns - span.start_ns) / 1e6,
        "linq_trace_id": find_id(said.get(a.LINQ_TRACE_ID)),
        "message_id": find_id(said.get(a.MESSAGE_ID)),
        "otel_trace_id": span.otel_trace_id,
    }
    found = {name: value for name, value in whole.items() if value is not None}
    return {"time_utc": format_time_ns(span.start_ns), **found}


def _spell_endpoint(span: SpanRecord) -> str:
    said = span.attributes
    template = said.get(a.URL_TEMPLATE)
    if not isinstance(template, str):
        return redact_text(span.name)
    host = said.get(a.SERVER_ADDRESS)
    method = said.get(a.HTTP_REQUEST_METHOD)
    place = f"https://{host}" if isinstance(host, str) else ""
    return redact_text(f"{method if isinstance(method, str) else 'POST'} {place}{template}")
