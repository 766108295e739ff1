from __future__ import annotations

import itertools
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from linq_otel._shield import tally
from linq_otel.errors import StoreError
from linq_otel.stores import open_store
from linq_otel.stores.sql import SQLStore
from support.origins import accepted
from support.otlp_processes import find_free_ports
from support.redis_proxy import LossyProxy, open_lossy_proxy
from support.sql_servers import PASSWORD, USER, open_postgres
from support.sql_store_engines import add_driver, run_sql, sql_engine
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from linq_otel.stores import Store
    from support.sql_processes import SqlServer
    from support.sql_servers import MariaServer, PostgresServer


LOGIN = "refused the user or the password; check those of the store"
REACH = "cannot be reached; check its address and that it runs"
TABLES = "has no tables linq_origins and linq_events; make them with `linq-otel create-tables`"
RIGHTS = (
    "does not permit this user to do so; grant it SELECT, INSERT, UPDATE and DELETE on "
    "linq_origins and linq_events, or make them with `linq-otel create-tables` as another user"
)
READ_ONLY = "is read-only; name the primary"
SLOW = "did not answer in time; see whether it is overloaded, locked or cut off"
TRIES: dict[str, Callable[[Store], object]] = {
    "save": lambda store: store.save(accepted("m1", trace="t1", key="k1")),
    "find": lambda store: store.find("message:m1", "key:k1"),
    "claim": lambda store: store.claim("e1"),
}
WRITES = ("save", "claim")


def refusals(store: Store, tries: Sequence[str] = tuple(TRIES)) -> set[str]:
    """
    Try, and return what was said; nothing of it may be caused by what repeats a secret.
    """
    said: set[str] = set()
    for name in tries:
        with pytest.raises(StoreError) as raised:
            TRIES[name](store)
        assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
        for secret in (PASSWORD, USER + ":", "m1", "INSERT"):
            assert secret not in str(raised.value).replace("grant it SELECT, INSERT", "")
        said.add(str(raised.value))
    return said


def told(server: SqlServer, what: str) -> set[str]:
    return {f"the store {server.scheme}://{server.place} {what}"}


@pytest.fixture(params=["psycopg", "psycopg2"])
def postgres_url(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> str:
    """Return where PostgreSQL is, with each driver."""
    url = postgres_server.url.replace("postgresql:", f"postgresql+{request.param}:")
    sql_engine(url)
    return url


@pytest.fixture(params=["postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql"])
def server_and_url(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, maria_server: MariaServer
) -> tuple[SqlServer, str]:
    """Return a server and where it is, with each driver."""
    is_postgres = request.param.startswith("postgresql")
    server: SqlServer = postgres_server if is_postgres else maria_server
    url = server.url.replace(f"{server.scheme}:", f"{request.param}:")
    sql_engine(url)
    return server, url


class TestPlaces:
    @pytest.mark.parametrize(
        ("old", "new", "what"),
        [
            (PASSWORD, "wrong-horse", LOGIN),
            (f"{USER}:", "nobody:", LOGIN),
            (f":{PASSWORD}", "", LOGIN),
        ],
    )
    def test_login(
        self, server_and_url: tuple[SqlServer, str], old: str, new: str, what: str
    ) -> None:
        """A wrong user or password is told without repeating either."""
        server, url = server_and_url
        with closing(open_store(url.replace(old, new))) as store:
            assert refusals(store) == told(server, what)

    def test_database(self, server_and_url: tuple[SqlServer, str]) -> None:
        """A database that is not there is told by its name."""
        server, url = server_and_url
        with closing(open_store(f"{url.removesuffix(server.database)}nowhere")) as store:
            what = "has no such database; make it, or name another"
            said = {each.replace("/nowhere ", f"/{server.database} ") for each in refusals(store)}
            assert said == told(server, what)

    def test_port(self, server_and_url: tuple[SqlServer, str]) -> None:
        """Nothing is connected before the first operation, and that says who is not there."""
        server, url = server_and_url
        (free,) = find_free_ports(1)
        with closing(open_store(url.replace(str(server.port), str(free)))) as store:
            said = {each.replace(str(free), str(server.port)) for each in refusals(store)}
            assert said == told(server, REACH)

    def test_host(self, server_and_url: tuple[SqlServer, str]) -> None:
        """A host without an address is told the same way."""
        server, url = server_and_url
        with closing(open_store(url.replace("127.0.0.1", "db.invalid"))) as store:
            said = {each.replace("db.invalid", "127.0.0.1") for each in refusals(store)}
            assert said == told(server, REACH)


class TestRestarts:
    def test_dead_connections(self, server_and_url: tuple[SqlServer, str]) -> None:
        """After a restart each operation succeeds at once, though all connections are dead."""
        server, url = server_and_url
        with closing(open_store(url)) as store:
            fill_pool(store)
            server.kill()
            server.start()
            store.save(accepted("m1"))
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert [store.claim("e1"), store.claim("e1")] == [True, False]

    def test_down_and_up(self, server_and_url: tuple[SqlServer, str]) -> None:
        """While the server is down it is told so at once, and afterwards all is there."""
        server, url = server_and_url
        with closing(open_store(url)) as store:
            store.save(accepted("m0"))
            server.kill()
            try:
                with timed() as timing:
                    assert refusals(store) == told(server, REACH)
                assert timing.net < 3
            finally:
                server.start()
            assert store.find("message:m0") == ("message:m0", accepted("m0"))

    def test_engine_of_the_app(self, server_and_url: tuple[SqlServer, str]) -> None:
        """An app's engine heals at once, too."""
        server, url = server_and_url
        engine = create_engine(url)
        store = SQLStore(engine)
        fill_pool(store)
        server.kill()
        server.start()
        assert [store.claim("e1"), store.claim("e1")] == [True, False]
        engine.dispose()

    def test_lost_answer(self, postgres_server: PostgresServer, postgres_url: str) -> None:
        """A claim whose answer was lost is made again, and found to be one's own."""
        with open_lossy_proxy(postgres_server.port) as proxy:
            port = urlsplit(proxy.url).port
            with closing(
                open_store(postgres_url.replace(str(postgres_server.port), str(port)))
            ) as store:
                assert store.claim("e0")
                proxy.losing, proxy.times = b"INSERT", 1
                assert [store.claim("e1"), store.claim("e1"), store.claim("e0")] == [
                    True,
                    False,
                    False,
                ]
                proxy.times = 1
                store.save(accepted("m1"))
                assert store.find("message:m1") == ("message:m1", accepted("m1"))


class TestRoundTrips:
    def test_one_each(self, postgres_server: PostgresServer, postgres_url: str) -> None:
        """Once connected, an operation asks the server once, whatever it is."""
        with open_lossy_proxy(postgres_server.port) as proxy:
            port = urlsplit(proxy.url).port
            with closing(
                open_store(postgres_url.replace(str(postgres_server.port), str(port)))
            ) as store:
                store._pruning.writes = itertools.count(1)
                store.claim("e0")
                proxy.requests.clear()
                for attempt in TRIES.values():
                    attempt(store)
                assert [name_request(request) for request in proxy.requests] == [*TRIES]

    def test_engine_of_the_app(self, postgres_server: PostgresServer) -> None:
        """No transaction is begun or ended in an app's engine either."""
        sql_engine(postgres_server.url)
        with open_lossy_proxy(postgres_server.port) as proxy:
            port = urlsplit(proxy.url).port
            engine = create_engine(
                add_driver(postgres_server.url).replace(str(postgres_server.port), str(port))
            )
            store = SQLStore(engine)
            store._pruning.writes = itertools.count(1)
            store.claim("e0")
            proxy.requests.clear()
            for attempt in TRIES.values():
                attempt(store)
            assert [name_request(request) for request in proxy.requests] == [*TRIES]
            engine.dispose()


class OptionlessPooler(LossyProxy):
    """
    Refuses what PgBouncer refuses.

    Attributes:
        refusals: How often it did.
    """

    refusals = 0

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        words = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
        with suppress(OSError):
            while len(asked := client.recv(4096, socket.MSG_PEEK)) == 8:
                client.recv(8)
                client.sendall(b"N")  # Without encryption.
            if b"statement_timeout" not in asked:
                super()._pass_on(client, server)
                return
            self.refusals += 1
            client.recv(4096)
            client.sendall(b"E" + (len(words) + 4).to_bytes(4, "big") + words)
        client.close()
        server.close()


class TestPoolers:
    def test_without_options(self, postgres_server: PostgresServer, postgres_url: str) -> None:
        """A pooler that passes no options on is asked without them, from the second time on."""
        pooler = OptionlessPooler(postgres_server.port)
        pooler.start()
        port = urlsplit(pooler.url).port
        url = postgres_url.replace(str(postgres_server.port), str(port))
        with closing(pooler), closing(open_store(url)) as store:
            fill_pool(store)
            assert not store.claim("fill 0 0")
            assert pooler.refusals in range(1, 5)


class TestHeldServers:
    def test_paused(self, server_and_url: tuple[SqlServer, str]) -> None:
        """A server that hangs holds nobody up for long, and is found again."""
        server, url = server_and_url
        with closing(open_store(url)) as store:
            store.save(accepted("m0"))
            server.pause()
            try:
                # With a connection, and without one.
                with timed() as timing:
                    assert refusals(store, ["find", "claim"]) == told(server, SLOW)
            finally:
                server.resume()
            assert timing.net < 9
            assert store.find("message:m0") == ("message:m0", accepted("m0"))

    def test_locked(self, server_and_url: tuple[SqlServer, str]) -> None:
        """A table that somebody has locked holds nobody up for long."""
        server, url = server_and_url
        engine = create_engine(url)
        with closing(open_store(url)) as store, engine.connect() as connection:
            store.claim("e0")
            is_postgres = server.scheme == "postgresql"
            lock = "LOCK TABLE linq_events" if is_postgres else "LOCK TABLES linq_events WRITE"
            connection.execute(text(lock))
            with timed() as timing:
                assert refusals(store, ["claim"]) == told(server, SLOW)
            assert timing.net < 5
            assert store.find("message:m1") is None
            if not is_postgres:
                connection.execute(text("UNLOCK TABLES"))
            connection.rollback()
            assert not store.claim("e0")
        engine.dispose()


PROTESTS = """
CREATE OR REPLACE FUNCTION protest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('protests');
    RAISE EXCEPTION 'message:m1 is mine' USING ERRCODE = '{code}';
END $$
"""
CONFLICT = "put off this operation for others; see its log for deadlocks"
FULL = "is full; give its disk room"
BUSY = "has no connection left; permit it more, or use fewer"


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "what", "times"),
        [
            ("53100", FULL, 1),
            ("53300", BUSY, 1),
            ("40P01", CONFLICT, 3),
            ("40001", CONFLICT, 3),
            ("55P03", SLOW, 1),
            ("57P03", "is starting or stopping; it works once it has", 1),
            ("XX001", "refused (XX001); see its version and its log", 1),
        ],
    )
    def test_codes_of_postgresql(
        self, postgres_server: PostgresServer, postgres_url: str, code: str, what: str, times: int
    ) -> None:
        """What the server refuses is told by its code; what gave way to others is tried again."""
        run_sql(
            postgres_url,
            "CREATE SEQUENCE protests",
            PROTESTS.format(code=code),
            "CREATE TRIGGER protest BEFORE INSERT ON linq_events "
            "FOR EACH ROW EXECUTE FUNCTION protest()",
        )
        try:
            with closing(open_store(postgres_url)) as store:
                assert refusals(store, ["claim"]) == told(postgres_server, what)
            assert run_sql(postgres_url, "SELECT last_value FROM protests") == [(times,)]
        finally:
            run_sql(
                postgres_url,
                "DROP TRIGGER protest ON linq_events",
                "DROP FUNCTION protest",
                "DROP SEQUENCE protests",
            )

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            (1021, FULL),
            (1040, BUSY),
            (1213, CONFLICT),
            (1205, SLOW),
            (1290, READ_ONLY),
            (4444, "refused (4444); see its version and its log"),
        ],
    )
    def test_codes_of_mysql(self, maria_server: MariaServer, code: int, what: str) -> None:
        """The numbers of MySQL are understood as well."""
        url = maria_server.url
        sql_engine(url)
        run_sql(
            url,
            "CREATE TRIGGER protest BEFORE INSERT ON linq_events FOR EACH ROW "
            f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'm1 is mine'",
        )
        try:
            with closing(open_store(url)) as store:
                assert refusals(store, ["claim"]) == told(maria_server, what)
        finally:
            run_sql(url, "DROP TRIGGER protest")

    def test_too_many_connections(self, tmp_path: Path) -> None:
        """A server that takes no more connections says so."""
        options = ("-c", "max_connections=1", "-c", "superuser_reserved_connections=0")
        few = (*options, "-c", "max_wal_senders=0")
        with open_postgres(tmp_path, few) as server:
            engine = create_engine(add_driver(server.url))
            with engine.connect(), closing(open_store(server.url)) as store:
                assert refusals(store) == told(server, BUSY)
            engine.dispose()

    def test_pool_of_the_app_is_used_up(self, postgres_server: PostgresServer) -> None:
        """An app that holds all its connections is told that the pool is too small."""
        url = add_driver(postgres_server.url)
        engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.1)
        with engine.connect():
            what = "was not asked, all connections of the engine are in use; give its pool more"
            assert refusals(SQLStore(engine)) == told(postgres_server, what)
        engine.dispose()

    def test_read_only(self, server_and_url: tuple[SqlServer, str]) -> None:
        """A database that takes no writes still answers look-ups."""
        server, url = server_and_url
        with closing(open_store(as_reader(server, url))) as store:
            assert refusals(store, WRITES) == told(server, READ_ONLY)
            assert store.find("message:m1") is None

    def test_primary_that_became_a_replica(
        self, postgres_server: PostgresServer, postgres_url: str
    ) -> None:
        """Its name may lead elsewhere by now: its connections are not used again."""
        with closing(open_store(postgres_url)) as store:
            store.claim("e0")
            set_read_only(postgres_url, "on")
            try:
                assert refusals(store, ["claim"]) == told(postgres_server, READ_ONLY)
                assert run_sql(postgres_url, OUR_CONNECTIONS) == [(0,)]
            finally:
                set_read_only(postgres_url, "off")
            assert store.claim("e1")


class TestPruning:
    def test_failure_beside_a_write(self, postgres_url: str) -> None:
        """What was written is written, even if nothing can be deleted beside it."""
        run_sql(postgres_url, "CREATE RULE keep AS ON DELETE TO linq_events DO INSTEAD SELECT 1/0")
        try:
            with closing(open_store(postgres_url)) as store:
                store._pruning.writes = itertools.count(100)
                assert store.claim("e1")
        finally:
            run_sql(postgres_url, "DROP RULE keep ON linq_events")
        assert tally.counts() == {"store: prune": 1}


def fill_pool(store: Store) -> None:
    """
    Have the store open several connections.
    """
    barrier = threading.Barrier(4)

    def claim(number: int) -> bool:
        barrier.wait(20)
        return all(store.claim(f"fill {number} {n}") for n in range(20))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(claim, range(4))) == [True] * 4


def name_request(request: bytes) -> str:
    """
    Tell which operation it is.
    """
    words = {"save": b"INSERT INTO linq_origins", "find": b"SELECT", "claim": b"INSERT INTO linq_e"}
    return next((name for name, word in words.items() if word in request), str(request))


def as_reader(server: SqlServer, url: str) -> str:
    """
    Return the URL of a database that takes no writes.
    """
    if server.scheme == "postgresql":
        return f"{url}?options=-c%20default_transaction_read_only%3Don"
    run_sql(
        url,
        "CREATE OR REPLACE USER reader IDENTIFIED BY 'correct-horse'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON linq.* TO reader",
        "SET GLOBAL read_only = 1",
    )
    return url.replace(f"{USER}:", "reader:")


def set_read_only(url: str, value: str) -> None:
    """
    Make all transactions of a PostgreSQL server such, also on connections there are.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"ALTER SYSTEM SET default_transaction_read_only = {value}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    deadline = time.monotonic() + 10
    while run_sql(url, "SHOW default_transaction_read_only") != [(value,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


OUR_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'linq-otel'"
