"""
A database in which one operation after the other is tried until it is done.

Some failures are over as soon as they are known: a pooled connection that died
with its server, a deadlock, tables nobody has made yet.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from linq_otel.errors import StoreError

from ._sql_refusals import (
    LostConnectionError,
    is_conflict,
    may_miss_tables,
    misses_tables,
    refusal,
)
from ._sql_tables import find_missing, make_tables
from ._sql_urls import place_of


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._sql_connections import AppConnections
    from ._sql_own_connections import OwnConnections
    from ._sql_tables import Tables


T = TypeVar("T")

# All connections of a pool may be dead, and the error of a dead one comes at once.
_TRIES: Final = 10
_TRIES_OF_CONFLICTS: Final = 3
_AT_ONCE_SECONDS: Final = 0.5


class Database:
    """
    One database and its tables.

    Args:
        connections: Ours or the app's.
        tables: Ours.
        create: True if missing tables are made.
    """

    def __init__(
        self, connections: AppConnections | OwnConnections, tables: Tables, *, create: bool
    ) -> None:
        self._connections = connections
        self._tables = tables
        self._create = create
        self._is_closed = False
        self.place = place_of(connections.engine.url)

    def run(self, operate: Callable[[Any, bool], T]) -> T:
        """
        Call *operate* with a connection, and whether it was tried before.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        if self._is_closed:
            raise StoreError(f"the store {self.place} is closed; open it again")
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                return self._connections.run(operate, was_tried=tries > 1)
            except self._connections.failures as error:
                was_slow = time.monotonic() - began > _AT_ONCE_SECONDS
                if not self._is_over(error, tries, was_slow=was_slow):
                    # Without its cause: the driver's own words may hold a secret.
                    raise refusal(self.place, error, was_slow=was_slow) from None

    def create_tables(self) -> tuple[str, ...]:
        """
        Make the tables that are missing; returns their names.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        try:
            with self._connections.open_engine_of_tables() as engine:
                return make_tables(engine, self._tables)
        except self._connections.failures as error:
            raise refusal(self.place, error) from None

    def close(self) -> None:
        """
        Close the connections, except the app's.
        """
        self._is_closed = True
        self._connections.close()

    def _is_over(self, error: Exception, tries: int, *, was_slow: bool) -> bool:
        """
        Tell whether what went wrong is mended, so that it can be tried again.
        """
        if tries >= _TRIES:
            return False
        if isinstance(error, LostConnectionError):
            return not was_slow
        if is_conflict(error):
            return tries < _TRIES_OF_CONFLICTS
        return self._create and may_miss_tables(error) and self._has_tables_now(error, tries)

    def _has_tables_now(self, error: Exception, tries: int) -> bool:
        try:
            with self._connections.open_engine_of_tables() as engine:
                if not find_missing(engine, self._tables):
                    # Another process has made them since, if it was they that were missing.
                    return misses_tables(error) and tries < _TRIES_OF_CONFLICTS
                make_tables(engine, self._tables)
        except self._connections.failures:
            # What the operation was refused for says more.
            return False
        return True
