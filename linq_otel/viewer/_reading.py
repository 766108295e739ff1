"""
What can be asked of the database: the list of messages, and one story.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._rows import clean_text
from ._searching import find_message_clues
from ._walking import count_stories, find_joined, read_spans_of


if TYPE_CHECKING:
    import sqlite3

    from linq_otel._otlp_json import SpanRecord


_STATE: Final = "CASE WHEN may_stick AND updated < :stuck_before THEN 'stuck' ELSE state END"


@dataclass(frozen=True, slots=True)
class Question:
    """
    Which messages are asked for.

    Attributes:
        words: Each must be found in a message, or be an id that leads to it.
        state: The state they must have; empty for any.
        offset: How many of the newest to leave out.
        limit: How many at most.
    """

    words: tuple[str, ...] = ()
    state: str = ""
    offset: int = 0
    limit: int = 100


def list_messages(
    connection: sqlite3.Connection, question: Question, stuck_after: float
) -> dict[str, Any]:
    """
    Return the page of the list that *question* asks for, the newest first.

    The counts are of each state, as if none had been asked for.
    """
    where, values = _write_condition(connection, question.words)
    values["stuck_before"] = time.time_ns() - round(stuck_after * 1e9)
    counts = dict(
        connection.execute(
            f"SELECT {_STATE} AS now, count(*) FROM messages WHERE {where} GROUP BY now",  # noqa: S608  # Our own words; what was asked is bound.
            values,
        ).fetchall()
    )
    total = counts.get(question.state, 0) if question.state else sum(counts.values())
    if question.state:
        where = f"{where} AND {_STATE} = :state"
    rows = connection.execute(
        f"SELECT {_STATE}, document FROM messages WHERE {where}"  # noqa: S608  # As above.
        " ORDER BY started DESC, id DESC LIMIT :limit OFFSET :offset",
        {**values, "state": question.state, "limit": question.limit, "offset": question.offset},
    ).fetchall()
    messages = [{**json.loads(document), "state": state} for state, document in rows]
    _count_stories(connection, messages)
    return {"messages": messages, "total": total, "counts": counts}


def read_story(
    connection: sqlite3.Connection, otel_trace_id: str, message_id: str | None = None
) -> list[SpanRecord]:
    """
    Return the spans of a trace and of those tied to it; none if the trace is not here.
    """
    joined = find_joined(connection, otel_trace_id, message_id).traces
    if otel_trace_id not in joined:
        return []
    return [span for each in joined for span in read_spans_of(connection, each)]


def _write_condition(
    connection: sqlite3.Connection, words: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    values: dict[str, Any] = {}
    for number, word in enumerate(words):
        values[f"word{number}"] = clean_text(word.lower())
        values[f"clues{number}"] = json.dumps(find_message_clues(connection, word))
        among = f"SELECT value FROM json_each(:clues{number})"  # noqa: S608  # As above.
        parts.append(f"(instr(words, :word{number}) OR clue IN ({among}))")
    return " AND ".join(parts) or "1", values


def _count_stories(connection: sqlite3.Connection, messages: list[dict[str, Any]]) -> None:
    # How many spans a story has changes with spans that tell of no message, so it is counted now.
    sizes = count_stories(connection, [message["otel_trace_id"] for message in messages])
    for message in messages:
        message["spans"] = sizes.get(message["otel_trace_id"], message["spans"])
