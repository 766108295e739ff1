"""
What can be exported: one attribute that cannot costs the whole batch it is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from linq_otel import _attributes


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


_KNOWN: Final = frozenset(value for value in vars(_attributes).values() if isinstance(value, str))
_LONGEST: Final = 256
_LONGEST_URL: Final = 600
_LAST_NS: Final = 2**63


def check_span(span: ReadableSpan) -> None:
    """
    Its ids are ids, it ends after it begins, and all it says can be exported.
    """
    for context in (span.context, span.parent, *(link.context for link in span.links)):
        if context is not None:
            _check_context(context)
    assert span.start_time is not None
    assert span.end_time is not None
    assert 0 < span.start_time <= span.end_time < _LAST_NS, (span.start_time, span.end_time)
    # Jaeger warns of a span that ends where it starts, and the times of these are ours to say.
    is_drawn = span.name.startswith(("message ", "linq message"))
    assert span.end_time > span.start_time or not is_drawn
    assert is_sound(span.name), span.name
    assert span.status.description is None
    assert span.events == ()
    for said in (span, *span.links):
        check_attributes(dict(said.attributes or {}))


def check_attributes(attributes: dict[str, Any]) -> None:
    """
    Each is one of ours, short, and can be exported.
    """
    assert attributes.keys() <= _KNOWN, attributes
    for name, value in attributes.items():
        longest = _LONGEST_URL if name == "url.full" else _LONGEST
        for one in value if isinstance(value, tuple) else (value,):
            assert is_sound(one, longest), (name, one)


def is_sound(value: object, longest: int = _LONGEST) -> bool:
    """
    Tell whether *value* can be exported, and is of a size that anybody reads.
    """
    if type(value) is int:
        return -_LAST_NS <= value < _LAST_NS
    if isinstance(value, str):
        # A lone surrogate is not printable, and no UTF-8 either.
        return len(value) <= longest and value.isprintable()
    return type(value) in {bool, float}


def _check_context(span: SpanContext) -> None:
    assert span.is_valid
    assert 0 < span.trace_id < 2**128
    assert 0 < span.span_id < 2**64
