"""
One time axis on which milliseconds and hours can both be seen: long waits are folded.

A message is accepted in 200 ms and may be read three hours later. To scale, all work would be one
dot. So stretches in which nothing starts or ends are cut to a few columns, as long as that brings
something into sight; the rest keeps one scale. Pure: nothing here knows of a terminal.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord


INSTANT_NS = 1_000  # Late spans are stretched to a microsecond for the sake of trace stores.
_WAIT_SHARE = 0.15  # A wait is folded if it takes more of the width than this,
_WORK_SHARE = 0.95  # and a stretch in which a request is under way only if it takes all.
_EDGE_PERCENT = 3  # What stays visible of a wait at either side of its fold.
_NARROWEST_PIECE = 2  # Columns.
_ROOM_OF_PIECE = 3  # A fold is made only if every piece could have this many.
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_EMPTY_DECIMALS = re.compile(r"\.0(?=\D)|(?<=[dhm])00[hms]$")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A stretch of time and the columns it takes; folded or to scale.
    """

    start_ns: int
    end_ns: int
    left: int
    width: int
    folded: bool

    @property
    def label(self) -> str:
        """
        The time a fold hides, as it is written over the fold.
        """
        return _label_fold(self.end_ns - self.start_ns)


@dataclass(frozen=True, slots=True)
class Axis:
    """
    Pieces from left to right without a hole.
    """

    pieces: tuple[Piece, ...]

    def find_column(self, ns: int) -> int:
        """
        The column of a moment; later is never further left, and none is off the axis.
        """
        piece = self.pieces[max(0, bisect_right(self.pieces, ns, key=lambda it: it.start_ns) - 1)]
        share = (ns - piece.start_ns) * piece.width // (piece.end_ns - piece.start_ns)
        return piece.left + min(max(share, 0), piece.width - 1)

    def find_columns(self, span: SpanRecord) -> range:
        """
        The columns of a span, at least one.
        """
        last_ns = max(span.start_ns, span.end_ns - 1)
        return range(self.find_column(span.start_ns), self.find_column(last_ns) + 1)

    def is_folded(self, column: int) -> bool:
        """
        Whether the column belongs to a fold.
        """
        return self.pieces[bisect_right(self.pieces, column, key=lambda it: it.left) - 1].folded


@dataclass(frozen=True, slots=True)
class _Gap:
    start_ns: int
    end_ns: int
    at_work: bool

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.start_ns


def spell_duration(ns: int) -> str:
    """
    Say a length of time as a person would: ``1.2 ms``, ``4.0 s``, ``3 h 02 m``.
    """
    if ns < 0:
        return f"-{spell_duration(-ns)}"
    if ns < _NS:
        return _spell_part_of_second(ns)
    if ns < 59_950_000_000:  # noqa: PLR2004 - from here on "60.0 s" would be written.
        return f"{ns / _NS:.1f} s"
    seconds = round(ns / _NS)
    for (unit, size), (lower, lower_size) in pairwise(_UNITS):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // lower_size:02} {lower}"
    raise AssertionError("unreachable")


def _spell_part_of_second(ns: int) -> str:
    for unit, size in (("ms", 1_000_000), ("µs", 1_000)):
        if ns >= size:
            return f"{ns / size:.1f} {unit}" if ns < 10 * size else f"{ns // size} {unit}"
    return f"{ns} ns" if ns else "0"


def _label_fold(ns: int) -> str:
    spelled = spell_duration(ns).replace(" ", "")
    return f"⋯{_EMPTY_DECIMALS.sub('', spelled)}⋯"


def fold_waits(spans: Sequence[SpanRecord], width: int) -> Axis:
    """
    Lay the spans' time out over ``width`` columns, long waits folded.

    Args:
        spans: What is to be shown; at least one.
        width: Columns there are; at least ten.
    """
    start_ns = min(span.start_ns for span in spans)
    end_ns = max(max(span.start_ns, span.end_ns) for span in spans)
    folds = sorted(_choose_folds(spans, end_ns - start_ns, width), key=lambda gap: gap.start_ns)
    shown = end_ns - start_ns - sum(gap.length_ns for gap in folds)
    edge = max(1, shown * _EDGE_PERCENT // 100)
    cuts = [start_ns]
    for gap in folds:
        cuts += gap.start_ns + edge, gap.end_ns - edge
    return Axis(tuple(_lay_out([*cuts, max(end_ns, start_ns + 1)], width)))


def _choose_folds(spans: Sequence[SpanRecord], total_ns: int, width: int) -> Iterator[_Gap]:
    shown, room = total_ns, width - _ROOM_OF_PIECE
    for gap in sorted(_find_gaps(spans), key=lambda gap: -gap.length_ns):
        label = len(_label_fold(gap.length_ns))
        share = max(_WORK_SHARE if gap.at_work else _WAIT_SHARE, label / width)
        if gap.length_ns <= max(_WAIT_SHARE * shown, INSTANT_NS):
            return
        if gap.length_ns <= share * shown or label + _ROOM_OF_PIECE > room:
            continue
        if _is_hiding(gap, spans, shown // width):
            shown -= gap.length_ns
            room -= label + _ROOM_OF_PIECE
            yield gap


def _find_gaps(spans: Sequence[SpanRecord]) -> Iterator[_Gap]:
    changes = sorted(_find_changes(spans))
    at_work = 0
    for (ns, change), (next_ns, _) in pairwise(changes):
        at_work += change
        if next_ns > ns:
            yield _Gap(ns, next_ns, at_work > 0)


def _find_changes(spans: Iterable[SpanRecord]) -> Iterator[tuple[int, int]]:
    for span in spans:
        weight = int(span.kind != "INTERNAL" and span.end_ns > span.start_ns)
        yield span.start_ns, weight
        yield max(span.start_ns, span.end_ns), -weight


def _is_hiding(gap: _Gap, spans: Iterable[SpanRecord], column_ns: int) -> bool:
    """
    Whether some span beside the gap is too short to be seen for the gap's sake.
    """
    return any(
        INSTANT_NS < span.end_ns - span.start_ns < column_ns
        for span in spans
        if span.end_ns <= gap.start_ns or span.start_ns >= gap.end_ns
    )


def _lay_out(cuts: Sequence[int], width: int) -> Iterator[Piece]:
    stretches = [(start, end, bool(at % 2)) for at, (start, end) in enumerate(pairwise(cuts))]
    plain = [end - start for start, end, folded in stretches if not folded]
    taken = sum(len(_label_fold(end - start)) for start, end, folded in stretches if folded)
    spare = width - taken - _NARROWEST_PIECE * len(plain)
    marks = [spare * sofar // sum(plain) for sofar in accumulate(plain, initial=0)]
    widths = iter(after - before + _NARROWEST_PIECE for before, after in pairwise(marks))
    left = 0
    for start, end, folded in stretches:
        columns = len(_label_fold(end - start)) if folded else next(widths)
        yield Piece(start, end, left, columns, folded)
        left += columns
