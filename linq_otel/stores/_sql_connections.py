"""
How a SQL store speaks to the database through an engine of the app's.

Each statement stands alone, outside of any transaction: what an app begins,
commits or rolls back is not touched, and an operation is one round trip.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import AssertionPool, SingletonThreadPool, StaticPool

from linq_otel._forks import call_at_fork
from linq_otel.errors import ConfigurationError

from ._sql_refusals import LostConnectionError


if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy import Dialect
    from sqlalchemy.pool import Pool


T = TypeVar("T")

FAILURES: Final = (LostConnectionError, SQLAlchemyError, OSError, RuntimeError, ValueError)
"""What an operation may fail with, besides the driver's own; PyMySQL's are of all kinds."""

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
        self.failures = (*FAILURES, find_driver_error(engine))
        self._process = os.getpid()
        call_at_fork(in_child=self._forget)

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
        try:
            with self._lend() as connection:
                return operate(connection, was_tried)
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
        if os.getpid() == self._process:
            return  # Only its threads have become green, and the pool is the app's.
        self._process = os.getpid()
        # The app's to do, by SQLAlchemy's own advice; but we may have opened connections
        # at a time when the app had none, and a second time does no harm.
        _crossed_a_fork.append(self.engine.pool)
        self.engine.dispose(close=False)


def _check_engine(engine: object) -> None:
    is_async = getattr(getattr(engine, "dialect", None), "is_async", False)
    if is_async or hasattr(engine, "sync_engine"):
        raise ConfigurationError(
            "the store is called from threads, and an asynchronous engine cannot be: give it "
            "the URL of the database, or an engine of create_engine()"
        )
    if not isinstance(engine, Engine):
        raise ConfigurationError("the store needs an engine of sqlalchemy.create_engine()")


def find_driver_error(engine: Engine) -> type[Exception]:
    """
    Return what all errors of the driver of *engine* are.
    """
    driver = cast("Any", engine.dialect.loaded_dbapi)
    error: type[Exception] = driver.Error
    return error
