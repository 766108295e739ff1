"""
What became of a message in a backend: one story, or pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel import _attributes as a


if TYPE_CHECKING:
    from collections.abc import Iterable

    from backends.playing import Play
    from backends.reading import Seen


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How the spans of one message hang together.

    Attributes:
        stories: How many groups of spans there are that no parent and no link ties together,
            of those that hold a span of the message.
        missing_parents: Spans whose parent nobody has.
        dangling_links: Links to spans nobody has.
        roots: Roots of the trace the message's life is drawn in.
    """

    traces: int
    spans: int
    links: int
    stories: int
    missing_parents: int
    dangling_links: int
    roots: int


def find_shape(play: Play, spans: Iterable[Seen]) -> Shape:
    """
    Describe how *spans*, the traces of one message, hang together.
    """
    known = {(span.otel_trace_id, span.span_id): span for span in spans}
    links = [(span, link[:2]) for span in known.values() for link in span.links]
    return Shape(
        traces=len({trace for trace, _ in known}),
        spans=len(known),
        links=len(links),
        stories=_count_stories(play, known),
        missing_parents=sum(
            span.parent_span_id is not None
            and (span.otel_trace_id, span.parent_span_id) not in known
            for span in known.values()
        ),
        dangling_links=sum(target not in known for _, target in links),
        roots=_count_roots(known),
    )


def _count_roots(known: dict[tuple[str, str], Seen]) -> int:
    lives = {span.otel_trace_id for span in known.values() if span.name == a.ANCHOR}
    return sum(
        span.otel_trace_id in lives and span.parent_span_id is None for span in known.values()
    )


def _count_stories(play: Play, known: dict[tuple[str, str], Seen]) -> int:
    """
    Count the groups that hold a span of the message, or the call that sent it.
    """
    groups = {key: key for key in known}

    def find(key: tuple[str, str]) -> tuple[str, str]:
        while groups[key] != key:
            key = groups[key]
        return key

    for key, span in known.items():
        parent = (span.otel_trace_id, span.parent_span_id or "")
        for other in (parent, *(link[:2] for link in span.links)):
            if other in known:
                groups[find(key)] = find(other)
    return len({find(key) for key, span in known.items() if _is_told(play, span)})


def _is_told(play: Play, span: Seen) -> bool:
    if span.otel_trace_id == play.otel_trace_id:
        return True
    said = dict(span.attributes)
    # What did not verify may name the message, and must not be tied to it.
    is_trusted = said.get("linq.webhook.verified") != "false"
    return is_trusted and play.message_id is not None and said.get(a.MESSAGE_ID) == play.message_id
