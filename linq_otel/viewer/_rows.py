"""
A span as the database holds it: one JSON text, and read back the same.

Text and not columns, for nobody asks the database what is in a span; the ids people ask for have a
table of their own.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from linq_otel._otlp_json import LinkRecord, SpanRecord


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import AttributeValue


_DEEPEST: Final = 20
_LONGEST_NAME: Final = 1_000
_LARGEST: Final = 2**63 - 1


def write_span(span: SpanRecord) -> str:
    """
    Write down all of *span* but its two ids.
    """
    content = (
        span.parent_span_id,
        span.name,
        span.kind,
        span.start_ns,
        span.end_ns,
        _plain(span.attributes),
        [(link.otel_trace_id, link.span_id, _plain(link.attributes)) for link in span.links],
        span.status,
        # They stand once in an export, and here in each of its spans.
        span.service_name[:_LONGEST_NAME],
        span.scope_name[:_LONGEST_NAME],
    )
    return json.dumps(content, separators=(",", ":"))


def read_span(otel_trace_id: str, span_id: str, document: str) -> SpanRecord:
    """
    Read a span back; bytes in it are base64 from now on.
    """
    parent, name, kind, start, end, attributes, links, status, service, scope = json.loads(document)
    return SpanRecord(
        otel_trace_id=otel_trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=name,
        kind=kind,
        start_ns=start,
        end_ns=end,
        attributes=_read_attributes(attributes),
        links=tuple(LinkRecord(of, to, _read_attributes(facts)) for of, to, facts in links),
        status=status,
        service_name=service,
        scope_name=scope,
    )


def clean_text(text: str) -> str:
    """
    Return *text* without halves of characters, which no column takes.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def fit_time(nanoseconds: int) -> int:
    """
    Return the time as a column takes it; OTLP has one bit more.
    """
    return min(nanoseconds, _LARGEST)


def _plain(value: AttributeValue | Mapping[str, AttributeValue], depth: int = 0) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if depth >= _DEEPEST and isinstance(value, (tuple, list, dict)):
        return "…"
    if isinstance(value, (tuple, list)):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each, depth + 1) for key, each in value.items()}
    return value


def _read_attributes(found: Mapping[str, Any]) -> dict[str, AttributeValue]:
    return {key: _read_value(value) for key, value in found.items()}


def _read_value(value: Any) -> AttributeValue:
    if isinstance(value, list):
        return tuple(_read_value(each) for each in _anything(value))
    if isinstance(value, dict):
        return _read_attributes(_anything(value))
    found: AttributeValue = value
    return found


def _anything(value: Any) -> Any:
    return value  # What JSON holds is not known to the type checkers.
