"""
The SQL engines of the contract test: each driver, and the words for databases we do not know.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from linq_otel.stores import open_store
from linq_otel.stores._sql_generic import GenericStatements
from linq_otel.stores._sql_tables import build_tables
from linq_otel.stores.sql import SQLStore, metadata
from support.store_engines import TTL, Engine


if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Alchemy

    from linq_otel.stores import Store


DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql"}


def sql_engine(url: str) -> Engine:
    """
    Keep everything in the database at *url*, in tables that are emptied first.

    What is there is made older by hand: a store by URL goes by the real clock.
    """
    with _executing(url) as connection:
        metadata.create_all(connection)
        for table in metadata.sorted_tables:
            connection.execute(table.delete())

    def age(seconds: float) -> None:
        with _executing(url) as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.update().values(expires=table.c.expires - seconds))

    def spoil(key: str, words: str) -> None:
        origins = metadata.tables["linq_origins"]
        # PostgreSQL keeps any text but this.
        values = {"origin": words.replace("\x00", "\x01")}
        with _executing(url) as connection:
            connection.execute(origins.update().where(origins.c.key == key).values(values))

    at = f"{url}?ttl={TTL}"
    return Engine(at, lambda: open_store(at), age=age, spoil=spoil)


@contextmanager
def open_generic_engine(url: str) -> Generator[Engine]:
    """
    Speak to the same database as if nothing but SQLAlchemy were known about it.
    """
    known = sql_engine(url)
    pooled = create_engine(add_driver(url))

    def open_generic() -> Store:
        store = SQLStore(pooled, ttl=TTL)
        store._statements = store._pruning._statements = GenericStatements(build_tables())
        return store

    yield Engine(known.url, open_generic, age=known.age, spoil=known.spoil)
    pooled.dispose()


def engine_of_app(url: str) -> Alchemy:
    """
    Return an engine as an app has it; without a pool, so that nothing is left open.
    """
    return create_engine(add_driver(url), poolclass=NullPool)


def add_driver(url: str) -> str:
    """
    Name the driver in *url*, unless it does.
    """
    known = make_url(url)
    if "+" in known.drivername:
        return url
    with_driver = known.set(drivername=f"{known.drivername}+{DRIVERS[known.drivername]}")
    return with_driver.render_as_string(hide_password=False)


def run_sql(url: str, *statements: str) -> list[tuple[object, ...]]:
    """
    Run *statements* in one transaction, and answer the rows of the last.
    """
    rows: list[tuple[object, ...]] = []
    with _executing(url) as connection:
        for statement in statements:
            result = connection.execute(text(statement))
            rows = [tuple(row) for row in result] if result.returns_rows else []
    return rows


def drop_tables(url: str) -> None:
    """
    Leave nothing of a store.
    """
    with _executing(url) as connection:
        metadata.drop_all(connection)


@contextmanager
def _executing(url: str) -> Generator[Connection]:
    engine = engine_of_app(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()
