"""
From one trace to all that are tied to it, nearest first, and no further than is good.

Links tie traces, and so does a message that both hold. Indexes are walked, not the spans. A
campaign may send ten thousand messages from one trace; a person who opens one of them wants to see
that one, and some of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ._clues import message_clue
from ._rows import read_span


if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from linq_otel._otlp_json import SpanRecord


MOST_TRACES: Final = 200
MOST_SPANS: Final = 10_000
# What tells of a message without naming it belongs to all that have its Linq trace id.
_NEIGHBOURS: Final = """
WITH own AS (SELECT id FROM traces WHERE otel_trace_id = :trace),
messages AS (
    SELECT DISTINCT value FROM ids
    WHERE trace = (SELECT id FROM own) AND value >= 'message ' AND value < 'message!'
),
nameless AS (
    SELECT DISTINCT value FROM clues AS mine
    WHERE trace = (SELECT id FROM own) AND value >= 'trace ' AND value < 'trace!'
        AND EXISTS (SELECT 1 FROM clues WHERE value = mine.value AND message_id IS NULL)
)
SELECT to_trace FROM links WHERE trace = (SELECT id FROM own)
UNION
SELECT otel_trace_id FROM links JOIN traces ON traces.id = links.trace WHERE to_trace = :trace
UNION
SELECT otel_trace_id FROM messages CROSS JOIN ids ON ids.value = messages.value
    JOIN traces ON traces.id = ids.trace WHERE traces.id != (SELECT id FROM own)
UNION
SELECT otel_trace_id FROM nameless CROSS JOIN clues ON clues.value = nameless.value
    JOIN traces ON traces.id = clues.trace WHERE traces.id != (SELECT id FROM own)
LIMIT :most
"""
_HOLDERS: Final = """
SELECT DISTINCT otel_trace_id FROM ids JOIN traces ON traces.id = ids.trace
WHERE value = :message LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """
    The traces of a story that were reached.

    Attributes:
        traces: Each trace that is here with its number of spans, nearest first.
        is_whole: False if there are more.
    """

    traces: dict[str, int]
    is_whole: bool

    @property
    def spans(self) -> int:
        """
        How many spans they have.
        """
        return sum(self.traces.values())


def find_joined(
    connection: sqlite3.Connection, otel_trace_id: str, message_id: str | None = None
) -> Walk:
    """
    Return the traces of a story: those of the message asked for, if one was, before all others.

    At most `MOST_TRACES`, and no more once they hold `MOST_SPANS`; the first is there in any case.
    """
    seen = dict.fromkeys([otel_trace_id, *_find_holders(connection, message_id)])
    waiting = list(seen)
    joined: dict[str, int] = {}
    is_whole = True
    # Those that are only pointed at count as well: two traces may meet in one that is not here.
    for reached in waiting:
        size = _count_spans(connection, reached)
        if joined and size and sum(joined.values()) + size > MOST_SPANS:
            is_whole = False
            continue
        if size:
            joined[reached] = size
        fresh = [near for near in find_neighbours(connection, reached) if near not in seen]
        room = MOST_TRACES - len(seen)
        is_whole = is_whole and len(fresh) <= room
        seen.update(dict.fromkeys(fresh[:room]))
        waiting.extend(fresh[:room])
    return Walk(joined, is_whole)


def count_stories(connection: sqlite3.Connection, homes: Iterable[str]) -> dict[str, int]:
    """
    Return how many spans the story of each of these traces has.

    Those of one story are walked once; where a story is larger than is walked, its traces that lie
    beside those reached share their number.
    """
    sizes: dict[str, int] = {}
    large: dict[str, int] = {}
    for home in homes:
        if home in sizes:
            continue
        near = find_neighbours(connection, home) if large else []
        shared = next((large[each] for each in near if each in large), None)
        if shared is not None:
            sizes[home] = shared
            continue
        walk = find_joined(connection, home)
        found = dict.fromkeys(walk.traces, walk.spans)
        sizes.update(found)
        large.update({} if walk.is_whole else found)
    return sizes


def find_neighbours(connection: sqlite3.Connection, otel_trace_id: str) -> list[str]:
    """
    Return the traces that a trace is tied to, be they here or not; a few hundred at most.
    """
    asked = {"trace": otel_trace_id, "most": 2 * MOST_TRACES}
    return [near for (near,) in connection.execute(_NEIGHBOURS, asked)]


def read_spans_of(connection: sqlite3.Connection, otel_trace_id: str) -> list[SpanRecord]:
    """
    Return the spans of one trace.
    """
    found = connection.execute(
        "SELECT span_id, document FROM spans JOIN traces ON traces.id = spans.trace"
        " WHERE otel_trace_id = ?",
        (otel_trace_id,),
    )
    return [read_span(otel_trace_id, *row) for row in found]


def read_all_spans(connection: sqlite3.Connection) -> list[SpanRecord]:
    """
    Return every span there is, in the order of their arrival.
    """
    found = connection.execute(
        "SELECT otel_trace_id, span_id, document FROM spans"
        " JOIN traces ON traces.id = spans.trace ORDER BY spans.id"
    )
    return [read_span(*row) for row in found]


def _find_holders(connection: sqlite3.Connection, message_id: str | None) -> list[str]:
    if not message_id:
        return []
    asked = {"message": message_clue(message_id), "most": MOST_TRACES}
    return [trace for (trace,) in connection.execute(_HOLDERS, asked)]


def _count_spans(connection: sqlite3.Connection, otel_trace_id: str) -> int:
    row = connection.execute(
        "SELECT spans FROM traces WHERE otel_trace_id = ?", (otel_trace_id,)
    ).fetchone()
    return 0 if row is None else int(row[0])
