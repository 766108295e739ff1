"""
What a database refused, in a line that a log may hold.

The driver's own words are not passed on: they repeat the user, and SQLAlchemy's
repeat the statement and what was to be written. They are read for what to do
about it: by the server's code where there is one, else by words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from linq_otel.errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Mapping


_REACH = "cannot be reached; check its address and that it runs"
_LOGIN = "refused the user or the password; check those of the store"
_DATABASE = "has no such database; make it, or name another"
_TABLES = "has no tables linq_origins and linq_events; make them with `linq-otel create-tables`"
_RIGHTS = (
    "does not permit this user to do so; grant it SELECT, INSERT, UPDATE and DELETE on "
    "linq_origins and linq_events, or make them with `linq-otel create-tables` as another user"
)
_READ_ONLY = "is read-only; name the primary"
_FULL = "is full; give its disk room"
_BUSY = "has no connection left; permit it more, or use fewer"
_SLOW = "did not answer in time; see whether it is overloaded, locked or cut off"
_CONFLICT = "put off this operation for others; see its log for deadlocks"
_RESTART = "is starting or stopping; it works once it has"
_LOST = "broke off the connection; see its log"
_TLS = "cannot be talked to with TLS as it is; check the sslmode and ssl options of the store"
_KEY = "wants an encrypted password that PyMySQL cannot make; pip install 'pymysql[rsa]'"
_POOL = "was not asked, all connections of the engine are in use; give its pool more"

# SQLSTATE, or what it begins with.
_BY_STATE: Final = {
    "08": _REACH,
    "28": _LOGIN,
    "3D": _DATABASE,
    "3F": _TABLES,
    "40": _CONFLICT,
    "42501": _RIGHTS,
    "42P01": _TABLES,
    "25006": _READ_ONLY,
    "53": _BUSY,
    "531": _FULL,
    "55P03": _SLOW,
    "57014": _SLOW,
    "57P": _RESTART,
}
# The numbers of MySQL and MariaDB.
_BY_NUMBER: Final = {
    1021: _FULL,
    1040: _BUSY,
    1044: _RIGHTS,
    1045: _LOGIN,
    1049: _DATABASE,
    1053: _RESTART,
    1114: _FULL,
    1142: _RIGHTS,
    1143: _RIGHTS,
    1146: _TABLES,
    1203: _BUSY,
    1205: _SLOW,
    1213: _CONFLICT,
    1226: _BUSY,
    1227: _RIGHTS,
    1290: _READ_ONLY,
    1698: _LOGIN,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1969: _SLOW,
    2002: _REACH,
    2003: _REACH,
    2005: _REACH,
    2006: _LOST,
    2013: _LOST,
    2026: _TLS,
    3024: _SLOW,
    3159: _TLS,
}
# Where there is no code: connections that were not made, SQLite, other engines.
_BY_WORDS: Final = (
    ("timed out", _SLOW),
    ("timeout", _SLOW),
    ("cryptography", _KEY),
    ("password", _LOGIN),
    ("pg_hba.conf", _LOGIN),
    ('role "', _LOGIN),
    ("access denied", _LOGIN),
    ('database "', _DATABASE),
    ("too many", _BUSY),
    ("connection slots", _BUSY),
    ("starting up", _RESTART),
    ("shutting down", _RESTART),
    ("recovery", _RESTART),
    ("ssl", _TLS),
    ("certificate", _TLS),
    ("readonly", _READ_ONLY),
    ("read-only", _READ_ONLY),
    ("is full", _FULL),
    ("locked", _SLOW),
    ("no such table", _TABLES),
    ("unable to open", _REACH),
    ("refused", _REACH),
    ("resolve", _REACH),
    ("translate host", _REACH),
    ("not known", _REACH),
    ("unreachable", _REACH),
    ("connection failed", _REACH),
    ("closed", _LOST),
    ("lost", _LOST),
)


class LostConnectionError(Exception):
    """
    A connection was dead; the next one may not be.
    """


def refusal(place: str, error: BaseException, *, was_slow: bool = False) -> StoreError:
    """
    Say what the database at *place*, or the way to it, refused, and what to do.

    Args:
        place: Where it is.
        error: What was raised.
        was_slow: True if it took so long that whatever was lost may not be down.
    """
    is_given_up = was_slow and isinstance(error, LostConnectionError)
    return StoreError(
        f"the store {place} {_SLOW if is_given_up else _explain(_driver_error(error))}"
    )


def is_conflict(error: BaseException) -> bool:
    """
    Tell whether the operation gave way to another one and may simply be tried again.
    """
    return _find_advice(_driver_error(error)) is _CONFLICT


def may_miss_tables(error: BaseException) -> bool:
    """
    Tell whether the tables may not be there; of engines we do not know, it may always be so.
    """
    advice = _find_advice(_driver_error(error))
    return advice is None or advice is _TABLES


def misses_tables(error: BaseException) -> bool:
    """
    Tell whether the tables are what the database missed.
    """
    return _find_advice(_driver_error(error)) is _TABLES


def is_read_only(error: BaseException) -> bool:
    """
    Tell whether the database takes no writes.
    """
    return _find_advice(_driver_error(error)) is _READ_ONLY


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, LostConnectionError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _explain(error: BaseException) -> str:
    advice = _find_advice(error)
    if advice is not None:
        return advice
    code = _number_of(error) or _state_of(error) or type(error).__name__
    return f"refused ({code}); see its version and its log"


def _find_advice(error: BaseException) -> str | None:
    if isinstance(error, PoolTimeoutError):
        return _POOL
    number = _number_of(error)
    if number in _BY_NUMBER:
        return _SLOW if "timed out" in str(error) else _BY_NUMBER[number]
    by_state = _longest(_BY_STATE, _state_of(error) or "")
    if by_state is not None or _state_of(error):
        return by_state
    words = str(error).lower()
    return next((advice for word, advice in _BY_WORDS if word in words), None)


def _longest(table: Mapping[str, str], state: str) -> str | None:
    found = [start for start in table if state.startswith(start)]
    return table[max(found, key=len)] if found else None


def _number_of(error: BaseException) -> int | None:
    first = error.args[0] if error.args else None
    return first if type(first) is int else None


def _state_of(error: BaseException) -> str | None:
    for name in ("sqlstate", "pgcode"):
        state = getattr(error, name, None)
        if isinstance(state, str):
            return state
    return None
