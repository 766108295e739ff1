"""
The statements of engines whose language we do not know: any that SQLAlchemy speaks.

Each tries to change a row and then to insert one, or the other way round; that
a key is taken already is what the database's own uniqueness says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Executable, Table

    from ._sql_tables import Row, Tables


class GenericStatements:
    """
    Operations in one to three statements, on an engine of the app's.
    """

    def __init__(self, tables: Tables) -> None:
        origins, events = tables.origins, tables.events
        columns = origins.c
        now = bindparam("now", type_=columns.expires.type)
        self._find = select(columns.key, columns.origin).where(
            columns.key.in_(bindparam("keys", expanding=True)), columns.expires > now
        )
        self._replace = (
            update(origins)
            .where(
                columns.key == bindparam("at"), or_(not_(columns.accepted), columns.expires <= now)
            )
            .values({name: bindparam(f"new_{name}") for name in ("origin", "accepted", "expires")})
        )
        self._insert = insert(origins)
        self._claim = insert(events)
        self._claim_again = (
            update(events)
            .where(events.c.event_id == bindparam("at"), events.c.expires <= now)
            .values(expires=bindparam("new_expires"))
        )
        self._holds = select(events.c.event_id).where(
            events.c.event_id == bindparam("at"), events.c.expires == bindparam("until")
        )
        self._tables = (origins, events)

    def save(self, connection: Connection, keys: Sequence[str], row: Row) -> None:
        """
        Write *row* under each of *keys*, but not over an accepted origin.
        """
        for key in keys:
            # Again if another process inserts in between: its origin may be provisional.
            if not self._write(connection, key, row):
                self._update(connection, key, row)

    def find(self, connection: Connection, keys: Sequence[str], now: float) -> dict[str, Any]:
        """
        Return the origins under *keys* that have not expired.
        """
        rows = connection.execute(self._find, {"keys": list(keys), "now": now})
        return {row.key: row.origin for row in rows}

    def claim(self, connection: Connection, event_id: str, expires: float, now: float) -> bool:
        """
        Return True if nobody has claimed *event_id*, and claim it.
        """
        values = {"event_id": event_id, "expires": expires}
        if _inserts(connection, self._claim, values):
            return True
        values = {"at": event_id, "new_expires": expires, "now": now}
        return connection.execute(self._claim_again, values).rowcount == 1

    def holds(self, connection: Connection, event_id: str, expires: float) -> bool:
        """
        Return True if *event_id* is claimed until the very moment *expires*.
        """
        found = connection.execute(self._holds, {"at": event_id, "until": expires})
        return found.first() is not None

    def prune(self, connection: Connection, now: float, most: int) -> int:
        """
        Delete at most *most* rows of each table that have expired; returns how many.
        """
        return sum(_delete_old(connection, table, now, most) for table in self._tables)

    def _write(self, connection: Connection, key: str, row: Row) -> bool:
        if self._update(connection, key, row):
            return True
        values = {
            "key": key,
            "origin": row.origin,
            "accepted": row.accepted,
            "expires": row.expires,
        }
        return _inserts(connection, self._insert, values)

    def _update(self, connection: Connection, key: str, row: Row) -> bool:
        values = {
            "at": key,
            "now": row.now,
            "new_origin": row.origin,
            "new_accepted": row.accepted,
            "new_expires": row.expires,
        }
        return connection.execute(self._replace, values).rowcount == 1


def _inserts(connection: Connection, statement: Executable, values: Mapping[str, object]) -> bool:
    try:
        connection.execute(statement, dict(values))
    except IntegrityError:
        return False
    return True


def _delete_old(connection: Connection, table: Table, now: float, most: int) -> int:
    (key,) = table.primary_key.columns
    is_old = table.c.expires <= now
    # Read first: hardly an engine limits what it deletes in the same words.
    old = [row[0] for row in connection.execute(select(key).where(is_old).limit(most))]
    deleted = 0
    for start in range(0, len(old), 500):
        chunk = old[start : start + 500]
        deleted += connection.execute(delete(table).where(key.in_(chunk), is_old)).rowcount
    return deleted
