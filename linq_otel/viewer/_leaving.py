"""
What leaves the database so that it stays bounded: the oldest traces, and each as a whole.

Half a trace would look like a trace that is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    import sqlite3

    from ._limits import Limits


_TABLES: Final = ("spans", "links", "ids", "clues")
_OLDEST: Final = """
SELECT id, spans, size FROM traces
WHERE received < ? OR (SELECT spans > ? OR size > ? FROM totals)
ORDER BY touched LIMIT 1
"""


def delete_oldest(connection: sqlite3.Connection, limits: Limits, now: float) -> set[str]:
    """
    Delete what is too much or too old, inside a transaction of the caller's.

    Returns:
        What the messages are found by that lost spans.
    """
    clues: set[str] = set()
    asked = (now - limits.seconds, limits.spans, limits.size)
    while row := connection.execute(_OLDEST, asked).fetchone():
        clues |= _delete(connection, *row)
    return clues


def _delete(connection: sqlite3.Connection, trace: int, spans: int, size: int) -> set[str]:
    found = connection.execute("SELECT DISTINCT value FROM clues WHERE trace = ?", (trace,))
    clues = {value for (value,) in found}
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE trace = ?", (trace,))  # noqa: S608  # Our own names.
    connection.execute("DELETE FROM traces WHERE id = ?", (trace,))
    connection.execute("UPDATE totals SET spans = spans - ?, size = size - ?", (spans, size))
    return clues
