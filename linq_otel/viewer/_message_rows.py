"""
The table of messages, kept as spans come, so that the list never has to read all of them.

A message is what all spans say that name it, and what those say that name no message but one of
its Linq trace ids. So a new span makes one message to be told anew, and no other.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from linq_otel.stories import find_messages

from ._clues import find_clues, is_message_clue, message_clue
from ._rows import clean_text, fit_time, read_span


if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories import Message


_MOST_SPANS: Final = 500  # Newest first; no message has so many.
_MOST_ALIASES: Final = 64  # Linq trace ids of one message; there is one for each attempt.
_END_OF_TIME: Final = 2**64
_SPANS: Final = """
SELECT otel_trace_id, span_id, document FROM clues
JOIN spans ON spans.id = clues.span JOIN traces ON traces.id = spans.trace
"""
_NAMED: Final = f"{_SPANS} WHERE clues.value = ? ORDER BY spans.id DESC LIMIT {_MOST_SPANS}"
_NAMELESS: Final = (
    f"{_SPANS} WHERE clues.value = ? AND clues.message_id IS NULL"
    f" ORDER BY spans.id DESC LIMIT {_MOST_SPANS}"
)
_ALIASES: Final = f"""
SELECT DISTINCT others.value
FROM (SELECT trace, span FROM clues WHERE value = ? LIMIT {_MOST_SPANS}) AS own
JOIN clues AS others USING (trace, span) WHERE others.value != ? LIMIT {_MOST_ALIASES}
"""  # noqa: S608  # Our own numbers.
_BESIDE: Final = f"""
SELECT DISTINCT others.value
FROM (SELECT trace, span FROM clues WHERE value = ? AND message_id IS NULL LIMIT {_MOST_SPANS})
AS own JOIN clues AS others USING (trace, span) LIMIT {_MOST_ALIASES}
"""  # noqa: S608  # As above.
_OWNER: Final = """
SELECT message_id FROM clues WHERE value = ? AND message_id IS NOT NULL ORDER BY span LIMIT 1
"""
_WRITE: Final = """
INSERT INTO messages
    (clue, otel_trace_id, state, may_stick, started, updated, words, document)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def tell_messages(connection: sqlite3.Connection, clues: Collection[str]) -> None:
    """
    Tell the messages anew that *clues* lead to, inside a transaction of the caller's.
    """
    # A span of several Linq trace ids may have been told of by another of them until now.
    beside = {each for clue in clues for (each,) in connection.execute(_BESIDE, (clue,))}
    done: set[str] = set()
    for clue in sorted({*clues, *beside}):
        # Its own row goes in any case: the message may have got a name since.
        connection.execute("DELETE FROM messages WHERE clue = ?", (clue,))
        owner = clue if is_message_clue(clue) else _find_owner(connection, clue) or clue
        if owner not in done:
            done.add(owner)
            _tell(connection, owner)


def _find_owner(connection: sqlite3.Connection, clue: str) -> str | None:
    row = connection.execute(_OWNER, (clue,)).fetchone()
    return None if row is None else message_clue(row[0])


def _tell(connection: sqlite3.Connection, clue: str) -> None:
    spans = list(_find_spans(connection, clue).values())
    told = [find_messages(spans, now_ns=now_ns) for now_ns in (0, _END_OF_TIME)]
    rows = [_write_row(clue, now, last.state) for now, last in zip(*told, strict=True)]
    connection.execute("DELETE FROM messages WHERE clue = ?", (clue,))
    connection.executemany(_WRITE, rows)


def _find_spans(connection: sqlite3.Connection, clue: str) -> dict[tuple[str, str], SpanRecord]:
    spans: dict[tuple[str, str], SpanRecord] = {}
    others = [clue]
    if is_message_clue(clue):
        spans = _read(connection.execute(_NAMED, (clue,)))
        others = [alias for (alias,) in connection.execute(_ALIASES, (clue, clue))]
    nameless: dict[tuple[str, str], SpanRecord] = {}
    for other in others:
        if len(nameless) < _MOST_SPANS:
            nameless.update(_read(connection.execute(_NAMELESS, (other,))))
    find_owner = cache(partial(_find_owner, connection))
    own = {key: span for key, span in nameless.items() if _find_home(find_owner, span) == clue}
    return {**spans, **own}


def _find_home(find_owner: Callable[[str], str | None], span: SpanRecord) -> str | None:
    # A span that names no message: the first of its ids that leads to one with a name counts.
    clues = find_clues(span)
    values = clues.values if clues else ()
    owners = map(find_owner, values)
    return next(filter(None, owners), None) or next(iter(values), None)


def _read(rows: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], SpanRecord]:
    return {row[:2]: read_span(*row) for row in rows}


def _write_row(clue: str, message: Message, last_state: str) -> tuple[str | int, ...]:
    document = message.to_document()
    texts = [value for value in document.values() if isinstance(value, str)]
    words = " ".join([*texts, *message.linq_trace_ids, *message.service_names])
    return (
        clue,
        message.otel_trace_id,
        message.state,
        int(last_state != message.state),
        fit_time(message.started_ns),
        fit_time(message.updated_ns),
        clean_text(words).lower(),
        json.dumps(document, separators=(",", ":")),
    )
