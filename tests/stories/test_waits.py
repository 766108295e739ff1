from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linq_otel.stories._waits import find_waits
from stories.telling import HOUR, READ, now, stage
from support.span_records import record


class TestWaits:
    def test_are_where_only_stages_last(self) -> None:
        """Three hours in which a message lies unread are a wait; the moments beside it are none."""
        assert find_waits(READ) == [(now(1_000), now(3 * HOUR))]

    def test_are_not_where_anybody_works(self) -> None:
        """A request of three hours is work, and so is a job of the app's own."""
        for kind in ("SERVER", "INTERNAL"):
            spans = [record("job", 0, 3 * HOUR, kind=kind), stage("read", 10, 2 * HOUR)]
            assert find_waits(spans) == []

    def test_are_cut_where_something_happens(self) -> None:
        """A moment between two waits stays in sight."""
        spans = [record("a", 0, 1_000), stage("sent", 1_000, 5_000), stage("read", 5_000, 9_000)]
        assert find_waits(spans) == [(now(1_000), now(5_000)), (now(5_000), now(9_000))]

    def test_are_not_worth_a_word_if_short(self) -> None:
        """Less than a twentieth of the story, or than a millisecond, is none."""
        assert find_waits([record("a", 0, 95.1), record("b", 100, 100)]) == []
        assert find_waits([record("a", 0, 95), record("b", 100, 100)]) == [(now(95), now(100))]
        assert find_waits([record("a", 0, 0.1), record("b", 1, 1.1)]) == []
        assert find_waits([]) == []

    @given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-5, 10**5)), min_size=1))
    def test_are_apart_and_in_order(self, times: list[tuple[int, int]]) -> None:
        """However spans lie, at most twenty waits come one after the other, and hold no start."""
        spans = [record("s", at, at + length) for at, length in times]
        waits = find_waits(spans)
        edges = [edge for wait in waits for edge in wait]
        assert edges == sorted(edges)
        assert len(waits) <= 20
        assert not any(start < span.start_ns < end for start, end in waits for span in spans)
