"""
What a store costs above the least its driver can do: one statement or command, and its answer.

The driver reads and writes the same text, in the same server. Here a round trip is waited for, so
it is the clock on the wall that counts; and who waits shares a core with the server, because on
which core the scheduler wakes it may count for more than all that is compared.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from measuring import Line, Variant, compare, interleave, medians
from numbered_origins import Numbered

from linq_otel.stores import open_store


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    from measuring import Effort

    from linq_otel._origins import Origin
    from linq_otel.stores import Store


_GOAL: Final = 1.5
_SIZE: Final = 1_000
# Where there is a disk of memory, a file is there: disks differ by more than stores do.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # In a folder of its own.
_MILLISECONDS: Final = 600_000
_TABLE: Final = "CREATE TABLE plain (name VARCHAR(255) PRIMARY KEY, value TEXT NOT NULL)"
_FIND: Final = "SELECT value FROM plain WHERE name = {}"
_SAVE: Final = "INSERT INTO plain VALUES ({0}, {0})"


@dataclass(frozen=True, slots=True)
class Driver:
    """
    One engine: where it is, and what its driver does by itself.
    """

    url: str
    find: Callable[[str], str]
    save: Callable[[str, str], object]


@contextmanager
def open_sqlite(folder: Path) -> Generator[Driver]:
    """
    Have a file, written with the settings a store's is.
    """
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_TABLE)
        find, save = _FIND.format("?"), _SAVE.format("?")
        yield Driver(
            f"sqlite:///{folder / 'linq.db'}",
            lambda name: connection.execute(find, (name,)).fetchone()[0],
            lambda name, text: connection.execute(save, (name, text)),
        )


@contextmanager
def open_redis(folder: Path) -> Generator[Driver]:
    """
    Start Redis.
    """
    from redis import Redis  # noqa: PLC0415  # Of this engine alone.

    from support import redis_servers  # noqa: PLC0415  # As above.

    with redis_servers.open_redis(folder) as server, Redis(port=server.port) as client:
        yield Driver(
            server.url,
            lambda name: str(client.get(name), "utf-8"),
            lambda name, text: client.set(name, text, px=_MILLISECONDS),
        )


@contextmanager
def open_postgresql(folder: Path) -> Generator[Driver]:
    """
    Start PostgreSQL.
    """
    import psycopg  # noqa: PLC0415  # Of this engine alone.

    from support import sql_servers  # noqa: PLC0415  # As above.

    find, save = _FIND.format("%s"), _SAVE.format("%s")
    with (
        sql_servers.open_postgres(folder) as server,
        psycopg.connect(server.url, autocommit=True) as connection,
    ):
        connection.execute(_TABLE)

        def look(name: str) -> str:
            row = connection.execute(find, (name,)).fetchone()
            assert row
            return str(row[0])

        yield Driver(server.url, look, lambda name, text: connection.execute(save, (name, text)))


@contextmanager
def open_mysql(folder: Path) -> Generator[Driver]:
    """
    Start MariaDB, which stands in for MySQL.
    """
    import pymysql  # noqa: PLC0415  # Of this engine alone.

    from support import sql_servers  # noqa: PLC0415  # As above.

    find, save = _FIND.format("%s"), _SAVE.format("%s")
    with sql_servers.open_maria(folder) as server:
        place = urlsplit(server.url)
        login: dict[str, Any] = {"user": place.username, "password": place.password}
        connection = pymysql.connect(
            host=place.hostname,
            port=place.port or 0,
            database=server.database,
            autocommit=True,
            **login,
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(_TABLE)

            def look(name: str) -> str:
                cursor.execute(find, (name,))
                return str(cursor.fetchone()[0])

            yield Driver(server.url, look, lambda name, text: cursor.execute(save, (name, text)))


OPENERS: Final[dict[str, Callable[[Path], AbstractContextManager[Driver]]]] = {
    "sqlite": open_sqlite,
    "redis": open_redis,
    "postgresql": open_postgresql,
    "mysql": open_mysql,
}


def measure(effort: Effort) -> list[Line]:
    """
    Measure each engine.
    """
    lines: list[Line] = []
    for name, opener in OPENERS.items():
        with (
            _on_one_core(),
            tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder,
            opener(Path(folder)) as driver,
            closing(open_store(driver.url)) as store,
        ):
            lines += _compare(name, store, driver, effort)
    return lines


@contextmanager
def _on_one_core() -> Generator[None]:
    """
    Stay on one core with every process that is started, where the system can be told so.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _compare(engine: str, store: Store, driver: Driver, effort: Effort) -> list[Line]:
    trips = Trips(store, driver)
    lines: list[Line] = []
    for what, variants in (("find", trips.finding), ("save", trips.saving)):
        costs = interleave(variants, effort.rounds, effort.batch * 5, time.perf_counter)
        found = compare(costs, {"store": 1}, {"driver": 1})
        name, against = f"store, {engine}: {what}", "one round trip of its driver"
        lines.append(Line(name, against, found, _GOAL, costs=medians(costs)))
    return lines


class Trips:
    """
    The same work by the store, and by the driver alone.
    """

    def __init__(self, store: Store, driver: Driver) -> None:
        self._store, self._driver = store, driver
        self._origins = Numbered(_SIZE, keys=2)
        self._dice = random.Random(0)
        for number in range(_SIZE):
            self._driver.save(*_row(self._origins.origin(number)))
            self._store.save(self._origins.origin(number))
        self.finding = {
            "store": Variant(self._find, self._known),
            "driver": Variant(self._look, self._known),
        }
        self.saving = {
            "store": Variant(self._save, self._new),
            "driver": Variant(self._write, lambda size: [_row(one) for one in self._new(size)]),
        }

    def _known(self, size: int) -> list[Origin]:
        return [self._origins.origin(self._dice.randrange(_SIZE)) for _ in range(size)]

    def _new(self, size: int) -> list[Origin]:
        ids = ([f"{self._dice.getrandbits(128):032x}" for _ in range(3)] for _ in range(size))
        return [self._origins.make(*each) for each in ids]

    def _save(self, origins: Sequence[Origin]) -> None:
        for origin in origins:
            self._store.save(origin)

    def _write(self, rows: Sequence[tuple[str, str]]) -> None:
        for name, text in rows:
            self._driver.save(name, text)

    def _find(self, origins: Sequence[Origin]) -> None:
        for origin in origins:
            found = self._store.find(*origin.keys)
        assert found == (origin.keys[0], origin)

    def _look(self, origins: Sequence[Origin]) -> None:
        for origin in origins:
            text = self._driver.find(origin.keys[0])
        assert text == origin.to_json()


def _row(origin: Origin) -> tuple[str, str]:
    return origin.keys[0], origin.to_json()
