"""
Spans read back from OTLP JSON lines, so that a trace can be drawn with no backend at all.

One line is one ``ExportTraceServiceRequest`` in the JSON encoding of the OTLP specification: ids in
hex, enums as numbers, 64-bit numbers as decimal strings. What plain protobuf-JSON writers do
instead is read too: ids in base64, enums by name, numbers as numbers, snake_case keys.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from linq_otel._otlp_fields import (
    find_field,
    find_id,
    get_id,
    get_object,
    get_objects,
    get_text,
    get_time,
    parse_enum,
    to_int,
    to_object,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


_Scalar: TypeAlias = str | bool | int | float | bytes | None
AttributeValue: TypeAlias = "_Scalar | tuple[AttributeValue, ...] | dict[str, AttributeValue]"

KINDS = ("INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")  # 0 is unspecified.
STATUSES = ("UNSET", "OK", "ERROR")
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8
_NO_SERVICE = "unknown_service"


class SpanFileError(ValueError):
    """
    A line is not what the OTLP JSON encoding allows; the message names the line's number.
    """


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """
    A link as it was exported: the span it points at, and what it says of itself.
    """

    otel_trace_id: str
    span_id: str
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """
    A span as it was exported. Ids are lower-case hex, times nanoseconds since the Unix epoch.
    """

    otel_trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, AttributeValue]
    links: tuple[LinkRecord, ...]
    status: str
    service_name: str
    scope_name: str


def read_spans(lines: Iterable[str]) -> list[SpanRecord]:
    """
    Read every span once, in the order of the lines; lines of other signals are passed over.

    Args:
        lines: OTLP JSON lines; blank ones are skipped.

    Raises:
        SpanFileError: A line is not JSON, or not OTLP.
    """
    spans: dict[tuple[str, str], SpanRecord] = {}
    for number, line in enumerate(lines, start=1):
        for span in _parse_line(number, line):
            spans.setdefault((span.otel_trace_id, span.span_id), span)
    return list(spans.values())


def _parse_line(number: int, line: str) -> list[SpanRecord]:
    if not line.strip():
        return []
    try:
        return list(parse_request(to_object(json.loads(line))))
    except json.JSONDecodeError as error:
        raise SpanFileError(f"line {number}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise SpanFileError(f"line {number}: not OTLP JSON: nested too deeply") from error
    except ValueError as error:
        raise SpanFileError(f"line {number}: not OTLP JSON: {error}") from error


def parse_request(request: Mapping[str, object]) -> Iterator[SpanRecord]:
    """
    Read every span of one ``ExportTraceServiceRequest``, or of a query API's answer in its shape.

    Args:
        request: The decoded JSON.

    Raises:
        ValueError: Something in it is not OTLP; what, the message says.
    """
    for span, service_name, scope_name in _find_spans(request):
        yield _parse_span(span, service_name, scope_name)


def parse_spans(request: Mapping[str, object]) -> Iterator[SpanRecord | None]:
    """
    Read every span of one ``ExportTraceServiceRequest``; None for each that cannot be read.

    Args:
        request: The decoded JSON.

    Raises:
        ValueError: What holds the spans is not OTLP; what, the message says.
    """
    for found in _find_spans(request):
        yield _try_span(*found)


def _find_spans(
    request: Mapping[str, object],
) -> Iterator[tuple[Mapping[str, object], str, str]]:
    for group in get_objects(request, "resourceSpans"):
        resource = _parse_attributes(get_object(group, "resource"))
        service_name = str(resource.get("service.name", _NO_SERVICE))
        for scoped in get_objects(group, "scopeSpans"):
            scope_name = get_text(get_object(scoped, "scope"), "name")
            for span in get_objects(scoped, "spans"):
                yield span, service_name, scope_name


def _try_span(span: Mapping[str, object], service_name: str, scope_name: str) -> SpanRecord | None:
    try:
        return _parse_span(span, service_name, scope_name)
    except (ValueError, RecursionError):
        return None


def _parse_span(span: Mapping[str, object], service_name: str, scope_name: str) -> SpanRecord:
    return SpanRecord(
        otel_trace_id=get_id(span, "traceId", _TRACE_ID_BYTES),
        span_id=get_id(span, "spanId", _SPAN_ID_BYTES),
        parent_span_id=find_id(span, "parentSpanId", _SPAN_ID_BYTES),
        name=get_text(span, "name"),
        kind=parse_enum(find_field(span, "kind"), "SPAN_KIND_", KINDS),
        start_ns=get_time(span, "startTimeUnixNano"),
        end_ns=get_time(span, "endTimeUnixNano"),
        attributes=_parse_attributes(span),
        links=tuple(_parse_link(link) for link in get_objects(span, "links")),
        status=parse_enum(find_field(get_object(span, "status"), "code"), "STATUS_CODE_", STATUSES),
        service_name=service_name,
        scope_name=scope_name,
    )


def _parse_link(link: Mapping[str, object]) -> LinkRecord:
    return LinkRecord(
        otel_trace_id=get_id(link, "traceId", _TRACE_ID_BYTES),
        span_id=get_id(link, "spanId", _SPAN_ID_BYTES),
        attributes=_parse_attributes(link),
    )


def _parse_attributes(
    holder: Mapping[str, object], key: str = "attributes"
) -> dict[str, AttributeValue]:
    return {
        get_text(item, "key"): _parse_value(get_object(item, "value"))
        for item in get_objects(holder, key)
    }


def _parse_value(value: Mapping[str, object]) -> AttributeValue:
    for name, content in value.items():
        parse = _VALUES.get(name.removesuffix("_value").removesuffix("Value"))
        if parse is not None:
            return parse(content)
    return None


def _parse_double(content: object) -> float:
    return float(str(content))  # NaN and Infinity come as strings.


def _parse_bytes(content: object) -> bytes:
    return base64.b64decode(str(content))


def _parse_array(content: object) -> tuple[AttributeValue, ...]:
    return tuple(map(_parse_value, get_objects(to_object(content), "values")))


def _parse_map(content: object) -> dict[str, AttributeValue]:
    return _parse_attributes(to_object(content), "values")


_VALUES: Mapping[str, Callable[[object], AttributeValue]] = {
    "string": str,
    "bool": bool,
    "int": to_int,
    "double": _parse_double,
    "bytes": _parse_bytes,
    "array": _parse_array,
    "kvlist": _parse_map,
}
