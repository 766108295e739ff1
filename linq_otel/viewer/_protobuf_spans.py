"""
Spans out of the protobuf encoding of OTLP, in the very shape that the JSON encoding is read to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from linq_otel._otlp_json import KINDS, STATUSES, LinkRecord, SpanRecord


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from linq_otel._otlp_json import AttributeValue


_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_SERVICE: Final = "unknown_service"


def read_request(request: ExportTraceServiceRequest) -> Iterator[SpanRecord | None]:
    """
    Read every span of a request; None for each that has no id it could be kept under.
    """
    for group in request.resource_spans:
        resource = _read_attributes(group.resource.attributes)
        service_name = str(resource.get("service.name", _NO_SERVICE))
        for scoped in group.scope_spans:
            for span in scoped.spans:
                if _is_id(span.trace_id, _TRACE_ID_BYTES) and _is_id(span.span_id, _SPAN_ID_BYTES):
                    yield _read_span(span, service_name, scoped.scope.name)
                else:
                    yield None


def _is_id(raw: bytes, size: int) -> bool:
    return len(raw) == size and any(raw)


def _read_span(span: Span, service_name: str, scope_name: str) -> SpanRecord:
    return SpanRecord(
        otel_trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if any(span.parent_span_id) else None,
        name=span.name,
        kind=_name(span.kind, KINDS),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_read_attributes(span.attributes),
        links=tuple(_read_links(span)),
        status=_name(span.status.code, STATUSES),
        service_name=service_name,
        scope_name=scope_name,
    )


def _read_links(span: Span) -> Iterator[LinkRecord]:
    for link in span.links:
        if _is_id(link.trace_id, _TRACE_ID_BYTES) and _is_id(link.span_id, _SPAN_ID_BYTES):
            attributes = _read_attributes(link.attributes)
            yield LinkRecord(link.trace_id.hex(), link.span_id.hex(), attributes)


def _name(number: int, names: tuple[str, ...]) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _read_attributes(pairs: Iterable[KeyValue]) -> dict[str, AttributeValue]:
    return {pair.key: _read_value(pair.value) for pair in pairs}


def _read_value(value: AnyValue) -> AttributeValue:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(map(_read_value, value.array_value.values))
    if kind == "kvlist_value":
        return _read_attributes(value.kvlist_value.values)
    found: AttributeValue = getattr(value, kind)
    return found
