from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.redis_servers import open_redis
from support.sql_servers import open_maria, open_postgres
from support.sql_store_engines import open_generic_engine, sql_engine
from support.store_engines import memory_engine, redis_engine, sqlite_engine


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linq_otel.stores import Store
    from support.redis_servers import RedisServer
    from support.sql_servers import MariaServer, PostgresServer
    from support.store_engines import Engine


# Each has a fixture: `on_redis` for "redis", and so on.
SHARED = ["sqlite", "redis", "postgresql", "psycopg2", "mysql", "generic"]
ENGINES = ["memory", *SHARED]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Yield a server that all tests of a session share."""
    with open_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Yield a server that all tests of a session share."""
    with open_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def maria_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaServer]:
    """Yield a server that all tests of a session share."""
    with open_maria(tmp_path_factory.mktemp("maria")) as server:
        yield server


@pytest.fixture
def on_memory() -> Engine:
    """Return the engine of one process."""
    return memory_engine()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Engine:
    """Return the engine of one host, with a file of its own."""
    return sqlite_engine(tmp_path)


@pytest.fixture
def on_redis(redis_server: RedisServer) -> Engine:
    """Return the engine of many hosts, emptied."""
    return redis_engine(redis_server.url)


@pytest.fixture
def on_postgresql(postgres_server: PostgresServer) -> Engine:
    """Return PostgreSQL with the driver that is taken by itself, emptied."""
    return sql_engine(postgres_server.url)


@pytest.fixture
def on_psycopg2(postgres_server: PostgresServer) -> Engine:
    """Return PostgreSQL with the older driver, emptied."""
    return sql_engine(postgres_server.url.replace("postgresql", "postgresql+psycopg2"))


@pytest.fixture
def on_mysql(maria_server: MariaServer) -> Engine:
    """Return MySQL, emptied."""
    return sql_engine(maria_server.url)


@pytest.fixture
def on_generic(postgres_server: PostgresServer) -> Iterator[Engine]:
    """Yield a database we know nothing about, in an engine of the app's, emptied."""
    with open_generic_engine(postgres_server.url) as engine:
        yield engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return each engine."""
    found: Engine = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest) -> Engine:
    """Return each engine that several processes share."""
    found: Engine = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    """Yield a store of each engine."""
    store = engine.open()
    yield store
    store.close()
