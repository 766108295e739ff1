"""
The stretches of a story in which nothing but waiting happens.

A message is accepted in 200 ms and read three hours later; whoever draws that has to fold the
hours. A stage span lasts while we wait, so it is no work.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord


_SMALLEST_SHARE: Final = 20  # A wait is worth a word from a twentieth of the story on,
_SHORTEST_NS: Final = 1_000_000  # and from a millisecond.


def find_waits(spans: Sequence[SpanRecord]) -> list[tuple[int, int]]:
    """
    Return start and end of each long wait, in order of time; no span begins or ends inside one.

    Args:
        spans: The spans of one story.
    """
    if not spans:
        return []
    changes = sorted(_find_changes(spans))
    shortest = max((changes[-1][0] - changes[0][0]) // _SMALLEST_SHARE, _SHORTEST_NS)
    waits: list[tuple[int, int]] = []
    at_work = 0
    for (ns, change), (next_ns, _) in pairwise(changes):
        at_work += change
        if at_work == 0 and next_ns - ns >= shortest:
            waits.append((ns, next_ns))
    return waits


def _find_changes(spans: Iterable[SpanRecord]) -> Iterator[tuple[int, int]]:
    for span in spans:
        is_work = a.STAGE_NAME not in span.attributes and span.end_ns > span.start_ns
        yield span.start_ns, int(is_work)
        yield max(span.start_ns, span.end_ns), -int(is_work)
