"""
Which traces belong together, and in what order their spans are read: the plan of the picture.

A message's life is several traces that point at each other by links. Those that do, directly or
through a trace that is not here, make one story. Pure: nothing here knows of a terminal.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    Put traces that are tied by links into one story each, the earliest first.

    Args:
        spans: Spans of any number of traces, in any order.
        otel_trace_id: The trace asked for, if one was: its story comes first.
    """
    traces: defaultdict[str, list[SpanRecord]] = defaultdict(list)
    for span in sorted(spans, key=_by_time):
        traces[span.otel_trace_id].append(span)
    stories = [_tell(joined, traces) for joined in _find_joined(traces)]
    return sorted(stories, key=lambda story: not _includes(story, otel_trace_id))


def _by_time(span: SpanRecord) -> tuple[int, int, str, str]:
    return span.start_ns, span.end_ns, span.otel_trace_id, span.span_id


def _includes(story: Story, otel_trace_id: str | None) -> bool:
    return any(group.otel_trace_id == otel_trace_id for group in story.groups)


def _find_joined(traces: Mapping[str, Sequence[SpanRecord]]) -> Iterator[list[str]]:
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    for otel_trace_id, spans in traces.items():
        for link in (link for span in spans for link in span.links):
            neighbours[otel_trace_id].add(link.otel_trace_id)
            neighbours[link.otel_trace_id].add(otel_trace_id)
    seen: set[str] = set()
    for start in traces:
        reached = _reach(start, neighbours, seen)
        if reached:
            yield [otel_trace_id for otel_trace_id in traces if otel_trace_id in reached]


def _reach(start: str, neighbours: Mapping[str, set[str]], seen: set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        otel_trace_id = waiting.pop()
        if otel_trace_id not in seen:
            seen.add(otel_trace_id)
            reached.add(otel_trace_id)
            waiting.extend(neighbours.get(otel_trace_id, ()))
    return reached


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
