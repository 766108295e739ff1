"""
What the URL of a SQL store says, understood before anything is connected.

A slip is to be known when the app starts, and told without repeating the
password that stands beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from linq_otel.errors import ConfigurationError, MissingExtraError


if TYPE_CHECKING:
    from collections.abc import Mapping


# Each with the module that it is; the first that is installed is taken.
_POSTGRESQL: Final = {"psycopg": "psycopg", "psycopg2": "psycopg2"}
_MYSQL: Final = {"pymysql": "pymysql", "mysqldb": "MySQLdb"}
_DRIVERS: Final[dict[str, dict[str, str]]] = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}
_PORTS: Final = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_LAST_PORT: Final = 65_535
_TITLES: Final = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OF_MYSQL: Final = (
    "charset",
    "connect_timeout",
    "read_timeout",
    "ssl_ca",
    "ssl_capath",
    "ssl_cert",
    "ssl_check_hostname",
    "ssl_cipher",
    "ssl_key",
    "unix_socket",
    "write_timeout",
)


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """
    The database of one store.

    Attributes:
        url: For SQLAlchemy, with the driver and its options.
        arguments: Those of the driver's options that are no text.
        schema: Where the tables are; None is where a connection is.
        create: True if missing tables are made.
    """

    url: URL = field(repr=False)
    arguments: Mapping[str, object]
    schema: str | None
    create: bool


def parse_sql_url(url: str, options: Mapping[str, str]) -> SqlTarget:
    """
    Read a URL without its query, and the *options* of the query.

    Raises:
        ConfigurationError: If either cannot be used, or no driver is installed.
    """
    known = _parse(url)
    backend = known.get_backend_name()
    if backend != "postgresql" and not known.database:
        raise ConfigurationError(f"name the database of the store: {backend}://host/database")
    driver = _choose_driver(known)
    given = dict(options)
    schema = given.pop("schema", "") or None
    create = _parse_flag(given.pop("create", "true"))
    arguments: dict[str, object] = {}
    if driver == "psycopg" and "prepare_threshold" in given:
        arguments["prepare_threshold"] = _parse_whole(given.pop("prepare_threshold"))
    for name, value in given.items():
        _check_option(driver, name, value)
    address = known.set(drivername=f"{backend}+{driver}", query=given)
    return SqlTarget(address, arguments, schema, create)


def place_of(url: URL) -> str:
    """
    Say where a database is, without any secret.
    """
    backend = url.get_backend_name()
    host = url.host or url.query.get("host") or ("" if backend == "sqlite" else "localhost")
    named = host if isinstance(host, str) else ",".join(host)
    number = url.port or _PORTS.get(backend)
    port = f":{number}" if number and "," not in named else ""
    return f"{backend}://{f'[{named}]' if ':' in named else named}{port}/{url.database or ''}"


def _parse(url: str) -> URL:
    text = re.sub("^postgres(?=[:+])", "postgresql", url)
    scheme = text.partition(":")[0]
    try:
        known = make_url(text)
    except (ArgumentError, ValueError):
        # Without its cause, which repeats half of the password.
        raise ConfigurationError(
            f"no store at {scheme + ':'!r}: use {scheme}://user:password@host:port/database; "
            "write / : @ ? # and % of a password percent-encoded"
        ) from None
    if (known.port or 0) > _LAST_PORT:
        raise ConfigurationError(f"the port in the store's URL must be {_LAST_PORT} or below")
    if known.get_backend_name() not in _DRIVERS:
        raise ConfigurationError(f"no store at {scheme + ':'!r}: use postgresql:// or mysql://")
    return known


def _choose_driver(url: URL) -> str:
    backend = url.get_backend_name()
    drivers = _DRIVERS[backend]
    asked = url.drivername.partition("+")[2]
    if asked and asked not in drivers:
        raise ConfigurationError(
            f"no driver {asked!r} for a store: use {' or '.join(drivers)}, "
            "or give SQLStore an engine of your own"
        )
    for driver in [asked] if asked else drivers:
        if _is_installed(drivers[driver]):
            return driver
    if asked:
        raise ConfigurationError(f"the store's driver {asked} is not installed")
    extra = "postgresql" if backend == "postgresql" else "mysql"
    raise MissingExtraError(f"the {_TITLES[backend]} store", extra)


def _is_installed(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        # Of a library that the driver stands on, too.
        return False
    return True


def _parse_flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ConfigurationError("store option create must be true or false")
    return _FLAGS[text.lower()]


def _parse_whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError("store option prepare_threshold must be a whole number")
    return int(text)


def _check_option(driver: str, name: str, value: str) -> None:
    if driver in _MYSQL:
        is_known, others = name in _OF_MYSQL, ", ".join(_OF_MYSQL)
    else:
        is_known, others = _knows_option(driver, name, value), "an option of libpq"
    if not is_known:
        raise ConfigurationError(
            f"unknown store option {name!r}: use ttl, schema, create, or {others}"
        )


def _knows_option(driver: str, name: str, value: str) -> bool:
    # The driver asks libpq, whose options grow with its version.
    module = cast("Any", import_module(driver))
    try:
        if driver == "psycopg":
            cast("Any", import_module("psycopg.conninfo")).make_conninfo(**{name: value})
        else:
            module.extensions.make_dsn(**{name: value})
    except (module.Error, TypeError):
        return False
    return True
