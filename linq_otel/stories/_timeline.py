"""
Which traces belong together, and in what order their spans are read: the plan of the picture.

A message's life is several traces that point at each other by links. Those that do, directly or
through a trace that is not here, make one story; so do those that hold the same message, where
nothing links them: a story in several parts. Pure: nothing here knows of a terminal.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from linq_otel import _attributes as a
from linq_otel.stories._evidence import find_evidence, find_text, is_forged


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linq_otel._otlp_json import SpanRecord


PARENT_MISSING = "(parent not here)"
PARENTS_CIRCLE = "(parents form a circle)"
ENDS_EARLY = "(ends before it starts)"
_WIDEST_GUIDE = 12  # Deeper levels share one indent.


@dataclass(frozen=True, slots=True)
class Row:
    """
    One span and its place in its story.

    Attributes:
        number: Its number in the story, from 1.
        span: The span.
        guide: The tree lines that lead to it, as text.
        remark: What is odd about its place or its times; mostly empty.
        depth: How many spans of its trace it hangs under.
    """

    number: int
    span: SpanRecord
    guide: str
    remark: str
    depth: int


@dataclass(frozen=True, slots=True)
class Group:
    """
    One trace of a story, its rows in tree order.
    """

    otel_trace_id: str
    rows: tuple[Row, ...]

    @property
    def service_names(self) -> tuple[str, ...]:
        """
        The services that took part, in order of appearance.
        """
        return tuple(dict.fromkeys(row.span.service_name for row in self.rows))


@dataclass(frozen=True, slots=True)
class Story:
    """
    The traces that belong together; they share one time axis.
    """

    groups: tuple[Group, ...]

    @property
    def parts(self) -> tuple[frozenset[str], ...]:
        """
        The trace ids of each part: no link leads from one part to another.
        """
        ties = _Ties()
        ties.add_links(self.spans)
        traces = [group.otel_trace_id for group in self.groups]
        return tuple(map(frozenset, ties.part(traces)))

    @property
    def rows(self) -> tuple[Row, ...]:
        """
        Every row, top to bottom.
        """
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def spans(self) -> tuple[SpanRecord, ...]:
        """
        Every span, top to bottom.
        """
        return tuple(row.span for row in self.rows)


def join_traces(spans: Sequence[SpanRecord], otel_trace_id: str | None = None) -> list[Story]:
    """
    Put traces that are tied by links or by a message into one story each, the earliest first.

    Args:
        spans: Spans of any number of traces, in any order.
        otel_trace_id: The trace asked for, if one was: its story comes first.
    """
    traces: defaultdict[str, list[SpanRecord]] = defaultdict(list)
    for span in sorted(spans, key=_by_time):
        traces[span.otel_trace_id].append(span)
    ties = _Ties()
    ties.add_links(spans)
    ties.add_messages(spans)
    stories = [_tell(joined, traces) for joined in ties.part(traces)]
    return sorted(stories, key=lambda story: not _includes(story, otel_trace_id))


def _by_time(span: SpanRecord) -> tuple[int, int, str, str]:
    return span.start_ns, span.end_ns, span.otel_trace_id, span.span_id


def _includes(story: Story, otel_trace_id: str | None) -> bool:
    return any(group.otel_trace_id == otel_trace_id for group in story.groups)


class _Ties:
    """
    Which traces are tied to which, directly or by way of what they share.
    """

    def __init__(self) -> None:
        self._neighbours: defaultdict[str, set[str]] = defaultdict(set)

    def add_links(self, spans: Iterable[SpanRecord]) -> None:
        """
        Tie traces to those their spans link to.
        """
        for span in spans:
            for link in span.links:
                self._tie(span.otel_trace_id, link.otel_trace_id)

    def add_messages(self, spans: Sequence[SpanRecord]) -> None:
        """
        Tie traces that name the same message.

        What tells of a message without naming it belongs to all that have its Linq trace id.
        """
        nameless: set[str] = set()
        for span in spans:
            message_id = None if is_forged(span) else find_text(span, a.MESSAGE_ID)
            if message_id is not None:
                self._tie(span.otel_trace_id, f"message {message_id.lower()}")
            else:
                nameless.update(_find_linq_trace_ids(span))
        if nameless:
            for span in spans:
                for shared in nameless.intersection(_find_linq_trace_ids(span)):
                    self._tie(span.otel_trace_id, f"trace {shared}")

    def part(self, traces: Iterable[str]) -> Iterator[list[str]]:
        """
        Part *traces* into those that are tied to each other, each in the order given.
        """
        order = {otel_trace_id: at for at, otel_trace_id in enumerate(traces)}
        seen: set[str] = set()
        for start in order:
            reached = self._reach(start, seen)
            if reached:
                here = [each for each in reached if each in order]
                yield sorted(here, key=order.__getitem__)

    def _tie(self, one: str, other: str) -> None:
        self._neighbours[one].add(other)
        self._neighbours[other].add(one)

    def _reach(self, start: str, seen: set[str]) -> set[str]:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            found = waiting.pop()
            if found not in seen:
                seen.add(found)
                reached.add(found)
                waiting.extend(self._neighbours.get(found, ()))
        return reached


def _find_linq_trace_ids(span: SpanRecord) -> list[str]:
    evidence = find_evidence(span)
    return [] if evidence is None else [each.lower() for each in evidence.linq_trace_ids]


def _tell(joined: Sequence[str], traces: Mapping[str, Sequence[SpanRecord]]) -> Story:
    numbers = count(1)
    return Story(
        tuple(
            Group(
                otel_trace_id,
                tuple(
                    Row(next(numbers), leaf.span, leaf.guide, _remark(leaf), leaf.depth)
                    for leaf in _order_tree(traces[otel_trace_id])
                ),
            )
            for otel_trace_id in joined
        )
    )


@dataclass(frozen=True, slots=True)
class _Leaf:
    span: SpanRecord
    guide: str
    below: str
    remark: str
    depth: int


def _remark(leaf: _Leaf) -> str:
    is_odd = leaf.span.end_ns < leaf.span.start_ns
    return " ".join(filter(None, (leaf.remark, ENDS_EARLY if is_odd else "")))


def _order_tree(spans: Sequence[SpanRecord]) -> Iterator[_Leaf]:
    present = {span.span_id for span in spans}
    children: defaultdict[str | None, list[SpanRecord]] = defaultdict(list)
    for span in spans:
        parent = span.parent_span_id if span.parent_span_id in present else None
        children[parent].append(span)
    drawn: set[str] = set()
    # Whatever no root leads to hangs in a circle: its earliest span is drawn as a root.
    for root in (*children[None], *spans):
        if root.span_id not in drawn:
            drawn.add(root.span_id)
            yield from _walk(root, children, drawn, _remark_on_root(root, present))


def _remark_on_root(root: SpanRecord, present: set[str]) -> str:
    if root.parent_span_id is None:
        return ""
    return PARENTS_CIRCLE if root.parent_span_id in present else PARENT_MISSING


def _walk(
    root: SpanRecord,
    children: Mapping[str | None, Sequence[SpanRecord]],
    drawn: set[str],
    remark: str,
) -> Iterator[_Leaf]:
    stack = [_Leaf(root, "", "", remark, 0)]
    while stack:
        leaf = stack.pop()
        yield leaf
        kids = [kid for kid in children.get(leaf.span.span_id, ()) if kid.span_id not in drawn]
        drawn.update(kid.span_id for kid in kids)
        for kid in reversed(kids):
            corner, line = ("└ ", "  ") if kid is kids[-1] else ("├ ", "│ ")
            guide, below = leaf.below + corner, leaf.below + line
            stack.append(
                _Leaf(kid, guide[-_WIDEST_GUIDE:], below[-_WIDEST_GUIDE:], "", leaf.depth + 1)
            )
