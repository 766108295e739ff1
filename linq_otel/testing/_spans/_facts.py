"""
What a test may say about a span, without the SDK's classes around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import INVALID_SPAN_CONTEXT


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


Key = tuple[int, int]
"""A trace id and a span id."""
LINK = "linq.link"


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """
    One finished span.

    Attributes:
        key: Its trace id and span id.
        parent: Those of its parent.
        name: Its name.
        kind: ``CLIENT``.
        status: ``UNSET``, ``OK`` or ``ERROR``.
        start_ns: When it began.
        attributes: Its attributes.
        links: What each link says of itself, and the key of its target.
    """

    key: Key
    parent: Key | None
    name: str
    kind: str
    status: str
    start_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    links: tuple[tuple[str, Key], ...] = ()


def collect_facts(spans: Iterable[ReadableSpan]) -> list[SpanFacts]:
    """
    Return the facts of each span, in order of their start.

    A stage that was told twice is the same span twice, as its id is derived: it counts once.
    """
    found: dict[Key, SpanFacts] = {}
    for facts in map(_facts, spans):
        found.setdefault(facts.key, facts)
    return sorted(found.values(), key=lambda one: (one.start_ns, one.name))


def key_of(context: SpanContext) -> Key:
    """
    Return the key of a span context.
    """
    return context.trace_id, context.span_id


def key_of_span(span: ReadableSpan) -> Key:
    """
    Return the key of a finished span.
    """
    return key_of(span.get_span_context() or INVALID_SPAN_CONTEXT)


def _facts(span: ReadableSpan) -> SpanFacts:
    links = ((dict(link.attributes or {}).get(LINK, ""), link.context) for link in span.links)
    return SpanFacts(
        key=key_of_span(span),
        parent=None if span.parent is None else key_of(span.parent),
        name=span.name,
        kind=span.kind.name,
        status=span.status.status_code.name,
        start_ns=span.start_time or 0,
        attributes=dict(span.attributes or {}),
        links=tuple((str(meaning), key_of(context)) for meaning, context in links),
    )
