"""
A story in the JSON trace event format, which ui.perfetto.dev and chrome://tracing read.

One process for each service, one track for each trace in it, arrows for links, and a track of its
own for the waits. Times count from the story's start: the format's numbers are microseconds as
doubles, and those of a whole epoch would lose the nanoseconds.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from linq_otel import _attributes as a
from linq_otel.stories._axis import spell_duration
from linq_otel.stories._documents import write_value
from linq_otel.stories._waits import find_waits


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories._timeline import Story


_WAITS_PID: Final = 1
_US: Final = 1_000
_SHORT_ID: Final = 8


@dataclass(frozen=True, slots=True)
class _Slice:
    """
    A span and the track it is drawn on.
    """

    span: SpanRecord
    pid: int
    tid: int
    start_ns: int

    @property
    def place(self) -> dict[str, Any]:
        return {"pid": self.pid, "tid": self.tid, "ts": (self.span.start_ns - self.start_ns) / _US}


def perfetto_document(story: Story) -> dict[str, Any]:
    """
    Return *story* as a trace event document; write it as JSON and open it at ui.perfetto.dev.

    Args:
        story: What `join_traces` returned.
    """
    start_ns = min(span.start_ns for span in story.spans)
    slices = list(_lay_out(story, start_ns))
    return {
        "traceEvents": [
            *_name_tracks(slices),
            *(_write_slice(each) for each in slices),
            *_write_flows(slices),
            *_write_waits(story.spans, start_ns),
        ],
        "displayTimeUnit": "ms",
        "otherData": {"start_unix_ns": str(start_ns), "version": "linq_otel/1"},
    }


def _lay_out(story: Story, start_ns: int) -> Iterator[_Slice]:
    names = dict.fromkeys(span.service_name for span in story.spans)
    pids = {name: pid for pid, name in enumerate(names, start=_WAITS_PID + 1)}
    tids = count(1)
    for group in story.groups:
        by_service: defaultdict[str, list[SpanRecord]] = defaultdict(list)
        for row in group.rows:
            by_service[row.span.service_name].append(row.span)
        for name, spans in by_service.items():
            for lane in _find_lanes(spans):
                tid = next(tids)
                yield from (_Slice(span, pids[name], tid, start_ns) for span in lane)


def _find_lanes(spans: Iterable[SpanRecord]) -> list[list[SpanRecord]]:
    """
    Part spans into tracks on which each two nest or are apart, as the format wants it.
    """
    lanes: list[list[SpanRecord]] = []
    open_ends: list[list[int]] = []
    for span in sorted(spans, key=lambda it: (it.start_ns, -it.end_ns)):
        at = next((at for at, ends in enumerate(open_ends) if _has_room(ends, span)), len(lanes))
        if at == len(lanes):
            lanes.append([])
            open_ends.append([])
        lanes[at].append(span)
        open_ends[at].append(max(span.start_ns, span.end_ns))
    return lanes


def _has_room(ends: list[int], span: SpanRecord) -> bool:
    while ends and ends[-1] <= span.start_ns:
        ends.pop()
    return not ends or span.end_ns <= ends[-1]


def _name_tracks(slices: Sequence[_Slice]) -> Iterator[dict[str, Any]]:
    for pid, name in {each.pid: each.span.service_name for each in slices}.items():
        yield _name("process_name", pid, 0, name)
        yield {"ph": "M", "name": "process_sort_index", "pid": pid, "args": {"sort_index": pid}}
    for tid, each in {each.tid: each for each in slices}.items():
        yield _name("thread_name", each.pid, tid, f"trace {each.span.otel_trace_id[:_SHORT_ID]}…")


def _name(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}


def _write_slice(each: _Slice) -> dict[str, Any]:
    span = each.span
    ids = {
        "otel_trace_id": span.otel_trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "status": span.status,
    }
    attributes = {key: write_value(value) for key, value in span.attributes.items()}
    return {
        "ph": "X",
        "name": span.name,
        "cat": span.kind.lower(),
        **each.place,
        "dur": max(span.end_ns - span.start_ns, 1) / _US,
        "args": {**ids, **attributes},
    }


def _write_flows(slices: Sequence[_Slice]) -> Iterator[dict[str, Any]]:
    by_id = {(each.span.otel_trace_id, each.span.span_id): each for each in slices}
    drawn: set[frozenset[int]] = set()
    for each in slices:
        for link in each.span.links:
            other = by_id.get((link.otel_trace_id, link.span_id))
            ends = frozenset({id(each), id(other)})
            # Links mostly go both ways, and one arrow is enough.
            if other is not None and other is not each and ends not in drawn:
                drawn.add(ends)
                yield from _write_flow(each, other, link.attributes, len(drawn))


def _write_flow(
    one: _Slice, other: _Slice, attributes: Mapping[str, object], number: int
) -> Iterator[dict[str, Any]]:
    first, last = sorted((one, other), key=lambda each: each.span.start_ns)
    named = {"name": str(attributes.get(a.LINK, "link")), "cat": "link", "id": number}
    yield {"ph": "s", **named, **first.place}
    yield {"ph": "f", "bp": "e", **named, **last.place}


def _write_waits(spans: Sequence[SpanRecord], start_ns: int) -> Iterator[dict[str, Any]]:
    waits = find_waits(spans)
    if waits:
        yield _name("process_name", _WAITS_PID, 0, "waits")
    for begin, end in waits:
        yield {
            "ph": "X",
            "name": f"wait {spell_duration(end - begin)}",
            "cat": "wait",
            "pid": _WAITS_PID,
            "tid": 0,
            "ts": (begin - start_ns) / _US,
            "dur": (end - begin) / _US,
        }
