"""
What a receiver says it got, in one shape.

The test agent answers with the OTLP messages as JSON by protobuf's rules: ids in base64, 64-bit
integers as strings, empty fields left out. Tests compare plain values instead, so that a span reads
the same whichever receiver it travelled through.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReceivedLink:
    """
    A link as a receiver has it; ids are lower-case hex.
    """

    otel_trace_id: str
    span_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """
    A span as a receiver has it.

    Ids are lower-case hex, times nanoseconds since the epoch, *kind* and *status* the names of the
    SDK's ``SpanKind`` and ``StatusCode`` members, and lists in attributes are tuples, as the SDK
    keeps them.
    """

    otel_trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: tuple[ReceivedLink, ...]
    status: str
    status_message: str | None
    service_name: str


def parse_batches(body: bytes) -> list[list[ReceivedSpan]]:
    """
    Parse the test agent's answer: one list of spans per export, in order of arrival.
    """
    newest_first = json.loads(body)
    return [_parse_export(document) for document in reversed(newest_first)]


def _parse_export(document: dict[str, Any]) -> list[ReceivedSpan]:
    return [
        _parse_span(span, _parse_attributes(resource_spans.get("resource", {})))
        for resource_spans in document.get("resource_spans", [])
        for scope_spans in resource_spans.get("scope_spans", [])
        for span in scope_spans.get("spans", [])
    ]


def _parse_span(span: dict[str, Any], resource: dict[str, Any]) -> ReceivedSpan:
    status = span.get("status", {})
    return ReceivedSpan(
        otel_trace_id=_parse_id(span["trace_id"]),
        span_id=_parse_id(span["span_id"]),
        parent_span_id=_parse_id(span.get("parent_span_id", "")) or None,
        name=span.get("name", ""),
        kind=span.get("kind", "SPAN_KIND_UNSPECIFIED").removeprefix("SPAN_KIND_"),
        start_ns=int(span["start_time_unix_nano"]),
        end_ns=int(span["end_time_unix_nano"]),
        attributes=_parse_attributes(span),
        links=tuple(_parse_link(link) for link in span.get("links", [])),
        status=status.get("code", "STATUS_CODE_UNSET").removeprefix("STATUS_CODE_"),
        status_message=status.get("message"),
        service_name=resource.get("service.name", ""),
    )


def _parse_link(link: dict[str, Any]) -> ReceivedLink:
    return ReceivedLink(
        otel_trace_id=_parse_id(link["trace_id"]),
        span_id=_parse_id(link["span_id"]),
        attributes=_parse_attributes(link),
    )


def _parse_id(encoded: str) -> str:
    return base64.b64decode(encoded, validate=True).hex()


def _parse_attributes(owner: dict[str, Any]) -> dict[str, Any]:
    return _parse_pairs(owner.get("attributes", []))


def _parse_pairs(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: _parse_value(pair.get("value", {})) for pair in pairs}


def _parse_value(value: dict[str, Any]) -> Any:
    match value:
        case {"int_value": number}:
            return int(number)
        case {"double_value": number}:
            return float(number)
        case {"array_value": array}:
            return tuple(_parse_value(item) for item in array.get("values", []))
        case {"kvlist_value": pairs}:
            return _parse_pairs(pairs.get("values", []))
        case {"bytes_value": encoded}:
            return base64.b64decode(encoded, validate=True)
        case _:
            return next(iter(value.values()), None)
