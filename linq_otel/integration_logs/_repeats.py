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


# Rows with bodies alone, by the step of their time as well: then the rows that may be the same call
# are one range of the index. A row that is claimed leaves it.
_INDEX: Final = """
CREATE INDEX calls ON rows (call, precision_ns, start_ns) WHERE NOT is_bare AND NOT is_claimed
"""
_PRECISIONS: Final = "SELECT DISTINCT precision_ns FROM rows WHERE NOT is_bare"
_BARE: Final = """
CREATE TABLE bare AS
SELECT seq, call, start_ns, precision_ns FROM rows WHERE is_bare ORDER BY start_ns
"""
_RICHER: Final = """
SELECT start_ns, seq FROM rows INDEXED BY calls
WHERE NOT is_bare AND NOT is_claimed
AND call = ? AND precision_ns = ? AND start_ns > ? AND start_ns < ?
ORDER BY start_ns LIMIT 1
"""
_ENTRY: Final = "SELECT entry FROM rows WHERE seq = ?"
_CLAIM: Final = "UPDATE rows SET is_claimed = 1, entry = ? WHERE seq = ?"
_RETRY_NS: Final = 60_000_000_000


def merge_bare_rows(database: sqlite3.Connection) -> int:
    """
    Drop each row without bodies of which one other tells more; returns how many.

    Each is looked up, so the cost of a row does not grow with the number of rows.
    """
    precisions = [step for (step,) in database.execute(_PRECISIONS)]
    if not precisions:
        return 0
    database.execute(_INDEX)
    database.execute(_BARE)
    merged = 0
    for seq, call, start_ns, precision_ns in database.execute("SELECT * FROM bare"):
        end_ns = start_ns + precision_ns
        richest = [
            found
            for step in precisions
            for found in database.execute(_RICHER, (call, step, start_ns - step, end_ns))
        ]
        if richest:
            _take_over(database, seq, min(richest)[1])
            merged += 1
    return merged


def _take_over(database: sqlite3.Connection, bare_seq: int, richer_seq: int) -> None:
    bare, richer = (
        unpack(database.execute(_ENTRY, (seq,)).fetchone()[0]) for seq in (bare_seq, richer_seq)
    )
    if richer.source == "unknown":
        richer = replace(richer, source=bare.source)
    database.execute(_CLAIM, (pack(richer), richer_seq))
    database.execute("DELETE FROM rows WHERE seq = ?", (bare_seq,))


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
