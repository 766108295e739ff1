"""
Finished spans as plain trees, so that a test can state a whole trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


@dataclass(frozen=True)
class Tree:
    """
    One span with what hangs under it, in order of start.
    """

    name: str
    kind: str = "INTERNAL"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    status: str = "UNSET"
    children: tuple[Tree, ...] = ()


def trees(
    spans: Iterable[ReadableSpan], *, keys: Iterable[str] | None = None
) -> dict[str, tuple[Tree, ...]]:
    """
    Return the roots of every trace by its id; a span whose parent is not here is a root.

    Args:
        spans: The finished spans.
        keys: The attributes to keep; all of them if None.
    """
    by_trace: dict[str, list[ReadableSpan]] = {}
    for span in spans:
        by_trace.setdefault(f"{span.context.trace_id:032x}", []).append(span)
    everything = {span.context.span_id: span for group in by_trace.values() for span in group}
    return {
        otel_trace_id: tuple(
            _tree(root, group, everything, None if keys is None else frozenset(keys))
            for root in _roots(group)
        )
        for otel_trace_id, group in by_trace.items()
    }


def by_name(spans: Iterable[ReadableSpan], name: str) -> ReadableSpan:
    """
    Return the one span of this name.
    """
    (span,) = [span for span in spans if span.name == name]
    return span


def _roots(group: list[ReadableSpan]) -> list[ReadableSpan]:
    ids = {span.context.span_id for span in group}
    return _sorted(s for s in group if s.parent is None or s.parent.span_id not in ids)


def _sorted(spans: Iterable[ReadableSpan]) -> list[ReadableSpan]:
    return sorted(spans, key=lambda span: (span.start_time or 0, span.name))


def _tree(
    span: ReadableSpan,
    group: list[ReadableSpan],
    everything: dict[int, ReadableSpan],
    keys: frozenset[str] | None,
) -> Tree:
    children = [s for s in group if s.parent and s.parent.span_id == span.context.span_id]
    attributes = dict(span.attributes or {})
    return Tree(
        span.name,
        span.kind.name,
        {k: v for k, v in attributes.items() if keys is None or k in keys},
        tuple(
            (str(dict(link.attributes or {}).get("linq.link")), _label(link.context, everything))
            for link in span.links
        ),
        span.status.status_code.name,
        tuple(_tree(child, group, everything, keys) for child in _sorted(children)),
    )


def _label(target: SpanContext, everything: dict[int, ReadableSpan]) -> str:
    span = everything.get(target.span_id)
    return span.name if span is not None else f"{target.trace_id:032x}-{target.span_id:016x}"
