"""
Short ways to read finished spans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind


if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan


def attempts(spans: Iterable[ReadableSpan], *keys: str) -> list[tuple[Any, ...]]:
    """
    Return the status and the attributes `keys` of each request on the wire, in order.
    """
    wire = [span for span in spans if span.kind is SpanKind.CLIENT]
    wire.sort(key=lambda span: span.start_time or 0)
    return [(span.status.status_code.name, *pick(span, *keys)) for span in wire]


def pick(span: ReadableSpan, *keys: str) -> tuple[Any, ...]:
    """
    Return the attributes `keys` of `span`, None for what it has not.
    """
    attributes = dict(span.attributes or {})
    return tuple(attributes.get(key) for key in keys)
