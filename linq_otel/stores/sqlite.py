"""
The store of one host: a SQLite file that many processes write at once.

Write-ahead logging lets readers and a writer work side by side and survives a
killed process; a bounded busy time keeps a call from waiting behind others.
"""

from __future__ import annotations

import os.path
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from linq_otel._forks import call_at_fork
from linq_otel._origins import Origin
from linq_otel.errors import StoreError, UnreadableOriginError

from . import DEFAULT_TTL
from ._sqlite_files import open_file, refusal


if TYPE_CHECKING:
    from collections.abc import Callable, Generator


__all__ = ["SQLiteStore"]

_SAVE = "INSERT INTO linq_origins (origin, expires) VALUES (?, ?)"
_SAVE_KEY = """
INSERT INTO linq_keys VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    origin_id = excluded.origin_id, accepted = excluded.accepted, expires = excluded.expires
WHERE NOT linq_keys.accepted OR linq_keys.expires <= ?
"""
_FORGET = "DELETE FROM linq_origins WHERE id = ?"
_FIND = """
SELECT origin FROM linq_keys JOIN linq_origins ON id = origin_id
WHERE key = ? AND linq_keys.expires > ?
"""
_CLAIM = """
INSERT INTO linq_events VALUES (?, ?)
ON CONFLICT (event_id) DO UPDATE SET expires = excluded.expires WHERE linq_events.expires <= ?
"""
_TABLES = (("linq_keys", "key"), ("linq_origins", "id"), ("linq_events", "event_id"))
_WRITES_BETWEEN_PRUNES = 1_000
_PRUNE_AT_ONCE = 5_000
_FORK_SECONDS = 5.0
# Closing a connection that crossed a fork breaks the parent's, so it is kept for good.
_crossed_a_fork: list[sqlite3.Connection] = []


class SQLiteStore:
    """
    Origins in a SQLite file, shared by the processes of one host.

    Args:
        path: The file; it is made if it is missing.
        ttl: Seconds an origin or a claimed event is kept.
        busy_timeout: Seconds one operation may wait for another process.
        clock: Seconds since the epoch.

    Raises:
        StoreError: If *path* cannot be opened or written, is not one of our
            files, or has another schema.
    """

    is_shared = True

    def __init__(
        self,
        path: str,
        ttl: float = DEFAULT_TTL,
        busy_timeout: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # Absolute: a daemon changes its folder, and the file is opened anew after a fork.
        self._path = os.path.abspath(path)  # noqa: PTH100  # As text, like the URL it came from.
        self._ttl = ttl
        self._busy_timeout = busy_timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._held_for_fork = False
        self._writes = 0
        self._is_closed = False
        # A connection must not cross a fork, and of some forks we are told too late: what is
        # opened here is only looked at, and the first operation opens the file.
        open_file(self._path, busy_timeout).close()
        self._connection: sqlite3.Connection | None = None
        call_at_fork(
            before=self._before_fork, in_parent=self._after_fork, in_child=self._after_fork_in_child
        )

    def __repr__(self) -> str:
        """
        Name the file.
        """
        return f"SQLiteStore({self._path})"

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys, unless an accepted one is there.
        """
        now = self._clock()
        expires = now + self._ttl
        with self._transaction() as connection:
            number = connection.execute(_SAVE, (origin.to_json(), expires)).lastrowid
            rows = [(_bound(key), number, origin.is_accepted, expires, now) for key in origin.keys]
            if not connection.executemany(_SAVE_KEY, rows).rowcount:
                connection.execute(_FORGET, (number,))

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.
        """
        now = self._clock()
        # No context manager of ours, which would take as long as to find an origin.
        with self._lock:
            connection = self._connection or self._open()
            # One by one: most are found by the first, and to ask again is no round trip here.
            for key in keys:
                try:
                    row = connection.execute(_FIND, (_bound(key), now)).fetchone()
                except sqlite3.Error as error:
                    raise refusal(self._path, error) from error
                if row is not None:
                    break
            else:
                return None
        return key, self._read(row[0])

    def find_all(self, *keys: str) -> set[str]:
        """
        Return those of *keys* that have an origin.
        """
        now = self._clock()
        with self._lock:
            connection = self._connection or self._open()
            try:
                return {
                    key
                    for key in keys
                    if connection.execute(_FIND, (_bound(key), now)).fetchone() is not None
                }
            except sqlite3.Error as error:
                raise refusal(self._path, error) from error

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen by any process.
        """
        now = self._clock()
        with self._transaction() as connection:
            claimed = connection.execute(_CLAIM, (_bound(event_id), now + self._ttl, now))
            return claimed.rowcount == 1

    def prune(self) -> int:
        """
        Delete what has expired, a bounded number at once; returns how many.
        """
        with self._transaction() as connection:
            return self._prune(connection)

    def close(self) -> None:
        """
        Close the file.
        """
        with self._lock:
            self._is_closed = True
            self._close_connection()

    def _read(self, text: str) -> Origin:
        try:
            return Origin.from_json(text)
        except UnreadableOriginError as error:
            raise UnreadableOriginError(f"{self._path}: {error}") from error

    def _prune(self, connection: sqlite3.Connection) -> int:
        now = self._clock()
        deleted = 0
        for table, key in _TABLES:
            old = f"SELECT {key} FROM {table} WHERE expires <= ? LIMIT {_PRUNE_AT_ONCE}"  # noqa: S608  # Our own names.
            deleted += connection.execute(
                f"DELETE FROM {table} WHERE {key} IN ({old})",  # noqa: S608  # As above.
                (now,),
            ).rowcount
        return deleted

    def _open(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreError(f"the store {self._path} is closed; open it again")
        self._connection = open_file(self._path, self._busy_timeout)
        return self._connection

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection or self._open()
            try:
                # IMMEDIATE: a lock taken late cannot wait for the busy timeout.
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    self._writes += 1
                    if self._writes % _WRITES_BETWEEN_PRUNES == 0:
                        self._prune(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise refusal(self._path, error) from error

    # SQLite's locks belong to a process. A child that inherits a connection believes to
    # hold locks it does not, and loses its writes; so no connection crosses a fork.

    def _before_fork(self) -> None:
        self._held_for_fork = self._lock.acquire(timeout=_FORK_SECONDS)
        if self._held_for_fork:
            self._close_connection()

    def _after_fork(self) -> None:
        if self._held_for_fork:
            self._lock.release()

    def _after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        if self._connection is not None:
            _crossed_a_fork.append(self._connection)
            self._connection = None

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _bound(key: str) -> str | bytes:
    """
    Return *key* as SQLite can keep it: JSON can hold half a character, and UTF-8 cannot.
    """
    if key.isascii():
        return key
    encoded = key.encode("utf-8", "surrogatepass")
    return encoded if any("\ud800" <= letter <= "\udfff" for letter in key) else key
