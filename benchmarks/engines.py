"""
Engines that can be filled by the million, with exactly the rows their store writes.

Each is filled by its own fastest way, in the order of its keys; that a store finds what was filled
in is checked before anything is measured.
"""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from numbered_origins import Numbered

from linq_otel.stores import DEFAULT_TTL, open_store


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from linq_otel.stores import Store


T = TypeVar("T")

EXPIRES: Final = 4_000_000_000.0
_ROWS_AT_ONCE: Final = 20_000
_BYTES_AT_ONCE: Final = 1 << 22
_INDEXES: Final = "SELECT name, sql FROM sqlite_master WHERE name LIKE 'linq_%_expires'"
_FAST: Final = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000")


@dataclass(frozen=True, slots=True)
class Filled:
    """
    A store of a known size.

    Attributes:
        origins: What is in it.
        store: The store as an app has it.
        weight: The bytes it took when it was filled, on disk or in memory.
    """

    origins: Numbered
    store: Store
    weight: int


@contextmanager
def fill_sqlite(sets: list[Numbered], folder: Path) -> Generator[list[Filled]]:
    """
    Fill one file for each of *sets*, and delete them afterwards.
    """
    places = [folder / f"{origins.size}.db" for origins in sets]
    filled = [_fill_file(place, origins) for place, origins in zip(places, sets, strict=True)]
    _read_through(folder)
    try:
        yield filled
    finally:
        for each, place in zip(filled, places, strict=True):
            each.store.close()
            for leftover in folder.glob(f"{place.name}*"):
                leftover.unlink()


def _fill_file(place: Path, origins: Numbered) -> Filled:
    open_store(f"sqlite:///{place}").close()
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        _insert(
            connection,
            "INSERT INTO linq_origins (origin, expires) VALUES (?, ?)",
            ((text, EXPIRES) for text in origins.texts()),
        )
        _insert(
            connection,
            "INSERT INTO linq_keys VALUES (?, ?, 1, ?)",
            ((key, number + 1, EXPIRES) for key, number in origins.numbered_keys()),
        )
        for _, made in indexes:
            connection.execute(made)
    return Filled(origins, open_store(f"sqlite:///{place}"), place.stat().st_size)


def _insert(
    connection: sqlite3.Connection, statement: str, rows: Iterator[tuple[object, ...]]
) -> None:
    for chunk in _chunks(rows):
        connection.execute("BEGIN")
        connection.executemany(statement, chunk)
        connection.execute("COMMIT")


@contextmanager
def fill_redis(sets: list[Numbered], folder: Path) -> Generator[list[Filled]]:
    """
    Fill one database of one server for each of *sets*.
    """
    from redis import Redis  # noqa: PLC0415  # Of this engine alone.

    from support.redis_servers import open_redis  # noqa: PLC0415  # As above.

    with open_redis(folder) as server, Redis(port=server.port) as asking:
        filled = []
        for database, origins in enumerate(sets):
            before = asking.info("memory")["used_memory"]
            _pipe(server.port, database, origins)
            grown = int(asking.info("memory")["used_memory"]) - int(before)
            store = open_store(server.url.removesuffix("0") + str(database))
            filled.append(Filled(origins, store, grown))
        yield filled
        for each in filled:
            each.store.close()


def _pipe(port: int, database: int, origins: Numbered) -> None:
    milliseconds = str(int(DEFAULT_TTL * 1000)).encode()
    end = b"$2\r\nNX\r\n$2\r\nPX\r\n$%d\r\n%s\r\n" % (len(milliseconds), milliseconds)
    with socket.create_connection(("127.0.0.1", port)) as wire, wire.makefile("rb") as answers:
        wire.sendall(b"SELECT %d\r\n" % database)
        assert answers.readline() == b"+OK\r\n"
        for chunk in _chunks(origins.rows()):
            wire.sendall(b"".join(_set(key, text, end) for key, text in chunk))
            refused = {answers.readline() for _ in chunk} - {b"+OK\r\n"}
            assert not refused, refused


def _set(key: str, text: str, end: bytes) -> bytes:
    name, value = b"linq:{%s}" % key.encode(), text.encode()
    sizes = len(name), name, len(value), value
    return b"*6\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % sizes + end


@contextmanager
def fill_postgresql(sets: list[Numbered], folder: Path) -> Generator[list[Filled]]:
    """
    Fill one database of one server for each of *sets*.
    """
    import psycopg  # noqa: PLC0415  # Of this engine alone.

    from support.sql_servers import open_postgres  # noqa: PLC0415  # As above.

    # As it is installed, but for a checkpoint in the midst of filling, and with a fourth of the
    # memory of a machine of 16 GB, as its manual advises (section 20.4).
    settings = ("fsync=on", "max_wal_size=8GB", "shared_buffers=4GB")
    options = [word for setting in settings for word in ("-c", setting)]
    with open_postgres(folder, options) as server:
        filled = []
        for origins in sets:
            name = f"of_{origins.size}"
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            url = server.url.removesuffix(server.database) + name
            filled.append(_copy(url, origins))
            _warm(url)
        _read_through(server.home)
        yield filled
        for each in filled:
            each.store.close()


def _copy(url: str, origins: Numbered) -> Filled:
    import psycopg  # noqa: PLC0415  # As above.

    store = open_store(url)
    store.find("message:none")  # Makes the tables.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX linq_origins_expires")
        with connection.cursor().copy("COPY linq_origins FROM STDIN") as copy:
            for chunk in _chunks(origins.rows()):
                lines = (f"{key}\t{text}\tt\t{EXPIRES}\n" for key, text in chunk)
                copy.write("".join(lines))
        connection.execute("CREATE INDEX linq_origins_expires ON linq_origins (expires)")
        connection.execute("VACUUM (ANALYZE) linq_origins")
        connection.execute("CHECKPOINT")

        asked = connection.execute("SELECT pg_total_relation_size('linq_origins')").fetchone()
    assert asked
    return Filled(origins, store, int(asked[0]))


def _warm(url: str) -> None:
    """
    Have PostgreSQL read the index of the keys into the memory it was given.
    """
    import psycopg  # noqa: PLC0415  # As above.

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_prewarm")
        connection.execute("SELECT pg_prewarm('linq_origins_pkey')")


def _read_through(folder: Path) -> None:
    """
    Have the system read each file once: what was filled first may have left its memory.

    Disks differ by more than engines do. What does not fit into memory costs a read from the disk
    on top of what is measured here.
    """
    for place in folder.rglob("*"):
        if place.is_file():
            with place.open("rb", buffering=0) as file:
                while file.read(_BYTES_AT_ONCE):
                    pass


def _chunks(rows: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        yield chunk


Fill = Callable[[list[Numbered], "Path"], AbstractContextManager[list[Filled]]]

ENGINES: Final[dict[str, Fill]] = {
    "sqlite": fill_sqlite,
    "redis": fill_redis,
    "postgresql": fill_postgresql,
}
