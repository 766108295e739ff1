"""
How a SQL store speaks to the database where it has connections of its own.

SQLAlchemy opens them, and knows of each driver which error means a dead one; but
between an operation and the driver stands nothing: a connection and its cursor
wait in a list for the next operation. SQLAlchemy's own pool takes 20 µs of each:
with it, the lines ``store, postgresql`` of the benchmarks miss their goal.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

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

# Twice as many as a store has threads.
_MOST_CONNECTIONS: Final = 8
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
        self._is_closed = False
        self._begin()
        self._driver_error = find_driver_error(self.engine)
        self.failures = (*FAILURES, self._driver_error)
        call_at_fork(in_child=self._begin_anew)

    def _begin(self) -> None:
        self.engine: Engine = open_engine(self._target, self._watch, self._poolers)
        # The one given back last is taken first, so that few are open where few are enough. None is
        # closed for being one too many: to open it again takes longer than to wait for another.
        self._idle: deque[DriverConnection] = deque()
        # A semaphore, in C: an item for each connection that is not in use, open or not.
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(_MOST_CONNECTIONS):
            self._free.put(None)

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
            self._give_back(self._check(connection, error))
            if connection.is_lost:
                raise LostConnectionError from error
            raise
        finally:
            if line is not None:
                self._watch.end(line)
        self._give_back(connection)
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
        self._is_closed = True
        self._close_idle()
        self.engine.dispose()

    def _take(self) -> DriverConnection:
        try:
            self._free.get(timeout=OPERATION_SECONDS)
        except queue.Empty:
            raise PoolTimeoutError from None
        try:
            with suppress(IndexError):
                connection = self._idle.pop()
                if time.monotonic() < connection.ends:
                    return connection
                connection.lent.close()
            return DriverConnection(self.engine.raw_connection())
        except BaseException:
            self._free.put(None)
            raise

    def _give_back(self, connection: DriverConnection | None) -> None:
        if connection is not None:
            self._idle.append(connection)
        self._free.put(None)
        if self._is_closed:
            self._close_idle()

    def _close_idle(self) -> None:
        # Another thread may be at it, too.
        with suppress(IndexError):
            while True:
                self._idle.pop().lent.close()

    def _check(self, connection: DriverConnection, error: BaseException) -> DriverConnection | None:
        """
        Return *connection* if it can be used after *error*; None, and it is closed, if not.
        """
        lent = connection.lent
        if isinstance(error, self._driver_error):
            driver = cast("Any", lent.dbapi_connection)
            connection.is_lost = self.dialect.is_disconnect(
                cast("Any", error), driver, None
            ) or self._poolers.has_lost_prepared(error)
            # A primary that has become a replica: another connection may find the new one.
            if not connection.is_lost and not is_read_only(error):
                return connection
        # After an interruption, an answer may be on its way that the next operation would read.
        lent.invalidate(error)
        return None

    def _begin_anew(self) -> None:
        _crossed_a_fork.append((self.engine.pool, self._idle))
        self._begin()


class DriverConnection:
    """
    A driver's connection, as far as it is like SQLAlchemy's.

    Attributes:
        lent: The connection, which is the engine's.
        line: Its socket, if it is to be watched.
        ends: When it is too old to be kept.
        is_lost: True once it turned out to be dead.
    """

    __slots__ = ("_cursor", "ends", "is_lost", "lent", "line")

    def __init__(self, lent: PoolProxiedConnection) -> None:
        self.lent = lent
        self.line: socket.socket | None = lent.info.get(LINE)
        self.is_lost = False
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
