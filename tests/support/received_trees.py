"""
What a receiver got, as plain trees, so that a test can state a whole story.

Ids drawn at random are said by what they stand for: the name of a trace's root, the name of a
link's target. Ids that are derived are kept as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from support.otlp_spans import ReceivedSpan


# What is kept of a SERVER span, which is not ours but the web framework's.
_SERVER_KEYS = ("http.request.method", "http.route", "http.response.status_code")


@dataclass(frozen=True)
class Node:
    """
    One span with what hangs under it, by name.

    Each link is its attributes and the label of its target. *span_id* is given for the anchor and
    the stages, whose ids are derived, and is empty else.
    """

    service: str
    kind: str
    name: str
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    links: tuple[tuple[dict[str, Any], str], ...] = ()
    status: str = "UNSET"
    span_id: str = ""
    children: tuple[Node, ...] = ()


def distinct(spans: Iterable[ReceivedSpan]) -> list[ReceivedSpan]:
    """
    Answer the spans without those that came more than once, which must be alike in everything.
    """
    found: dict[tuple[str, str], ReceivedSpan] = {}
    for span in spans:
        first = found.setdefault((span.otel_trace_id, span.span_id), span)
        assert span == first
    return list(found.values())


def sort_nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """
    Put siblings in the order trees have them, which is not that of time.
    """
    sorted_within = (replace(node, children=sort_nodes(node.children)) for node in nodes)
    return tuple(sorted(sorted_within, key=lambda n: (n.name, str(sorted(n.attributes.items())))))


def grow(spans: Sequence[ReceivedSpan], *known: str) -> dict[str, tuple[Node, ...]]:
    """
    Answer the roots of every trace: by its id if that is *known*, else by the label of its root.
    """
    forest: dict[str, list[Node]] = {}
    by_id = {(span.otel_trace_id, span.span_id): span for span in spans}
    for span in spans:
        if (span.otel_trace_id, span.parent_span_id) not in by_id:
            # A parent that did not come would otherwise pass for none.
            assert span.parent_span_id is None, span
            is_known = span.otel_trace_id in known
            trace = span.otel_trace_id if is_known else _label(span, spans)
            forest.setdefault(trace, []).append(_node(span, spans, by_id))
    return {trace: sort_nodes(roots) for trace, roots in forest.items()}


def _node(
    span: ReceivedSpan,
    spans: Sequence[ReceivedSpan],
    by_id: dict[tuple[str, str], ReceivedSpan],
) -> Node:
    above = (span.otel_trace_id, span.span_id)
    below = [s for s in spans if (s.otel_trace_id, s.parent_span_id) == above]
    targets = [(link, by_id[link.otel_trace_id, link.span_id]) for link in span.links]
    return Node(
        span.service_name,
        span.kind,
        span.name,
        _attributes(span),
        tuple((link.attributes, _label(target, spans)) for link, target in targets),
        span.status,
        span.span_id if _is_derived(span) else "",
        tuple(_node(child, spans, by_id) for child in below),
    )


def _attributes(span: ReceivedSpan) -> dict[str, Any]:
    if span.kind != "SERVER":
        return span.attributes
    return {key: span.attributes.get(key) for key in _SERVER_KEYS}


def _is_derived(span: ReceivedSpan) -> bool:
    return span.name == "linq message" or span.name.startswith("message ")


def _label(span: ReceivedSpan, spans: Sequence[ReceivedSpan]) -> str:
    """
    Answer the name of a span; of a webhook's, also the event that was handled for it.
    """
    if span.kind != "SERVER":
        return span.name
    (handled,) = {s.name for s in spans if s.kind == "CONSUMER" and _is_for(s, span)}
    return handled.replace("process", "webhook")


def _is_for(process: ReceivedSpan, server: ReceivedSpan) -> bool:
    webhook = (server.otel_trace_id, server.span_id)
    if (process.otel_trace_id, process.parent_span_id) == webhook:
        return True
    links = [link for link in process.links if link.attributes == {"linq.link": "webhook"}]
    return webhook in [(link.otel_trace_id, link.span_id) for link in links]
