"""
Writes spans into the database, and says which messages are to be told anew because of them.

A span that comes twice is the same span: webhooks are delivered more than once, and exporters try
again. So the later one takes the place of the earlier, with all that it was found by.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ._clues import find_clues, find_ids
from ._rows import write_span


if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from linq_otel._otlp_json import SpanRecord

    from ._limits import Limits


_OF_A_SPAN: Final = ("links", "ids", "clues")


@dataclass(slots=True)
class Written:
    """
    What came of a few spans.

    Attributes:
        rejected: Spans that were not taken, because their traces are full.
        clues: What the messages they tell of are found by.
    """

    rejected: int = 0
    clues: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class _Trace:
    row: int
    spans: int
    size: int


def write_spans(
    connection: sqlite3.Connection, spans: Sequence[SpanRecord], limits: Limits, now: float
) -> Written:
    """
    Write *spans*, inside a transaction of the caller's.

    Args:
        connection: The writer's.
        spans: Spans of any traces.
        limits: Of single traces; those of the whole are kept by `delete_oldest`.
        now: Seconds since the epoch.
    """
    written = Written()
    traces: defaultdict[str, list[SpanRecord]] = defaultdict(list)
    for span in spans:
        traces[span.otel_trace_id].append(span)
    for otel_trace_id, of_trace in traces.items():
        trace = _touch(connection, otel_trace_id, now)
        before = (trace.spans, trace.size)
        for span in of_trace:
            _write(connection, trace, span, limits, written)
        _note_growth(connection, trace, before)
    return written


def _touch(connection: sqlite3.Connection, otel_trace_id: str, now: float) -> _Trace:
    connection.execute("UPDATE totals SET touched = touched + 1")
    row = connection.execute(
        "SELECT id, spans, size FROM traces WHERE otel_trace_id = ?", (otel_trace_id,)
    ).fetchone()
    if row is None:
        new = connection.execute(
            "INSERT INTO traces (otel_trace_id, touched, received, spans, size)"
            " VALUES (?, 0, ?, 0, 0)",
            (otel_trace_id, now),
        )
        row = (int(new.lastrowid or 0), 0, 0)
    connection.execute(
        "UPDATE traces SET touched = (SELECT touched FROM totals), received = ? WHERE id = ?",
        (now, row[0]),
    )
    return _Trace(*row)


def _note_growth(connection: sqlite3.Connection, trace: _Trace, before: tuple[int, int]) -> None:
    connection.execute(
        "UPDATE traces SET spans = ?, size = ? WHERE id = ?", (trace.spans, trace.size, trace.row)
    )
    connection.execute(
        "UPDATE totals SET spans = spans + ?, size = size + ?",
        (trace.spans - before[0], trace.size - before[1]),
    )


def _write(
    connection: sqlite3.Connection,
    trace: _Trace,
    span: SpanRecord,
    limits: Limits,
    written: Written,
) -> None:
    document = write_span(span)
    found = connection.execute(
        "SELECT id, length(document) FROM spans WHERE trace = ? AND span_id = ?",
        (trace.row, span.span_id),
    ).fetchone()
    old_size = found[1] if found else 0
    size = trace.size - old_size + len(document)
    is_full = trace.spans >= min(limits.trace_spans, limits.spans)
    if size > limits.trace_size or (is_full and not found):
        written.rejected += 1
        return
    trace.size = size
    if found:
        row = int(found[0])
        connection.execute("UPDATE spans SET document = ? WHERE id = ?", (document, row))
        _forget(connection, trace.row, row, written)
    else:
        trace.spans += 1
        row = (
            connection.execute(
                "INSERT INTO spans (trace, span_id, document) VALUES (?, ?, ?)",
                (trace.row, span.span_id, document),
            ).lastrowid
            or 0
        )
    _index(connection, (trace.row, row), span, written)


def _forget(connection: sqlite3.Connection, trace: int, span: int, written: Written) -> None:
    place = (trace, span)
    clues = connection.execute("SELECT value FROM clues WHERE trace = ? AND span = ?", place)
    written.clues.update(value for (value,) in clues)
    for table in _OF_A_SPAN:
        connection.execute(f"DELETE FROM {table} WHERE trace = ? AND span = ?", place)  # noqa: S608  # Our own names.


def _index(
    connection: sqlite3.Connection, place: tuple[int, int], span: SpanRecord, written: Written
) -> None:
    links = {(*place, link.otel_trace_id, link.span_id) for link in span.links}
    connection.executemany("INSERT INTO links VALUES (?, ?, ?, ?)", links)
    ids = [(*place, value) for value in find_ids(span)]
    connection.executemany("INSERT INTO ids VALUES (?, ?, ?)", ids)
    clues = find_clues(span)
    if clues is not None:
        rows = [(*place, value, clues.message_id) for value in clues.values]
        connection.executemany("INSERT INTO clues VALUES (?, ?, ?, ?)", rows)
        written.clues.update(clues.values)
