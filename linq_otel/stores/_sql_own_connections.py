"""
How a SQL store speaks to the database where it has connections of its own.

SQLAlchemy opens them, and knows of each driver which error means a dead one; but
between an operation and the driver stands nothing: a connection and its cursor
wait in a list for the next operation. To ask a pool, and to take a cursor anew,
costs as much as half a round trip.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from linq_otel._forks import call_at_fork

from ._sql_connections import FAILURES, find_driver_error
from ._sql_engines import (
    LINE,
    OPERATION_SECONDS,
    RECYCLE_SECONDS,
    open_engine,
    open_engine_of_tables,
)
from ._sql_poolers import Poolers
from ._sql_refusals import LostConnectionError, is_read_only
from ._sql_watch import Watch


if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator, Mapping, Sequence

    from sqlalchemy import Dialect, Engine
    from sqlalchemy.engine.interfaces import DBAPICursor
    from sqlalchemy.pool import PoolProxiedConnection

    from ._sql_urls import SqlTarget


T = TypeVar("T")

# As many as a store has threads.
_KEPT_AT_MOST: Final = 4
# What crossed a fork is the parent's. Even forgetting it may tell the server good-bye.
_crossed_a_fork: list[object] = []


class OwnConnections:
    """
    Connections of an engine that is ours.

    Args:
        target: What its URL says.
    """

    def __init__(self, target: SqlTarget) -> None:
        self._target = target
        self._watch = Watch(OPERATION_SECONDS + 1)
        self._poolers = Poolers()
        self._kept_at_most = _KEPT_AT_MOST
        self._begin()
        self._driver_error = find_driver_error(self.engine)
        self.failures = (*FAILURES, self._driver_error)
        call_at_fork(in_child=self._begin_anew)

    def _begin(self) -> None:
        self.engine: Engine = open_engine(self._target, self._watch, self._poolers)
        self._kept: deque[DriverConnection] = deque()
        # One item for each thread that wants one of the engine's.
        self._wanting: deque[None] = deque()

    @property
    def dialect(self) -> Dialect:
        """
        The engine's.
        """
        return self.engine.dialect

    def run(self, operate: Callable[[Any, bool], T], *, was_tried: bool) -> T:
        """
        Call *operate* with a connection, and with *was_tried*.

        Raises:
            LostConnectionError: If it was dead.
        """
        connection = self._take()
        line = connection.line
        if line is not None:
            self._watch.begin(line)
        try:
            answer = operate(connection, was_tried)
        except BaseException as error:
            self._check(connection, error)
            raise
        finally:
            if line is not None:
                self._watch.end(line)
        self._keep(connection)
        return answer

    @contextmanager
    def open_engine_of_tables(self) -> Generator[Engine]:
        """
        Lend an engine to make tables with.
        """
        # Not our own: some versions of SQLAlchemy forget what its connections were like.
        yield open_engine_of_tables(self._target, self._watch)

    def close(self) -> None:
        """
        Close all connections.
        """
        self._kept_at_most = 0
        while self._kept:
            self._let_go()
        self.engine.dispose()

    def _take(self) -> DriverConnection:
        try:
            # The one given back last: the others may rest, and be closed.
            connection = self._kept.pop()
        except IndexError:
            return self._open()
        if time.monotonic() < connection.ends:
            return connection
        self._return(connection.lent)
        return self._open()

    def _open(self) -> DriverConnection:
        self._wanting.append(None)
        try:
            # Once more: what was kept a moment ago, nobody lets go of for us.
            with suppress(IndexError):
                return self._kept.pop()
            return DriverConnection(self.engine.raw_connection())
        finally:
            self._wanting.pop()

    def _keep(self, connection: DriverConnection) -> None:
        self._kept.append(connection)
        # The engine has no more than its limit, so whoever waits for it is let have ours.
        if self._wanting or len(self._kept) > self._kept_at_most:
            self._let_go()

    def _let_go(self) -> None:
        # Another thread may have taken it.
        with suppress(IndexError):
            self._return(self._kept.popleft().lent)

    def _return(self, lent: PoolProxiedConnection) -> None:
        if not self._kept_at_most and lent.is_valid:
            # After the end, the engine would not close it.
            lent.invalidate()
        lent.close()

    def _check(self, connection: DriverConnection, error: BaseException) -> None:
        """
        Give the engine back what *error* came of, and forget what is of no use any more.
        """
        lent = connection.lent
        try:
            if not isinstance(error, self._driver_error):
                return
            if self._is_lost(lent, error) or self._poolers.has_lost_prepared(error):
                lent.invalidate(error)
                raise LostConnectionError from error
            if is_read_only(error):
                # A primary that has become a replica: another connection may find the new one.
                lent.invalidate(error)
        finally:
            self._return(lent)

    def _is_lost(self, lent: PoolProxiedConnection, error: Exception) -> bool:
        connection = cast("Any", lent.dbapi_connection)
        return self.dialect.is_disconnect(cast("Any", error), connection, None)

    def _begin_anew(self) -> None:
        _crossed_a_fork.append((self.engine.pool, self._kept))
        self._begin()


class DriverConnection:
    """
    A driver's connection, as far as it is like SQLAlchemy's.

    Attributes:
        lent: The connection, which is the engine's.
        line: Its socket, if it is to be watched.
        ends: When it is too old to be kept.
    """

    __slots__ = ("_cursor", "ends", "lent", "line")

    def __init__(self, lent: PoolProxiedConnection) -> None:
        self.lent = lent
        self.line: socket.socket | None = lent.info.get(LINE)
        self.ends = time.monotonic() + RECYCLE_SECONDS
        # Drivers take longer to make one than to use it.
        self._cursor: DBAPICursor = lent.cursor()

    def exec_driver_sql(
        self, statement: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> DBAPICursor:
        """
        Run *statement*, in the driver's own way of marking parameters.
        """
        cursor = self._cursor
        cursor.execute(statement, parameters)
        return cursor
