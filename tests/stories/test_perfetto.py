from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from linq_otel.stories import join_traces, perfetto_document
from stories.telling import HOUR, READ
from support.span_records import record


def draw(spans: Any) -> list[dict[str, Any]]:
    """
    Return the trace events of the one story the spans tell.
    """
    (story,) = join_traces(spans)
    document = perfetto_document(story)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    events: list[dict[str, Any]] = document["traceEvents"]
    return events


class TestDocument:
    def test_has_a_process_for_each_service(self) -> None:
        """Services are processes, each with a track for each trace, and waits are one more."""
        named = [event for event in draw(READ) if event["name"] in {"process_name", "thread_name"}]
        assert [(each["pid"], each["tid"], each["args"]["name"]) for each in named] == [
            (2, 0, "shop"),
            (3, 0, "hooks"),
            (2, 1, "trace aaaaaaaa…"),
            (2, 2, "trace 22222222…"),
            (3, 3, "trace 22222222…"),
            (1, 0, "waits"),
        ]

    def test_has_a_slice_for_each_span(self) -> None:
        """Times are microseconds from the story's start, and no slice is without length."""
        slices = [event for event in draw(READ) if event["ph"] == "X" and event["cat"] != "wait"]
        assert [(each["name"], each["pid"], each["tid"], each["ts"], each["dur"])
                for each in slices] == [
            ("POST /orders", 2, 1, 0.0, 12_000.0),
            ("linq chats.create", 2, 1, 1_000.0, 9_000.0),
            ("linq message", 2, 2, 1_000.0, 0.001),
            ("message accepted", 3, 3, 1_000.0, 9_000.0),
            ("message sent", 3, 3, 10_000.0, 490_000.0),
            ("message delivered", 3, 3, 500_000.0, 500_000.0),
            ("message read", 3, 3, 1_000_000.0, (3 * HOUR - 1_000) * 1_000.0),
            ("process message.read", 3, 3, (3 * HOUR + 5) * 1_000.0, 10_000.0),
        ]  # fmt: skip

    def test_tells_what_a_span_says(self) -> None:
        """Ids, status and attributes are the slice's arguments."""
        (one,) = [event for event in draw(READ) if event["name"] == "linq chats.create"]
        assert one["args"] == {
            "otel_trace_id": "a" * 32,
            "span_id": "b" * 16,
            "parent_span_id": "e" * 16,
            "status": "UNSET",
            "messaging.operation.name": "send",
            "linq.operation": "chats.create",
            "linq.message.id": "21051baf-8743-4ee8-aa9c-6e3316a85b5c",
            "linq.trace_id": "2" * 32,
        }
        assert one["cat"] == "producer"

    def test_has_one_arrow_for_links_both_ways(self) -> None:
        """Call and life point at each other: one flow leads from one slice to the other."""
        flows = [event for event in draw(READ) if event["ph"] in "sf"]
        assert flows == [
            {"ph": "s", "name": "lifecycle", "cat": "link", "id": 1, "pid": 2, "tid": 1,
             "ts": 1_000.0},
            {"ph": "f", "bp": "e", "name": "lifecycle", "cat": "link", "id": 1, "pid": 2, "tid": 2,
             "ts": 1_000.0},
        ]  # fmt: skip

    def test_shows_waits(self) -> None:
        """The three hours stand in a track of their own, spelled out."""
        (wait,) = [event for event in draw(READ) if event.get("cat") == "wait"]
        assert (wait["name"], wait["ts"], wait["dur"]) == (
            "wait 2 h 59 m",
            1_000_000.0,
            (3 * HOUR - 1_000) * 1_000.0,
        )

    def test_names_when_it_began(self) -> None:
        """The time that microseconds count from is kept beside them."""
        (story,) = join_traces(READ)
        document = perfetto_document(story)
        assert document["otherData"]["start_unix_ns"] == "1790000000000000000"


class TestTracks:
    @given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30))
    def test_have_slices_that_nest(self, times: list[tuple[int, int]]) -> None:
        """On one track, of each two slices one holds the other, or they are apart."""
        spans = [
            record("s", at, at + length, span_id=f"{number + 1:016x}")
            for number, (at, length) in enumerate(times)
        ]
        slices = [event for event in draw(spans) if event["ph"] == "X" and event["cat"] != "wait"]
        assert len(slices) == len(spans)
        for one in slices:
            for other in slices:
                ends = one["ts"] + one["dur"], other["ts"] + other["dur"]
                is_crossing = one["ts"] < other["ts"] < ends[0] < ends[1]
                # A moment at the very end of another is drawn a nanosecond over it.
                assert not (one["tid"] == other["tid"] and is_crossing) or other["dur"] == 0.001
