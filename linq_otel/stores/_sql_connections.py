"""
How a SQL store gets its connections: from a pool of its own, or from the app's.

Each statement stands alone, outside of any transaction: what an app begins,
commits or rolls back is not touched, and an operation is one round trip.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import AssertionPool, SingletonThreadPool, StaticPool

from linq_otel._forks import call_at_fork
from linq_otel.errors import ConfigurationError

from ._sql_engines import LINE, OPERATION_SECONDS, open_engine, open_engine_of_tables
from ._sql_refusals import LostConnectionError, is_read_only
from ._sql_watch import Watch


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.engine.interfaces import DBAPICursor
    from sqlalchemy.pool import Pool, PoolProxiedConnection

    from ._sql_urls import SqlTarget


# Besides the driver's own; PyMySQL's are of all kinds.
_FAILURES: Final = (LostConnectionError, SQLAlchemyError, OSError, RuntimeError, ValueError)

_CURSOR: Final = "linq_otel.cursor"
# What crossed a fork is the parent's. Even forgetting it may tell the server good-bye.
_crossed_a_fork: list[Pool] = []


class AppConnections:
    """
    Connections of an engine that is the app's.

    Raises:
        ConfigurationError: If it is no synchronous engine, or its pool would
            hand out the app's own connection.
    """

    def __init__(self, engine: Engine) -> None:
        _check_engine(engine)
        pool = engine.pool
        if isinstance(pool, (StaticPool, SingletonThreadPool, AssertionPool)):
            raise ConfigurationError(
                f"an engine with a {type(pool).__name__} has one connection for all, and the "
                "store needs one of its own: create the engine with poolclass=QueuePool"
            )
        self.engine = engine
        # In MySQL, to leave transactions takes more round trips than to have one.
        is_mysql = engine.dialect.name in {"mysql", "mariadb"}
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lend = engine.begin if is_mysql else self._alone.connect
        self.failures = (*_FAILURES, _driver_error(engine))
        call_at_fork(in_child=self._forget)

    @property
    def dialect(self) -> Dialect:
        """
        The engine's.
        """
        return self.engine.dialect

    @contextmanager
    def connect(self) -> Generator[Connection]:
        """
        Lend a connection while the block lasts.

        Raises:
            LostConnectionError: If it was dead.
        """
        try:
            with self._lend() as connection:
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                raise LostConnectionError from error
            raise

    @contextmanager
    def open_engine_of_tables(self) -> Generator[Engine]:
        """
        Lend an engine to make tables with.
        """
        yield self.engine

    def close(self) -> None:
        """
        Do nothing: the engine is the app's.
        """

    def _forget(self) -> None:
        # The app's to do, by SQLAlchemy's own advice; but we may have opened connections
        # at a time when the app had none, and a second time does no harm.
        _crossed_a_fork.append(self.engine.pool)
        self.engine.dispose(close=False)


class OwnConnections:
    """
    Connections of an engine that is ours, without SQLAlchemy between us and the driver.

    Args:
        target: What its URL says.
    """

    def __init__(self, target: SqlTarget) -> None:
        self._target = target
        self._watch = Watch(OPERATION_SECONDS + 1)
        self.engine = open_engine(target, self._watch)
        self._driver_error = _driver_error(self.engine)
        self.failures = (*_FAILURES, self._driver_error)
        call_at_fork(in_child=self._begin_anew)

    @property
    def dialect(self) -> Dialect:
        """
        The engine's.
        """
        return self.engine.dialect

    @contextmanager
    def connect(self) -> Generator[DriverConnection]:
        """
        Lend a connection while the block lasts.

        Raises:
            LostConnectionError: If it was dead.
        """
        lent = self.engine.raw_connection()
        line = lent.info.get(LINE)
        if line is not None:
            self._watch.begin(line)
        try:
            yield DriverConnection(lent)
        except self._driver_error as error:
            if self._is_lost(lent, error):
                lent.invalidate(error)
                raise LostConnectionError from error
            if is_read_only(error):
                # A primary that has become a replica: another connection may find the new one.
                lent.invalidate(error)
            raise
        finally:
            if line is not None:
                self._watch.end(line)
            lent.close()

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
        self.engine.dispose()

    def _is_lost(self, lent: PoolProxiedConnection, error: Exception) -> bool:
        connection = cast("Any", lent.dbapi_connection)
        return self.dialect.is_disconnect(cast("Any", error), connection, None)

    def _begin_anew(self) -> None:
        _crossed_a_fork.append(self.engine.pool)
        self.engine = open_engine(self._target, self._watch)


class DriverConnection:
    """
    A driver's connection, as far as it is like SQLAlchemy's.
    """

    __slots__ = ("_lent",)

    def __init__(self, lent: PoolProxiedConnection) -> None:
        self._lent = lent

    def exec_driver_sql(
        self, statement: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> DBAPICursor:
        """
        Run *statement*, in the driver's own way of marking parameters.
        """
        # Drivers take longer to make one than to use it.
        kept = self._lent.info
        cursor: DBAPICursor | None = kept.get(_CURSOR)
        if cursor is None:
            cursor = kept[_CURSOR] = self._lent.cursor()
        cursor.execute(statement, parameters)
        return cursor


def _check_engine(engine: object) -> None:
    is_async = getattr(getattr(engine, "dialect", None), "is_async", False)
    if is_async or hasattr(engine, "sync_engine"):
        raise ConfigurationError(
            "the store is called from threads, and an asynchronous engine cannot be: give it "
            "the URL of the database, or an engine of create_engine()"
        )
    if not isinstance(engine, Engine):
        raise ConfigurationError("the store needs an engine of sqlalchemy.create_engine()")


def _driver_error(engine: Engine) -> type[Exception]:
    driver = cast("Any", engine.dialect.loaded_dbapi)
    error: type[Exception] = driver.Error
    return error
