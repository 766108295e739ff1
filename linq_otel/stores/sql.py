"""
The store of many hosts: PostgreSQL, MySQL, or any database the app already has.

It has two tables of its own, spoken to with SQLAlchemy Core. Each operation is
one statement outside of any transaction, and the database's own uniqueness
decides who is first.

::

    instrument(store="postgresql://user:password@host/database")
    instrument(store=SQLStore(engine))  # The app's own.

Missing tables are made by the first operation that misses them. Who wants them
made beforehand runs ``linq-otel create-tables``, calls :func:`create_tables`,
or gives :data:`metadata` to Alembic::

    target_metadata = [Base.metadata, linq_otel.stores.sql.metadata]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError, UnreadableOriginError

from . import DEFAULT_TTL


try:
    from ._sql_connections import AppConnections
    from ._sql_databases import Database
    from ._sql_own_connections import OwnConnections
    from ._sql_pruning import Pruning
    from ._sql_statements import statements_for
    from ._sql_tables import Row, build_tables, stored_key
    from ._sql_urls import parse_sql_url
except ImportError as error:
    raise ConfigurationError(
        "the SQL store needs more packages: pip install 'linq-otel[postgresql]' "
        "or 'linq-otel[mysql]'"
    ) from error


if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


__all__ = ["SQLStore", "create_tables", "metadata", "open_sql_store"]

metadata = build_tables().metadata
"""The two tables, for Alembic's ``target_metadata``."""


class SQLStore:
    """
    Origins in a SQL database, shared by any number of hosts.

    Args:
        engine: An engine the app already has. It stays its own, with its pool
            and its time-outs: an operation lasts as long as the driver waits.
            For MySQL, an engine of our own, by URL, takes fewer round trips.
        ttl: Seconds an origin or a claimed event is kept.
        create: False never makes tables, for a user who may not.
        clock: Seconds since the epoch.
        schema: Where the tables are; without one, where a connection is.

    Raises:
        ConfigurationError: If *engine* is asynchronous, or has one connection
            for all; or *ttl* is no number above 0.
    """

    is_shared = True

    def __init__(
        self,
        engine: Engine | OwnConnections,
        ttl: float = DEFAULT_TTL,
        create: bool = True,  # noqa: FBT001, FBT002  # Mostly left out.
        clock: Callable[[], float] = time.time,
        schema: str | None = None,
    ) -> None:
        if not 0 < ttl < float("inf"):
            raise ConfigurationError("ttl must be a number of seconds above 0")
        connections = engine if isinstance(engine, OwnConnections) else AppConnections(engine)
        tables = build_tables(schema)
        self._database = Database(connections, tables, create=create)
        self._statements = statements_for(connections.dialect, tables)
        self._ttl = ttl
        self._clock = clock
        self._pruning = Pruning(self._database, self._statements, clock)

    def __repr__(self) -> str:
        """
        Name the place, without any secret.
        """
        return f"SQLStore({self._database.place})"

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys, unless an accepted one is there.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        # In one order, or two processes could wait for each other's rows.
        keys = sorted({stored_key(key) for key in origin.keys})
        if not keys:
            return
        now = self._clock()
        row = Row(origin.to_json(), origin.is_accepted, now + self._ttl, now)
        self._database.run(lambda connection, _: self._statements.save(connection, keys, row))
        self._pruning.note_write()

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
            UnreadableOriginError: If what it holds there is no origin.
        """
        if not keys:
            return None
        stored = [stored_key(key) for key in keys]
        now = self._clock()
        found = self._database.run(
            lambda connection, _: self._statements.find(connection, stored, now)
        )
        for key, place in zip(keys, stored, strict=True):
            if place in found:
                return key, self._read(found[place])
        return None

    def find_all(self, *keys: str) -> set[str]:
        """
        Return those of *keys* that have an origin.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        if not keys:
            return set()
        stored = [stored_key(key) for key in keys]
        # The last one again and again: a statement is prepared for each number of keys.
        wanted = stored + stored[-1:] * (2 ** (len(keys) - 1).bit_length() - len(keys))
        now = self._clock()
        found = self._database.run(
            lambda connection, _: self._statements.find(connection, wanted, now)
        )
        return {key for key, place in zip(keys, stored, strict=True) if place in found}

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen by any process.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        key = stored_key(event_id)
        now = self._clock()
        expires = now + self._ttl

        def operate(connection: Any, was_tried: bool) -> bool:  # noqa: FBT001  # As it is called.
            if self._statements.claim(connection, key, expires, now):
                return True
            # A connection may break after the claim has arrived, and then the claim that is
            # in the way is this one.
            return was_tried and self._statements.holds(connection, key, expires)

        is_first = self._database.run(operate)
        self._pruning.note_write()
        return is_first

    def prune(self) -> int:
        """
        Delete what has expired, a bounded number at once; returns how many.

        Nobody has to call it: every hundredth write deletes some, too.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        return self._pruning.prune()

    def create_tables(self) -> tuple[str, ...]:
        """
        Make the tables that are missing; returns their names.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        return self._database.create_tables()

    def close(self) -> None:
        """
        Close the connections, except those of an engine that is the app's.
        """
        self._database.close()

    def _read(self, text: Any) -> Origin:
        try:
            return Origin.from_json(text)
        except UnreadableOriginError as error:
            raise UnreadableOriginError(f"{self._database.place}: {error}") from error


def open_sql_store(url: str, options: dict[str, str], ttl: float) -> SQLStore:
    """
    Open the store at *url*; its server is not asked yet.

    * ``postgresql://user:password@host:5432/database``, with psycopg, or psycopg2
      where that is not installed or ``postgresql+psycopg2://`` asks for it
    * ``mysql://user:password@host:3306/database`` and ``mariadb://``, with PyMySQL
      or mysqlclient

    A connection or an operation that takes 2 seconds is given up. The options
    that do so can be replaced by those in the URL.

    Args:
        url: The URL without its query.
        options: The query: ``schema``, where the tables are; ``create``, false
            for a user who may not make them; and options of the driver, as
            ``sslmode`` or ``ssl_ca``.
        ttl: Seconds an origin or a claimed event is kept.

    Raises:
        ConfigurationError: If the URL or an option cannot be used.
        MissingExtraError: If no driver is installed.
    """
    target = parse_sql_url(url, options)
    return SQLStore(OwnConnections(target), ttl, create=target.create, schema=target.schema)


def create_tables(engine: Engine, schema: str | None = None) -> tuple[str, ...]:
    """
    Make the tables that are missing; returns their names.

    Args:
        engine: An engine of the app's.
        schema: Where to make them; without one, where a connection is.

    Raises:
        ConfigurationError: If *engine* is asynchronous.
        StoreError: If the database refuses, or cannot be reached.
    """
    return SQLStore(engine, schema=schema).create_tables()
