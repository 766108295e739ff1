"""
Entries in the order in which they happened, each once, however many there are.

The dashboard lists the newest first, exports overlap, and backends want the oldest first. So
entries are laid down in a temporary file, which holds nothing an entry does not, and taken up again
by time. What needs more than one entry is answered from there: which row is another's attempt, and
which trace a call probably belongs to.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ._evidence import Evidence
from ._packing import pack, unpack
from ._people import keyed
from ._repeats import Attempts, merge_bare_rows


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Self

    from ._entries import Entry


_SCHEMA: Final = """
CREATE TABLE files (number INTEGER PRIMARY KEY, name TEXT UNIQUE, falls INTEGER DEFAULT 0);
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY, start_ns INTEGER, file INTEGER, identity BLOB, ordinal INTEGER,
    call BLOB, precision_ns INTEGER, is_bare INTEGER, crm_trace BLOB,
    is_claimed INTEGER DEFAULT 0, entry BLOB,
    UNIQUE (identity, ordinal)
);
CREATE TABLE repeats (
    identity BLOB, file INTEGER, seen INTEGER, PRIMARY KEY (identity, file)
) WITHOUT ROWID;
"""
_INSERT: Final = """
INSERT OR IGNORE INTO rows
(start_ns, file, identity, ordinal, call, precision_ns, is_bare, crm_trace, entry)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Ties keep the order of the file, turned round where the file is newest first. Entries are not
# sorted themselves, only their numbers: those of a large file fit into the cache.
_SORT: Final = """
CREATE TABLE sorted AS SELECT seq FROM rows JOIN files ON file = number
ORDER BY start_ns, file, CASE WHEN falls > 0 THEN -seq ELSE seq END
"""
_TAKE_UP: Final = "SELECT entry FROM sorted CROSS JOIN rows USING (seq) ORDER BY sorted.rowid"
_CROWDED: Final = """
SELECT COUNT(*) FROM (SELECT 1 FROM rows WHERE crm_trace IS NOT NULL
GROUP BY crm_trace HAVING COUNT(*) > 1000)
"""
_SEEN: Final = "SELECT seen FROM repeats WHERE identity = ? AND file = ?"
_FIRST: Final = "SELECT file = ? FROM rows WHERE identity = ? AND ordinal = 0"
_SECOND: Final = 1_000_000_000
_MANY: Final = 100
_ORDINAL: Final = 3  # Where it stands in an insert.


class Chronicle:
    """
    Entries, sorted and freed of duplicates; to be closed.

    ::

        with Chronicle(read("logs/*.csv", timezone="America/Denver")) as chronicle:
            for entry in chronicle:
                ...

    Attributes:
        duplicates: Rows that were there twice, or of which another tells more.
        evidence: What may tell which trace a call belongs to.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        # An empty name is SQLite's temporary file: private, and gone when closed.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA cache_size = -8000")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_SCHEMA)
        self.evidence: Final = Evidence(self._database)
        self.duplicates = 0
        self._organisations: dict[str, set[str]] = {}
        self._has_bare = False
        try:
            self._lay_down(entries)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """
        Return itself.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        Close it.
        """
        self.close()

    def close(self) -> None:
        """
        Let go of the temporary file.
        """
        self._database.close()

    def __len__(self) -> int:
        """
        How many entries there are.
        """
        return self._ask("SELECT COUNT(*) FROM rows") or 0

    @property
    def first_ns(self) -> int | None:
        """
        When the first of them happened.
        """
        return self._ask("SELECT MIN(start_ns) FROM rows")

    @property
    def last_ns(self) -> int | None:
        """
        When the last of them happened.
        """
        return self._ask("SELECT MAX(start_ns) FROM rows")

    @property
    def crowded_traces(self) -> int:
        """
        How many ids of CRM traces stand in more than a thousand rows: a default somebody copied.
        """
        return self._ask(_CROWDED) or 0

    def count_before(self, moment_ns: int) -> int:
        """
        How many of them happened before *moment_ns*.
        """
        return self._ask("SELECT COUNT(*) FROM rows WHERE start_ns < ?", moment_ns) or 0

    @property
    def organisations(self) -> int:
        """
        The most organisations whose rows are mixed, by the CRM's location or portal.
        """
        return max(map(len, self._organisations.values()), default=0)

    def __iter__(self) -> Iterator[Entry]:
        """
        Yield the entries, oldest first, attempts numbered.
        """
        attempts = Attempts()
        for (packed,) in self._database.execute(_TAKE_UP):
            yield attempts.number(unpack(packed))

    def between(self, start_ns: int, end_ns: int) -> Iterator[Entry]:
        """
        Yield the entries that began at or after *start_ns* and before *end_ns*.
        """
        query = "SELECT entry FROM rows WHERE start_ns >= ? AND start_ns < ? ORDER BY start_ns"
        for (packed,) in self._database.execute(query, (start_ns, end_ns)):
            yield unpack(packed)

    def _lay_down(self, entries: Iterable[Entry]) -> None:
        self._database.execute("BEGIN")
        files: dict[str, int] = {}
        before: dict[str, int] = {}
        falls: dict[str, int] = {}
        for entry in entries:
            name = entry.place.file
            number = files.setdefault(name, len(files))
            start_ns = entry.moment.unix_ns
            last = before.get(name, start_ns)
            falls[name] = falls.get(name, 0) + (start_ns < last) - (start_ns > last)
            before[name] = start_ns
            if not self._insert(entry, number):
                self.duplicates += 1
        rows = [(number, name, falls[name]) for name, number in files.items()]
        self._database.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)
        if self._has_bare:
            self.duplicates += merge_bare_rows(self._database)
        self._database.execute(_SORT)
        self._database.execute("COMMIT")

    def _insert(self, entry: Entry, file: int) -> bool:
        identity = entry.identity + (entry.entry_id or "").encode()
        is_coarse = entry.moment.precision_ns >= _SECOND and entry.entry_id is None
        is_bare = not entry.request.size and not entry.response.size
        self._has_bare = self._has_bare or is_bare
        values = [
            entry.moment.unix_ns,
            file,
            identity,
            0,
            _key_of(entry.direction, entry.method, entry.target.url, entry.status),
            entry.moment.precision_ns,
            is_bare,
            entry.crm_trace.raw.encode("utf-8", "replace") if entry.crm_trace else None,
            pack(entry),
        ]
        is_new = self._database.execute(_INSERT, values).rowcount == 1
        if not is_new and is_coarse:
            # The same call again within one step of its time, or the same row of another file.
            values[_ORDINAL] = self._count_repeat(identity, file)
            is_new = self._database.execute(_INSERT, values).rowcount == 1
        if not is_new:
            return False
        self.evidence.add(entry)
        self._note_organisation(entry)
        return True

    def _note_organisation(self, entry: Entry) -> None:
        location = entry.ids.get("location_id")
        if location is not None:
            held = self._organisations.setdefault(entry.provider, set())
            if len(held) < _MANY:
                held.add(location)

    def _count_repeat(self, identity: bytes, file: int) -> int:
        """
        Return how many rows of *file* had this identity before; called for those seen already.
        """
        seen = self._ask(_SEEN, identity, file)
        if seen is None:
            seen = self._ask(_FIRST, file, identity) or 0
        keep = "INSERT OR REPLACE INTO repeats VALUES (?, ?, ?)"
        self._database.execute(keep, (identity, file, seen + 1))
        return seen

    def _ask(self, query: str, *values: object) -> int | None:
        found = self._database.execute(query, values).fetchone()
        return None if found is None or found[0] is None else int(found[0])


@lru_cache(maxsize=1_024)  # Most rows are of few calls.
def _key_of(direction: str, method: str, url: str, status: int | None) -> bytes:
    """
    Return what a call is found by, of which another row may tell more.
    """
    return keyed(f"{direction} {method} {url} {status}")
