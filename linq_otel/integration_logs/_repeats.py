"""
Rows that tell of one call twice, and calls that were made twice.

A table copied from the dashboard and a capture of the same calls meet in one import: the row with
bodies wins, and takes over who triggered the call, which only the table knows.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ._packing import pack, unpack


if TYPE_CHECKING:
    import sqlite3

    from ._entries import Entry


_INDEX: Final = "CREATE INDEX calls ON rows (call, start_ns)"
_BARE: Final = """
CREATE TABLE bare AS
SELECT seq, call, start_ns, precision_ns FROM rows WHERE is_bare ORDER BY start_ns
"""
_RICHER: Final = """
SELECT seq FROM rows
WHERE call = ? AND NOT is_bare AND NOT is_claimed AND start_ns < ? AND start_ns + precision_ns > ?
ORDER BY start_ns LIMIT 1
"""
_ENTRY: Final = "SELECT entry FROM rows WHERE seq = ?"
_CLAIM: Final = "UPDATE rows SET is_claimed = 1, entry = ? WHERE seq = ?"
_RETRY_NS: Final = 60_000_000_000


def merge_bare_rows(database: sqlite3.Connection) -> int:
    """
    Drop each row without bodies of which one other tells more; returns how many.
    """
    database.execute(_INDEX)
    database.execute(_BARE)
    merged = 0
    for seq, call, start_ns, precision_ns in database.execute("SELECT * FROM bare"):
        found = database.execute(_RICHER, (call, start_ns + precision_ns, start_ns)).fetchone()
        if found is not None:
            bare, richer = (
                unpack(database.execute(_ENTRY, (one,)).fetchone()[0]) for one in (seq, found[0])
            )
            if richer.source == "unknown":
                richer = replace(richer, source=bare.source)
            database.execute(_CLAIM, (pack(richer), found[0]))
            database.execute("DELETE FROM rows WHERE seq = ?", (seq,))
            merged += 1
    return merged


class Attempts:
    """
    Numbers the attempts of one call: the same request again, within a minute of its failure.
    """

    def __init__(self) -> None:
        self._failed: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def number(self, entry: Entry) -> Entry:
        """
        Return *entry* with its number, if it is not the first attempt.
        """
        now = entry.moment.unix_ns
        while self._failed and now - next(iter(self._failed.values()))[0] > _RETRY_NS:
            self._failed.popitem(last=False)
        _, before = self._failed.pop(entry.retry_key, (0, 0))
        attempt = entry.attempt or before + 1
        if entry.outcome.is_failure:
            self._failed[entry.retry_key] = (now, attempt)
        return entry if attempt == 1 or entry.attempt else replace(entry, attempt=attempt)
