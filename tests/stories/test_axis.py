from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linq_otel.stories._axis import fold_waits, spell_duration
from support.span_records import MESSAGE, MS, START, record


HOUR = 3_600_000


class TestFolds:
    def test_hide_a_wait_of_hours(self) -> None:
        """
        Three hours in which nothing starts or ends are one fold; the rest keeps its scale.
        """
        axis = fold_waits(MESSAGE, 60)
        assert [(piece.folded, piece.label) for piece in axis.pieces if piece.folded] == [
            (True, "⋯3h⋯")
        ]
        sent, read = axis.find_columns(MESSAGE[1]), axis.find_columns(MESSAGE[4])
        assert len(sent) > 10
        assert len(read) > 5
        assert sent.stop <= read.start

    def test_are_not_made_where_everything_can_be_seen(self) -> None:
        """
        A wait that hides nothing stays to scale.
        """
        axis = fold_waits([record("a", 0, 40), record("b", 60, 100)], 60)
        assert [piece.folded for piece in axis.pieces] == [False]


class TestColumns:
    @given(
        st.lists(st.tuples(st.integers(0, 10 * HOUR), st.integers(-5, 2 * HOUR)), min_size=1),
        st.integers(12, 200),
        st.lists(st.integers(-HOUR, 14 * HOUR), min_size=2, max_size=20),
    )
    def test_go_with_time_and_stay_inside(
        self, times: list[tuple[int, int]], width: int, moments: list[int]
    ) -> None:
        """
        A later moment is never further left, and no moment is off the axis.
        """
        axis = fold_waits([record("s", at, at + length) for at, length in times], width)
        columns = [axis.find_column(START + at * MS) for at in sorted(moments)]
        assert columns == sorted(columns)
        assert 0 <= columns[0] <= columns[-1] < width
        assert sum(piece.width for piece in axis.pieces) == width


class TestDurations:
    @pytest.mark.parametrize(
        ("ns", "spelled"),
        [
            (0, "0"),
            (1, "1 ns"),
            (1_500, "1.5 µs"),
            (12_300_000, "12 ms"),
            (1_200_000, "1.2 ms"),
            (3_999_000_000, "4.0 s"),
            (59_960_000_000, "1 m 00 s"),
            (10_920_000_000_000, "3 h 02 m"),
            (200_000_000_000_000, "2 d 07 h"),
            (-1_500_000, "-1.5 ms"),
        ],
    )
    def test_are_spelled_as_a_person_would(self, ns: int, spelled: str) -> None:
        """
        The unit fits the length, and seconds never read 60.
        """
        assert spell_duration(ns) == spelled
