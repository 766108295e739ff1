"""
What a SQL store says to its database: one statement for one operation.

They are written as text, because building them anew for each call costs more
than the round trip. All keys of an origin are in one statement and in one
order, so that two processes never wait for each other's rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text

from ._sql_generic import GenericStatements
from ._sql_words import FIND, HOLDS, WORDINGS


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Dialect, Table

    from ._sql_tables import Row, Tables
    from ._sql_words import Answer, Wording


class Runs(Protocol):
    """
    A connection, as far as it is needed here.
    """

    def exec_driver_sql(self, statement: str, parameters: Any = None) -> Answer:
        """
        Run *statement*, in the driver's own way of marking parameters.
        """
        ...


def statements_for(dialect: Dialect, tables: Tables) -> TextStatements | GenericStatements:
    """
    Return the statements of one engine.
    """
    wording = WORDINGS.get(dialect.name)
    return (
        GenericStatements(tables) if wording is None else TextStatements(wording, dialect, tables)
    )


class TextStatements:
    """
    The statements of an engine that can insert or update in one.
    """

    def __init__(self, wording: Wording, dialect: Dialect, tables: Tables) -> None:
        self._wording = wording
        self._dialect = dialect
        quote = dialect.identifier_preparer.format_table
        self._names = {
            "origins": quote(tables.origins),
            "events": quote(tables.events),
            "key": dialect.identifier_preparer.quote("key"),
        }
        self._prune = [
            self._write(wording.prune, **self._name_table(table))
            for table in (tables.origins, tables.events)
        ]
        self._claim = self._write(wording.claim)
        self._holds = self._write(HOLDS)
        # By the number of keys; there are few in an origin.
        self._saves: dict[int, _Prepared] = {}
        self._finds: dict[int, _Prepared] = {}

    def save(self, connection: Runs, keys: Sequence[str], row: Row) -> None:
        """
        Write *row* under each of *keys*, but not over an accepted origin.
        """
        prepared = self._saves.get(len(keys))
        if prepared is None:
            rows = ", ".join(f"(:key{n}, :origin, :accepted, :expires)" for n in range(len(keys)))
            prepared = self._saves[len(keys)] = self._write(self._wording.save, rows=rows)
        values = {
            "origin": row.origin,
            "accepted": row.accepted,
            "expires": row.expires,
            "now": row.now,
        }
        prepared.run(connection, values | _number(keys))

    def find(self, connection: Runs, keys: Sequence[str], now: float) -> dict[str, Any]:
        """
        Return the origins under *keys* that have not expired.
        """
        prepared = self._finds.get(len(keys))
        if prepared is None:
            marks = ", ".join(f":key{n}" for n in range(len(keys)))
            found = self._wording.found.format(**self._names)
            prepared = self._finds[len(keys)] = self._write(FIND, found=found, marks=marks)
        rows = prepared.run(connection, {"now": now} | _number(keys)).fetchall()
        return dict(text.split(" ", 1) for (text,) in rows)

    def claim(self, connection: Runs, event_id: str, expires: float, now: float) -> bool:
        """
        Return True if nobody has claimed *event_id*, and claim it.
        """
        values = {"event_id": event_id, "expires": expires, "now": now}
        return self._wording.is_claimed(self._claim.run(connection, values))

    def holds(self, connection: Runs, event_id: str, expires: float) -> bool:
        """
        Return True if *event_id* is claimed until the very moment *expires*.
        """
        values = {"event_id": event_id, "expires": expires}
        return bool(self._holds.run(connection, values).fetchall())

    def prune(self, connection: Runs, now: float, most: int) -> int:
        """
        Delete at most *most* rows of each table that have expired; returns how many.
        """
        values = {"now": now, "most": most}
        return sum(prepared.run(connection, values).rowcount for prepared in self._prune)

    def _write(self, template: str, **parts: str) -> _Prepared:
        return _Prepared(template.format(**(self._names | parts)), self._dialect)

    def _name_table(self, table: Table) -> dict[str, str]:
        preparer = self._dialect.identifier_preparer
        (key,) = table.primary_key.columns
        return {"table": preparer.format_table(table), "key": preparer.quote(key.name)}


class _Prepared:
    """
    One statement in the driver's own way of marking parameters.
    """

    __slots__ = ("_order", "_text")

    def __init__(self, words: str, dialect: Dialect) -> None:
        compiled = text(words).compile(dialect=dialect)
        self._text = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Runs, values: Mapping[str, object]) -> Answer:
        order = self._order
        given = values if order is None else tuple([values[name] for name in order])
        return connection.exec_driver_sql(self._text, given)


def _number(keys: Sequence[str]) -> dict[str, object]:
    return {f"key{n}": key for n, key in enumerate(keys)}
