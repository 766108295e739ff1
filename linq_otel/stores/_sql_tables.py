"""
The two tables of a SQL store, for SQLAlchemy to make and for Alembic to read.

Keys are compared byte by byte, whatever collation a database has: an id in
another case is another id. Times are seconds since 1970, because the clock is
the app's, and every engine orders numbers alike.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, Column, Double, Index, MetaData, String, Table, Text, inspect
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError


if TYPE_CHECKING:
    from sqlalchemy import Engine


KEY_LENGTH: Final = 191
"""Characters of a key: four bytes each, they fit into an index of any MySQL."""

_PLAIN: Final = re.compile(f"[!-~]{{1,{KEY_LENGTH}}}")
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.05
_FOR_MYSQL: Final[dict[str, Any]] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (
        ("engine", "InnoDB"),
        ("charset", "utf8mb4"),
        ("collate", "utf8mb4_bin"),
    )
}


@dataclass(frozen=True, slots=True)
class Tables:
    """
    The tables in one schema.

    Attributes:
        metadata: Both of them.
        origins: What was saved: one row for each key of an origin.
        events: What was claimed.
    """

    metadata: MetaData
    origins: Table
    events: Table


@dataclass(frozen=True, slots=True)
class Row:
    """
    What is written under each key: in columns, and the time to compare with.
    """

    origin: str
    accepted: bool
    expires: float
    now: float


def build_tables(schema: str | None = None) -> Tables:
    """
    Describe the tables in *schema*, or in the one a connection is in.
    """
    metadata = MetaData(schema=schema)
    origins = Table(
        "linq_origins",
        metadata,
        Column("key", _key_type(), primary_key=True),
        Column("origin", _text_type(), nullable=False),
        Column("accepted", Boolean(), nullable=False),
        Column("expires", _time_type(), nullable=False),
        Index("linq_origins_expires", "expires"),
        **_FOR_MYSQL,
    )
    events = Table(
        "linq_events",
        metadata,
        Column("event_id", _key_type(), primary_key=True),
        Column("expires", _time_type(), nullable=False),
        Index("linq_events_expires", "expires"),
        **_FOR_MYSQL,
    )
    return Tables(metadata, origins, events)


def make_tables(engine: Engine, tables: Tables) -> tuple[str, ...]:
    """
    Make those of *tables* that are missing; returns their names.

    Other processes may be making them at the same moment.

    Raises:
        SQLAlchemyError: If the database refuses.
    """
    missing = find_missing(engine, tables)
    for _ in range(_TRIES):
        if not missing:
            break
        try:
            _create(engine, tables)
        except DBAPIError:
            left = find_missing(engine, tables)
            if left == missing:
                raise
            # Another process was faster with one of them, and may not be through.
            missing = left
            time.sleep(_PAUSE_SECONDS)
        else:
            return missing
    return ()


def find_missing(engine: Engine, tables: Tables) -> tuple[str, ...]:
    """
    Return the names of those of *tables* that are not there.

    Raises:
        SQLAlchemyError: If the database refuses.
    """
    found = inspect(engine)
    names = [table.name for table in (tables.origins, tables.events)]
    return tuple(name for name in names if not found.has_table(name, tables.origins.schema))


def _create(engine: Engine, tables: Tables) -> None:
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        # Where tables know no transactions, a killed process may have left one without its index.
        for table in (tables.origins, tables.events):
            for index in table.indexes:
                index.create(connection, checkfirst=True)


def stored_key(key: str) -> str:
    """
    Return what stands for *key* in a table: itself, or its hash.

    No id is so long, or made of anything but printable ASCII; and some engines
    cannot keep such text, or tell it from other text.
    """
    if _PLAIN.fullmatch(key):
        return key
    return f"sha256:{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _key_type() -> String:
    return (
        String(KEY_LENGTH)
        .with_variant(String(KEY_LENGTH, collation="C"), "postgresql")
        .with_variant(String(KEY_LENGTH, collation="Latin1_General_BIN2"), "mssql")
    )


def _time_type() -> Double[float]:
    return Double()


def _text_type() -> Text:
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
