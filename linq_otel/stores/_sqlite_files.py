"""
Opening a SQLite file that other processes may be opening, too.

Whatever is in the way, the error says in one line which file it is and what to
do about it: it is read in a log, by somebody who did not write the app.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress

from linq_otel.errors import StoreError


# "linq" in ASCII: tells our file from any other SQLite file.
_APPLICATION_ID = 0x6C696E71
_SCHEMA_VERSION = 2
# An origin is written once, and its keys refer to it: rows without a rowid must be small, for
# their tree holds them whole (https://sqlite.org/withoutrowid.html), and a file of many origins
# is as fast as the memory that holds the upper part of it.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS linq_origins (
    id INTEGER PRIMARY KEY, origin TEXT NOT NULL, expires REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS linq_origins_expires ON linq_origins (expires);
CREATE TABLE IF NOT EXISTS linq_keys (
    key TEXT PRIMARY KEY, origin_id INTEGER NOT NULL, accepted INTEGER NOT NULL,
    expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS linq_keys_expires ON linq_keys (expires);
CREATE TABLE IF NOT EXISTS linq_events (
    event_id TEXT PRIMARY KEY, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS linq_events_expires ON linq_events (expires);
"""
_OPENING_SECONDS = 2.0


def open_file(path: str, busy_timeout: float) -> sqlite3.Connection:
    """
    Open the store at *path*; it is made if it is missing.

    Args:
        path: The file.
        busy_timeout: Seconds a later operation may wait for another process.

    Raises:
        StoreError: If it cannot be opened or written, is not one of our files,
            or has another schema.
    """
    _check_place(path)
    try:
        connection = sqlite3.connect(
            path, timeout=_OPENING_SECONDS, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise refusal(path, error) from error
    try:
        _check_and_create(path, connection)
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
    except sqlite3.Error as error:
        connection.close()
        raise refusal(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def refusal(path: str, error: sqlite3.Error) -> StoreError:
    """
    Say what SQLite refused, for which file, and what to do.
    """
    if not isinstance(error, sqlite3.OperationalError):
        advice = "move the file away"
    elif "locked" in str(error):
        advice = "another process holds it"
    else:
        advice = "check its folder, its permissions and the room on its disk"
    return StoreError(f"the store {path} refused: {error}; {advice}")


def _check_place(path: str) -> None:
    # Asked beforehand: SQLite opens what it may only read, and waits at a pipe.
    folder = os.path.dirname(path) or os.curdir  # noqa: PTH120  # A path is text in a store's URL.
    if not os.path.isdir(folder):  # noqa: PTH112  # As above.
        raise StoreError(f"the folder of the store {path} does not exist; make it")
    exists = os.path.exists(path)  # noqa: PTH110  # As above.
    if exists and not os.path.isfile(path):  # noqa: PTH113  # As above.
        raise StoreError(f"the store {path} is not a file; name a file")
    if not os.access(folder, os.W_OK) or (exists and not os.access(path, os.R_OK | os.W_OK)):
        raise StoreError(
            f"the store {path} cannot be written; let this user write the file and its folder"
        )


def _check_and_create(path: str, connection: sqlite3.Connection) -> None:
    # One transaction, or a file another process makes meanwhile is seen half-made.
    connection.execute("BEGIN")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("COMMIT")
    if application != _APPLICATION_ID and (tables or application or version):
        raise StoreError(f"the store {path} is a SQLite file of another program; name a new file")
    if application == _APPLICATION_ID and version != _SCHEMA_VERSION:
        raise StoreError(
            f"the store {path} has schema {version}, this version reads "
            f"{_SCHEMA_VERSION}; move the file away"
        )
    _write_ahead(connection, time.monotonic() + _OPENING_SECONDS)
    # Survives a killed process; only a power cut may lose the last writes.
    connection.execute("PRAGMA synchronous = NORMAL")
    if application == _APPLICATION_ID:
        return
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID};"
        f"PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
    )


def _write_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    """
    Switch to write-ahead logging; that alone does not wait for the busy timeout.
    """
    while time.monotonic() < deadline:
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
        time.sleep(0.01)
    connection.execute("PRAGMA journal_mode = WAL")
