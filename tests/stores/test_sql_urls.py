from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AssertionPool, Pool, SingletonThreadPool, StaticPool

from linq_otel.errors import ConfigurationError
from linq_otel.stores import open_store
from linq_otel.stores._sql_urls import parse_sql_url
from linq_otel.stores.sql import SQLStore, create_tables
from support.scripts import run_script


if TYPE_CHECKING:
    from linq_otel.stores import Store
    from support.sql_servers import PostgresServer


SECRET = "correct-horse"
OF_LIBPQ = "use ttl, schema, create, or an option of libpq"
OF_MYSQL = (
    "use ttl, schema, create, or charset, connect_timeout, read_timeout, ssl_ca, ssl_capath, "
    "ssl_cert, ssl_check_hostname, ssl_cipher, ssl_key, unix_socket, write_timeout"
)
WHOLE = "user:password@host:port/database"
OR_OWN = "or give SQLStore an engine of your own"
INSTALL = "pip install 'linq-otel[postgresql]'"
ENCODE = "write / : @ ? # and % of a password percent-encoded"


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "driver"),
        [
            ("postgresql://host/db", "postgresql+psycopg"),
            ("postgres://host/db", "postgresql+psycopg"),
            ("postgresql+psycopg://host/db", "postgresql+psycopg"),
            ("postgresql+psycopg2://host/db", "postgresql+psycopg2"),
            ("postgres+psycopg2://host/db", "postgresql+psycopg2"),
            ("mysql://host/db", "mysql+pymysql"),
            ("mysql+pymysql://host/db", "mysql+pymysql"),
            ("mariadb://host/db", "mariadb+pymysql"),
        ],
    )
    def test_drivers(self, url: str, driver: str) -> None:
        """The URL says which driver, or the first that is installed is taken."""
        assert parse_sql_url(url, {}).url.drivername == driver

    @pytest.mark.parametrize(
        ("url", "place"),
        [
            (f"postgresql://linq:{SECRET}@host/db", "postgresql://host:5432/db"),
            (f"postgresql://linq:{SECRET}@host:6432/db", "postgresql://host:6432/db"),
            (f"postgresql+psycopg2://linq:{SECRET}@[::1]/db", "postgresql://[::1]:5432/db"),
            ("postgresql:///db", "postgresql://localhost:5432/db"),
            ("postgresql:///db?host=/run/postgresql", "postgresql:///run/postgresql:5432/db"),
            (
                f"postgresql://linq:{SECRET}@/db?host=one,two&port=1,2&password={SECRET}",
                "postgresql://one,two/db",
            ),
            (f"mysql://linq:{SECRET}@host/db", "mysql://host:3306/db"),
            (f"mariadb://linq:{SECRET}@host/db", "mariadb://host:3306/db"),
        ],
    )
    def test_places(self, url: str, place: str) -> None:
        """A place is named by host, port and database, and never by who comes there."""
        with closing(open_store(url)) as store:
            assert repr(store) == f"SQLStore({place})"
        address, _, query = url.partition("?")
        target = parse_sql_url(address, dict(pair.split("=") for pair in query.split("&") if pair))
        assert SECRET not in repr(target)

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            (
                "postgresql:db",
                f"no store at 'postgresql:': use postgresql://{WHOLE}; {ENCODE}",
            ),
            (
                f"mysql://u:{SECRET}@h:{SECRET}/d",
                f"no store at 'mysql:': use mysql://{WHOLE}; {ENCODE}",
            ),
            (f"mysql://u:{SECRET}@host", "name the database of the store: mysql://host/database"),
            (
                f"postgresql+asyncpg://u:{SECRET}@h/d",
                f"no driver 'asyncpg' for a store: use psycopg or psycopg2, {OR_OWN}",
            ),
            (
                f"mysql+psycopg://u:{SECRET}@h/d",
                f"no driver 'psycopg' for a store: use pymysql or mysqldb, {OR_OWN}",
            ),
            (f"postgresql://h/d?passwrd={SECRET}", f"unknown store option 'passwrd': {OF_LIBPQ}"),
            (
                f"postgresql+psycopg2://h/d?passwrd={SECRET}",
                f"unknown store option 'passwrd': {OF_LIBPQ}",
            ),
            (
                "postgresql+psycopg2://h/d?prepare_threshold=5",
                f"unknown store option 'prepare_threshold': {OF_LIBPQ}",
            ),
            (
                "postgresql://h/d?prepare_threshold=x",
                "store option prepare_threshold must be a whole number",
            ),
            ("mysql://h/d?init_command=x", f"unknown store option 'init_command': {OF_MYSQL}"),
            ("mysql://h/d?create=maybe", "store option create must be true or false"),
            ("postgresql://h/d?ttl=never", "store option ttl must be a number above 0"),
        ],
    )
    def test_slips(self, url: str, message: str) -> None:
        """A slip is told at once, and never with the password."""
        with pytest.raises(ConfigurationError) as raised:
            open_store(url)
        assert str(raised.value) == message
        assert SECRET not in repr(raised.value.__cause__)

    def test_options_of_the_driver(self, postgres_server: PostgresServer) -> None:
        """What the URL says goes before what we say."""
        options = "application_name=shop&options=-c%20statement_timeout%3D7000"
        with closing(open_store(f"{postgres_server.url}?{options}")) as store:
            assert read_settings(store) == [("shop", "7s")]
        with closing(open_store(postgres_server.url)) as store:
            assert read_settings(store) == [("linq-otel", "2s")]


class TestEngines:
    def test_asynchronous(self) -> None:
        """An asynchronous engine is refused, and so is what is inside it."""
        engine = create_async_engine("postgresql+psycopg://host/db")
        for each in (engine, engine.sync_engine):
            with pytest.raises(ConfigurationError) as raised:
                SQLStore(each)
            assert str(raised.value) == (
                "the store is called from threads, and an asynchronous engine cannot be: give it "
                "the URL of the database, or an engine of create_engine()"
            )

    @pytest.mark.parametrize("pool", [StaticPool, AssertionPool, SingletonThreadPool])
    def test_one_connection_for_all(self, pool: type[Pool]) -> None:
        """An engine that hands out the app's own connection would end its transactions."""
        engine = create_engine("sqlite://", poolclass=pool)
        with pytest.raises(ConfigurationError) as raised:
            SQLStore(engine)
        assert str(raised.value) == (
            f"an engine with a {pool.__name__} has one connection for all, and the "
            "store needs one of its own: create the engine with poolclass=QueuePool"
        )

    @pytest.mark.parametrize("what", ["postgresql://host/db", None, object()])
    def test_no_engine(self, what: Any) -> None:
        """What is no engine is told what would be one."""
        with pytest.raises(ConfigurationError) as raised:
            create_tables(what)
        message = "the store needs an engine of sqlalchemy.create_engine()"
        assert str(raised.value) == message

    @pytest.mark.parametrize("ttl", [0.0, -1.0, float("nan"), float("inf")])
    def test_ttl(self, ttl: float) -> None:
        """An age is a number above 0."""
        with pytest.raises(ConfigurationError, match="ttl must be a number of seconds above 0"):
            SQLStore(create_engine("sqlite:///never.db"), ttl=ttl)


class TestPackages:
    @pytest.mark.parametrize(
        ("url", "missing", "message"),
        [
            (
                "postgresql://h/d",
                "sqlalchemy",
                f"the SQL store needs more packages: {INSTALL} or 'linq-otel[mysql]'",
            ),
            (
                "postgresql://h/d",
                "psycopg psycopg2",
                f"the PostgreSQL store needs more packages: {INSTALL}",
            ),
            (
                "mysql://h/d",
                "pymysql MySQLdb",
                "the MySQL store needs more packages: pip install 'linq-otel[mysql]'",
            ),
            (
                "mariadb://h/d",
                "pymysql MySQLdb",
                "the MariaDB store needs more packages: pip install 'linq-otel[mysql]'",
            ),
            (
                "postgresql+psycopg2://h/d",
                "psycopg2",
                "the store's driver psycopg2 is not installed",
            ),
            ("postgresql://h/d", "psycopg", "SQLStore(postgresql://h:5432/d)"),
        ],
    )
    def test_not_installed(self, url: str, missing: str, message: str) -> None:
        """What is not installed is said with what installs it; another driver will do."""
        code = """
            import sys
            from linq_otel.errors import ConfigurationError
            from linq_otel.stores import open_store

            for name in sys.argv[2].split():
                sys.modules[name] = None
            try:
                print(open_store(sys.argv[1]))
            except ConfigurationError as error:
                print(error)
        """
        assert run_script(code, url, missing) == f"{message}\n"


def read_all(store: Store, statement: str) -> list[tuple[object, ...]]:
    """
    Read rows on a connection of the store.
    """
    assert isinstance(store, SQLStore)
    return store._database.run(
        lambda connection, _: connection.exec_driver_sql(statement).fetchall()
    )


def read_settings(store: Store) -> list[tuple[object, ...]]:
    asking = "SELECT current_setting('application_name'), current_setting('statement_timeout')"
    return read_all(store, asking)
