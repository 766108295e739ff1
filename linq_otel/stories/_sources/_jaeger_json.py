"""
Reads the JSON of Jaeger's page, which is older than OTLP and has less in it.

Its links have no attributes, its times end at microseconds, and parents stand among the references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from linq_otel._otlp_fields import find_field, get_object, get_objects, get_text, to_int
from linq_otel._otlp_json import KINDS, LinkRecord, SpanRecord


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import AttributeValue


_US: Final = 1_000
_TRACE_ID_DIGITS: Final = 32
_SPAN_ID_DIGITS: Final = 16
# What the translation from OTLP put among the tags.
_NOT_ATTRIBUTES: Final = frozenset({
    "error",
    "internal.span.format",
    "otel.library.name",
    "otel.scope.name",
    "otel.scope.version",
    "otel.status_code",
    "span.kind",
    "w3c.tracestate",
})  # fmt: skip


def parse_traces(answer: Mapping[str, object]) -> list[SpanRecord]:
    """
    Return the spans of an answer of ``/api/traces``.

    Raises:
        ValueError: If it is none.
    """
    return [
        _parse_span(span, get_object(get_object(trace, "processes"), get_text(span, "processID")))
        for trace in get_objects(answer, "data")
        for span in get_objects(trace, "spans")
    ]


def _parse_span(span: Mapping[str, object], process: Mapping[str, object]) -> SpanRecord:
    tags = _parse_tags(span)
    parent, links = _parse_references(span)
    start_ns = to_int(find_field(span, "startTime")) * _US
    kind = str(tags.get("span.kind", "")).upper()
    return SpanRecord(
        otel_trace_id=get_text(span, "traceID").zfill(_TRACE_ID_DIGITS),
        span_id=get_text(span, "spanID").zfill(_SPAN_ID_DIGITS),
        parent_span_id=parent,
        name=get_text(span, "operationName"),
        kind=kind if kind in KINDS else "INTERNAL",
        start_ns=start_ns,
        end_ns=start_ns + to_int(find_field(span, "duration") or 0) * _US,
        attributes={key: tags[key] for key in tags if key not in _NOT_ATTRIBUTES},
        links=links,
        status=_parse_status(tags),
        service_name=get_text(process, "serviceName") or "unknown_service",
        scope_name=str(tags.get("otel.scope.name", tags.get("otel.library.name", ""))),
    )


def _parse_tags(span: Mapping[str, object]) -> dict[str, AttributeValue]:
    # Scalars all: lists are written into a string.
    return {
        get_text(tag, "key"): cast("AttributeValue", find_field(tag, "value"))
        for tag in get_objects(span, "tags")
    }


def _parse_references(span: Mapping[str, object]) -> tuple[str | None, tuple[LinkRecord, ...]]:
    parent: str | None = None
    links: list[LinkRecord] = []
    for reference in get_objects(span, "references"):
        trace = get_text(reference, "traceID").zfill(_TRACE_ID_DIGITS)
        span_id = get_text(reference, "spanID").zfill(_SPAN_ID_DIGITS)
        is_parent = get_text(reference, "refType") == "CHILD_OF" and parent is None
        if is_parent and trace == get_text(span, "traceID").zfill(_TRACE_ID_DIGITS):
            parent = span_id
        else:
            links.append(LinkRecord(trace, span_id, {}))
    return parent, tuple(links)


def _parse_status(tags: Mapping[str, AttributeValue]) -> str:
    if tags.get("error") in (True, "true") or tags.get("otel.status_code") == "ERROR":
        return "ERROR"
    return "OK" if tags.get("otel.status_code") == "OK" else "UNSET"
