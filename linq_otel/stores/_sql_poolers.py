"""
Whether a pooler stands between a store and PostgreSQL, and what is done without if so.

PgBouncer and its like pass on no options of a connection, and give the server's
end of it to others between two statements, with what was prepared there. They
also name each client a process of its own, by which one can cancel; a server
names the process that answers. So a connection says by itself how direct it is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast


if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection


KEEPS_TO_INDEXES: Final = "enable_seqscan=off"
"""
A setting without which nothing is prepared: a plan made for empty tables reads them whole, and is
kept until somebody analyzes them, when they are long since full.
"""

# As the driver does by itself.
_RUNS_BEFORE_PREPARING: Final = 5
_ASK: Final = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('enable_seqscan')"
# "invalid_sql_statement_name" and "duplicate_prepared_statement": others were given our end.
_OF_OTHERS: Final = {"26000", "42P05"}
# Where the server says "cached plan must not change result type", in any language.
_OUTDATED: Final = "RevalidateCachedQuery"


class Poolers:
    """
    What the connections of one engine tell of a pooler.
    """

    def __init__(self) -> None:
        self._takes_options = True
        self._prepares = True

    def connect(
        self, dialect: Dialect, _entry: object, given: list[Any], named: dict[str, Any]
    ) -> DBAPIConnection:
        """
        Connect, without options from the first time on that a pooler refuses them.
        """
        without = {**named, "options": ""}
        if not self._takes_options:
            return dialect.connect(*given, **without)
        try:
            return dialect.connect(*given, **named)
        except cast("Any", dialect.loaded_dbapi).OperationalError as error:
            # The words of PgBouncer.
            if "unsupported startup parameter" not in str(error):
                raise
            self._takes_options = False
            return dialect.connect(*given, **without)

    def prepare(self, connection: DBAPIConnection, _entry: object) -> None:
        """
        Have psycopg prepare what it runs often on *connection*, if that is direct.
        """
        asking = cast("Any", connection)
        # Without an answer, the next statement says what is wrong, and nothing is prepared.
        with suppress(asking.Error):
            is_direct = asking.execute(_ASK).fetchone() == (asking.info.backend_pid, "off")
            if is_direct and self._prepares:
                asking.prepare_threshold = _RUNS_BEFORE_PREPARING

    def has_lost_prepared(self, error: Exception) -> bool:
        """
        Tell whether *error* is about what was prepared, and a new connection is without.
        """
        if getattr(error, "sqlstate", None) in _OF_OTHERS:
            # A pooler that named its client, by chance, the process that answered.
            self._prepares = False
            return True
        # After somebody has altered a table.
        return getattr(getattr(error, "diag", None), "source_function", None) == _OUTDATED
