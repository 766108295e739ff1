"""
The embedded database: its file, its tables, and who may be in it.

One connection writes and one reads; with write-ahead logging neither waits for the other. Times
beyond SQLite's whole numbers are kept in the documents, where all the rest of a span is.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Callable, Generator


_APPLICATION_ID: Final = 0x6C717677  # "lqvw" in ASCII.
_SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 5.0
_SCHEMA: Final = """
CREATE TABLE traces (
    id INTEGER PRIMARY KEY, otel_trace_id TEXT NOT NULL UNIQUE, touched INTEGER NOT NULL,
    received REAL NOT NULL, spans INTEGER NOT NULL, size INTEGER NOT NULL
);
CREATE INDEX traces_touched ON traces (touched);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY, trace INTEGER NOT NULL, span_id TEXT NOT NULL,
    document TEXT NOT NULL, UNIQUE (trace, span_id)
);
CREATE INDEX spans_span_id ON spans (span_id);
CREATE TABLE links (
    trace INTEGER NOT NULL, span INTEGER NOT NULL, to_trace TEXT NOT NULL, to_span TEXT NOT NULL,
    PRIMARY KEY (trace, span, to_trace, to_span)
) WITHOUT ROWID;
CREATE INDEX links_to ON links (to_trace);
CREATE TABLE ids (
    trace INTEGER NOT NULL, span INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (trace, span, value)
) WITHOUT ROWID;
CREATE INDEX ids_value ON ids (value);
CREATE TABLE clues (
    trace INTEGER NOT NULL, span INTEGER NOT NULL, value TEXT NOT NULL, message_id TEXT,
    PRIMARY KEY (trace, span, value)
) WITHOUT ROWID;
CREATE INDEX clues_value ON clues (value, message_id);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, clue TEXT NOT NULL, otel_trace_id TEXT NOT NULL, state TEXT NOT NULL,
    may_stick INTEGER NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL,
    words TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX messages_clue ON messages (clue);
CREATE INDEX messages_trace ON messages (otel_trace_id);
CREATE INDEX messages_started ON messages (started);
CREATE INDEX messages_state ON messages (state, may_stick, updated);
CREATE TABLE totals (spans INTEGER NOT NULL, size INTEGER NOT NULL, touched INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0, 0);
"""


class Database:
    """
    A SQLite file of spans.

    Args:
        file: The file, made if it is missing; None: one that goes with this object.

    Raises:
        ConfigurationError: It cannot be opened, or is something else.
    """

    def __init__(self, file: Path | None) -> None:
        self._ending = ExitStack()
        self._lock = threading.Lock()
        try:
            if file is None:
                folder = tempfile.TemporaryDirectory(prefix="linq-otel-view-")
                file = Path(self._ending.enter_context(folder)) / "spans.db"
            self.writer = self._connect(file)
            _prepare(self.writer)
            self._reader = self._connect(file)
            self._reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, ConfigurationError) as error:
            self._ending.close()
            raise ConfigurationError(
                f"the database {file} cannot be used: {error}; name another file"
            ) from error

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """
        Read while the block lasts, all of it from one moment; from any thread, one at a time.
        """
        with self._lock:
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")

    def close(self) -> None:
        """
        Close the file, and delete it if it was nobody's.
        """
        self._ending.close()

    def _connect(self, file: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        return self._ending.enter_context(closing(connection))


def _prepare(connection: sqlite3.Connection) -> None:
    ask: Callable[[str], int] = lambda what: connection.execute(what).fetchone()[0]  # noqa: E731  # Three times the same.
    application = ask("PRAGMA application_id")
    is_new = not application and not ask("SELECT count(*) FROM sqlite_master")
    if not is_new and application != _APPLICATION_ID:
        raise ConfigurationError("it is a SQLite file of another program")
    if not is_new and ask("PRAGMA user_version") != _SCHEMA_VERSION:
        raise ConfigurationError("another version of linq-otel wrote it")
    connection.execute("PRAGMA journal_mode = WAL")
    # Survives a killed process; only a power cut may lose the last writes.
    connection.execute("PRAGMA synchronous = NORMAL")
    if is_new:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID};"
            f"PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
        )
