"""
The words of each engine: one statement for one operation.

PostgreSQL and SQLite speak alike here; MySQL and MariaDB need other words, and
say in another way whether a row was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Answer(Protocol):
    """
    What a statement gives: a cursor of a driver, or SQLAlchemy's result.
    """

    @property
    def rowcount(self) -> int:
        """
        Rows that were written or deleted.
        """
        ...

    @property
    def lastrowid(self) -> Any:
        """
        A number the statement left, in MySQL.
        """
        ...

    def fetchall(self) -> Sequence[Any]:
        """
        Return the rows that were read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wording:
    """
    Where the engines' languages differ.

    Attributes:
        found: Joins a key, which has no space in it, to its origin by a space.
        save: Writes ``{rows}``.
        claim: Writes one event.
        prune: Deletes from ``{table}`` by ``{key}``.
        is_claimed: Tells from the answer whether `claim` wrote.
    """

    found: str
    save: str
    claim: str
    prune: str
    is_claimed: Callable[[Answer], bool]


def _has_written(answer: Answer) -> bool:
    return answer.rowcount == 1


def _left_no_number(answer: Answer) -> bool:
    # Not the row count: an untouched row counts as well where the driver asks for
    # CLIENT.FOUND_ROWS, as SQLAlchemy does.
    return not answer.lastrowid


# One column: PyMySQL takes as long to read what a column is as a row. Not `expires > :now`, which
# is true of nearly every row: a plan made while the table was empty would go by its index.
FIND: Final = """
SELECT {found} FROM {origins} WHERE {key} IN ({marks}) AND expires + 0 > :now
"""
HOLDS: Final = "SELECT 1 FROM {events} WHERE event_id = :event_id AND expires = :expires"

_SAVE = """
INSERT INTO {origins} AS held ({key}, origin, accepted, expires) VALUES {rows}
ON CONFLICT ({key}) DO UPDATE SET
    origin = excluded.origin, accepted = excluded.accepted, expires = excluded.expires
WHERE NOT held.accepted OR held.expires <= :now
"""
_CLAIM = """
INSERT INTO {events} AS held (event_id, expires) VALUES (:event_id, :expires)
ON CONFLICT (event_id) DO UPDATE SET expires = excluded.expires WHERE held.expires <= :now
"""
# An array, or the planner may ask for the old rows more than once. What another process
# deletes at this moment is left to it.
_PRUNE_POSTGRESQL = """
DELETE FROM {table} WHERE expires + 0 <= :now AND {key} = ANY (ARRAY(
    SELECT {key} FROM {table} WHERE expires <= :now LIMIT :most FOR UPDATE SKIP LOCKED
))
"""
_PRUNE_SQLITE = """
DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expires <= :now LIMIT :most)
"""
# MySQL makes the changes in this order, and each sees those before it: `accepted` is last,
# because it decides about the others. VALUES() is older than MySQL's own word for it, and
# the one that MariaDB knows.
_SAVE_MYSQL = """
INSERT INTO {origins} ({key}, origin, accepted, expires) VALUES {rows}
ON DUPLICATE KEY UPDATE
    origin = IF(NOT accepted OR expires <= :now, VALUES(origin), origin),
    expires = IF(NOT accepted OR expires <= :now, VALUES(expires), expires),
    accepted = IF(origin = VALUES(origin), VALUES(accepted), accepted)
"""
# LAST_INSERT_ID(x) is x, and tells it to the client as well: 1 if the event is taken.
_CLAIM_MYSQL = """
INSERT INTO {events} (event_id, expires) VALUES (:event_id, :expires)
ON DUPLICATE KEY UPDATE expires = IF(LAST_INSERT_ID(expires > :now), expires, VALUES(expires))
"""
_PRUNE_MYSQL = "DELETE FROM {table} WHERE expires <= :now ORDER BY expires LIMIT :most"

_FOUND: Final = "{key} || ' ' || origin"
_FOUND_MYSQL: Final = "CONCAT({key}, ' ', origin)"

_MYSQL: Final = Wording(_FOUND_MYSQL, _SAVE_MYSQL, _CLAIM_MYSQL, _PRUNE_MYSQL, _left_no_number)
WORDINGS: Final = {
    "postgresql": Wording(_FOUND, _SAVE, _CLAIM, _PRUNE_POSTGRESQL, _has_written),
    "sqlite": Wording(_FOUND, _SAVE, _CLAIM, _PRUNE_SQLITE, _has_written),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}
