"""
Where an id leads: to a place in a story, and to the messages that a list is narrowed to.

People paste whatever they have: a message id, an event id out of a webhook's log line, a trace id
of their own app. All lead somewhere by the index of ids, and no span is read in vain.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from linq_otel.stories import Place, find_trace
from linq_otel.stories._finding import SHORTEST_BEGINNING, choose_id, list_ids

from ._clues import message_clue
from ._rows import clean_text, read_span
from ._walking import find_neighbours


if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


_SPANS: Final = """
SELECT otel_trace_id, span_id, document FROM spans JOIN traces ON traces.id = spans.trace
WHERE span_id = :id
    OR spans.id IN (SELECT span FROM ids WHERE value = :id ORDER BY span DESC LIMIT 500)
"""
_BEGINNING: Final = """
SELECT DISTINCT value FROM ids
    WHERE value >= :from AND value < :to AND NOT (value >= 'message ' AND value < 'message!')
UNION
SELECT otel_trace_id FROM traces WHERE otel_trace_id >= :from AND otel_trace_id < :to
UNION
SELECT span_id FROM spans WHERE span_id >= :from AND span_id < :to
LIMIT 10
"""
_CLUES_OF_SPANS: Final = """
SELECT DISTINCT clues.value, clues.message_id FROM ids JOIN clues USING (trace, span)
WHERE ids.value = ? LIMIT 1000
"""
_CLUES_OF_TRACES: Final = """
SELECT DISTINCT value, message_id FROM clues WHERE trace IN
    (SELECT id FROM traces WHERE otel_trace_id IN (SELECT value FROM json_each(?)))
LIMIT 1000
"""


def find_place(connection: sqlite3.Connection, wanted: str) -> Place | None:
    """
    Return where an id leads, be it of Linq or of OpenTelemetry; None if no span knows it.

    The beginning of an id stands for it, if no other begins so.

    Raises:
        ConfigurationError: Several ids begin so; the message lists them.
    """
    wanted = clean_text(wanted.strip().lower())
    return _find_whole(connection, wanted) or _find_whole(
        connection, _complete(connection, wanted) or ""
    )


def _find_whole(connection: sqlite3.Connection, wanted: str) -> Place | None:
    row = connection.execute("SELECT 1 FROM traces WHERE otel_trace_id = ?", (wanted,)).fetchone()
    if row is not None:
        return Place(wanted)
    found = connection.execute(_SPANS, {"id": wanted})
    return find_trace([read_span(*row) for row in found], wanted)


def find_message_clues(connection: sqlite3.Connection, wanted: str) -> list[str]:
    """
    Return what the messages are found by that an id has to do with.

    Those of the spans that hold it; else those of its trace; else those of the traces beside that,
    for the span that received a webhook is in a trace of its own.
    """
    wanted = clean_text(wanted.strip().lower())
    found = connection.execute(_CLUES_OF_SPANS, (wanted,)).fetchall()
    if not found:
        place = _find_whole(connection, wanted)
        if place is None:
            return []
        found = _read_clues(connection, [place.otel_trace_id])
        found = found or _read_clues(connection, find_neighbours(connection, place.otel_trace_id))
    named = [message_clue(message_id) for _, message_id in found if message_id is not None]
    return list(dict.fromkeys([*named, *(clue for clue, _ in found)]))


def _complete(connection: sqlite3.Connection, beginning: str) -> str | None:
    if len(beginning) < SHORTEST_BEGINNING:
        return None
    asked = {"from": beginning, "to": f"{beginning}\U0010ffff"}
    found = {value: _name(connection, value) for (value,) in connection.execute(_BEGINNING, asked)}
    return choose_id(beginning, found)


def _name(connection: sqlite3.Connection, wanted: str) -> str:
    spans = (read_span(*row) for row in connection.execute(_SPANS, {"id": wanted}))
    kinds = (kind for span in spans for kind, value in list_ids(span) if value.lower() == wanted)
    return next(kinds, "trace")


def _read_clues(
    connection: sqlite3.Connection, otel_trace_ids: Sequence[str]
) -> list[tuple[str, str | None]]:
    return connection.execute(_CLUES_OF_TRACES, (json.dumps(otel_trace_ids),)).fetchall()
