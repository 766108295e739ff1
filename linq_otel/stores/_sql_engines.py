"""
The engine behind a URL: how many connections it has, and how long it may wait.

A store's operations are small. One that takes seconds is stuck, and whatever
waits for it had better be told.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from ._sql_poolers import KEEPS_TO_INDEXES, Poolers


if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from ._sql_urls import SqlTarget
    from ._sql_watch import Watch


LINE: Final = "linq_otel.line"
"""Where a connection's ``info`` keeps its socket, if its driver has no time-out for reading."""

OPERATION_SECONDS: Final = 2
"""Time-out of a connection and of a statement, in seconds."""

RECYCLE_SECONDS: Final = 600
"""The age at which a connection is replaced, in seconds: an address may lead elsewhere by then."""

_OF_LIBPQ: Final = {
    "application_name": "linq-otel",
    "client_encoding": "utf8",
    "connect_timeout": OPERATION_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": f"-c statement_timeout={OPERATION_SECONDS * 1000} -c {KEEPS_TO_INDEXES}",
    "tcp_user_timeout": OPERATION_SECONDS * 1000,
}
_OF_MYSQL: Final = {
    "charset": "utf8mb4",
    "connect_timeout": OPERATION_SECONDS,
    "read_timeout": OPERATION_SECONDS,
    "write_timeout": OPERATION_SECONDS,
}
_ARGUMENTS: Final[dict[str, dict[str, object]]] = {
    # Nothing is prepared before a connection has told that no pooler is in between.
    "psycopg": {**_OF_LIBPQ, "prepare_threshold": None},
    "psycopg2": {**_OF_LIBPQ},
    "pymysql": {**_OF_MYSQL},
    "mysqldb": {**_OF_MYSQL},
}


def open_engine(target: SqlTarget, watch: Watch, poolers: Poolers) -> Engine:
    """
    Make the engine of *target* for its operations; nothing is connected yet.

    Args:
        target: What its URL says.
        watch: Ends operations of a driver that has no time-out for them.
        poolers: Learns whether there is one.
    """
    engine = _open(
        target,
        watch,
        poolers,
        # Each statement by itself, and nothing to undo when a connection is given back.
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        # Connections are kept elsewhere, in fewer steps than a pool's.
        poolclass=NullPool,
    )
    if engine.dialect.driver == "psycopg" and "prepare_threshold" not in target.arguments:
        # After SQLAlchemy, which asks other things first and leaves transactions.
        event.listen(engine, "connect", poolers.prepare)
    return engine


def open_engine_of_tables(target: SqlTarget, watch: Watch) -> Engine:
    """
    Make an engine with transactions, to make tables all or none.
    """
    return _open(target, watch, Poolers(), poolclass=NullPool)


def _open(target: SqlTarget, watch: Watch, poolers: Poolers, **settings: Any) -> Engine:
    if target.url.get_backend_name() == "postgresql":
        # SQLAlchemy asks for that type in a transaction, which PgBouncer may not permit.
        settings["use_native_hstore"] = False
    arguments = _ARGUMENTS[target.url.get_driver_name()]
    left = {name: value for name, value in arguments.items() if name not in target.url.query}
    given = {**left, **target.arguments}
    engine = create_engine(target.url, connect_args=given, hide_parameters=True, **settings)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", poolers.connect)
        lines = _Lines(watch)
        event.listen(engine, "connect", lines.open, insert=True)
        event.listen(engine, "close", lines.close)
    return engine


class _Lines:
    """
    The sockets beneath connections, which a watch can shut.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def open(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # A number of our own: the driver's may be given to another file once it is closed.
        number = cast("Any", connection).fileno()
        line = socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM)
        entry.info[LINE] = line
        # From now on, because SQLAlchemy asks a server about itself first; whoever uses the
        # connection watches anew.
        self._watch.begin(line)

    def close(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        line = entry.info.pop(LINE, None)
        if line is not None:
            self._watch.end(line)
            line.close()
