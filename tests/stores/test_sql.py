from __future__ import annotations

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select, text

from linq_otel.errors import StoreError
from linq_otel.stores import _sql_own_connections, open_store
from linq_otel.stores._sql_tables import find_missing
from linq_otel.stores.sql import SQLStore, create_tables, metadata
from support.origins import Clock, accepted, provisional
from support.scripts import read_output, run_script, start_script
from support.slow_proxy import open_slow_proxy
from support.sql_servers import PASSWORD, USER
from support.sql_store_engines import (
    add_driver,
    drop_tables,
    engine_of_app,
    run_sql,
    sql_engine,
)


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from linq_otel.stores import Store
    from linq_otel.stores._sql_tables import Tables
    from support.sql_processes import SqlServer
    from support.sql_servers import MariaServer, PostgresServer
    from support.store_engines import Engine as Subject


TABLES = ("linq_origins", "linq_events")
NO_TABLES = "has no tables linq_origins and linq_events; make them with `linq-otel create-tables`"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(params=["postgresql", "mysql"])
def server(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, maria_server: MariaServer
) -> SqlServer:
    """Return each server, without our tables."""
    server: SqlServer = postgres_server if request.param == "postgresql" else maria_server
    drop_tables(server.url)
    return server


@pytest.fixture
def app(server: SqlServer) -> Iterator[Engine]:
    """Yield an engine as an app has it, with a table of its own that is empty."""
    engine = create_engine(add_driver(server.url))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_app(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine of a file."""
    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    yield engine
    engine.dispose()


CREATE_AT_ONCE = """
    import sys
    from linq_otel._origins import Origin
    from linq_otel.stores import open_store

    store = open_store(sys.argv[1])
    origin = Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    store.save(origin)
    print(*[f"e{n}" for n in range(20) if store.claim(f"e{n}")])
    store.close()
"""


class TestCreation:
    @pytest.mark.slow
    def test_processes_at_once(self, server: SqlServer) -> None:
        """Whoever comes first makes the tables; nobody is told that another was faster."""
        processes = [start_script(CREATE_AT_ONCE, server.url, f"m{n}") for n in range(4)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        owned = [event for process in processes for event in read_output(process).split()]
        assert sorted(owned) == sorted(f"e{n}" for n in range(20))
        with closing(open_store(server.url)) as store:
            assert [n for n in range(4) if store.find(f"message:m{n}") is None] == []

    def test_threads_at_once(self, app: Engine) -> None:
        """However many make them, both tables and their indexes are there afterwards."""
        with ThreadPoolExecutor(6) as threads:
            made = list(threads.map(lambda _: create_tables(app), range(6)))
        assert set(made) <= {TABLES, TABLES[:1], TABLES[1:], ()}
        assert create_tables(app) == ()
        assert find_differences(app) == []

    def test_first_operation(self, server: SqlServer) -> None:
        """A look-up makes them as well, and so does a store whose tables were dropped."""
        with closing(open_store(server.url)) as store:
            assert store.find("message:m1") is None
            assert store.claim("e1")
            drop_tables(server.url)
            assert store.claim("e1")

    def test_one_table_is_missing(self, server: SqlServer) -> None:
        """What was made half is made whole."""
        with closing(open_store(server.url)) as store:
            assert store.claim("e1")
            run_sql(server.url, "DROP TABLE linq_origins")
            assert store.find("message:m1") is None
            assert not store.claim("e1")

    def test_others_who_are_faster(
        self, server: SqlServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Tables that somebody makes between our failure and our look at them are used."""
        looks: list[tuple[str, ...]] = []

        def make_first(engine: Engine, tables: Tables) -> tuple[str, ...]:
            create_tables(engine)
            looks.append(find_missing(engine, tables))
            return looks[-1]

        monkeypatch.setattr("linq_otel.stores._sql_databases.find_missing", make_first)
        with closing(open_store(server.url)) as store:
            assert store.find("message:m1") is None
            assert [store.claim("e1"), store.claim("e1")] == [True, False]
        assert looks == [()]

    def test_refusing_to_create(self, server: SqlServer) -> None:
        """With create=False nothing is made, and what is there is used."""
        place = f"the store {server.scheme}://{server.place}"
        with closing(open_store(f"{server.url}?create=false")) as store:
            with pytest.raises(StoreError) as raised:
                store.claim("e1")
            assert str(raised.value) == f"{place} {NO_TABLES}"
            with closing(open_store(server.url)) as other:
                assert isinstance(other, SQLStore)
                assert other.create_tables() == TABLES
                assert other.create_tables() == ()
            assert store.claim("e1")

    def test_user_who_may_not_create(self, server: SqlServer) -> None:
        """A user who may only read and write needs tables, and those are enough."""
        url = make_user(server)
        place = f"the store {server.scheme}://{server.place}"
        with closing(open_store(url)) as store:
            with pytest.raises(StoreError) as raised:
                store.claim("e1")
            assert str(raised.value).startswith(place)
            assert "`linq-otel create-tables`" in str(raised.value)
            with closing(open_store(server.url)) as other:
                assert isinstance(other, SQLStore)
                other.create_tables()
            grant(server)
            store.save(accepted("m1"))
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert [store.claim("e1"), store.claim("e1")] == [True, False]
            assert isinstance(store, SQLStore)
            assert store.prune() == 0

    def test_schema(self, server: SqlServer) -> None:
        """The tables can be in a schema of their own, which somebody has made."""
        run_sql(server.url, "DROP SCHEMA IF EXISTS elsewhere" + cascade(server))
        run_sql(server.url, "CREATE SCHEMA elsewhere")
        with (
            closing(open_store(f"{server.url}?schema=elsewhere")) as store,
            closing(open_store(server.url)) as other,
        ):
            store.save(accepted("m1"))
            assert store.claim("e1")
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert other.find("message:m1") is None
            assert other.claim("e1")
            assert run_sql(server.url, "SELECT count(*) FROM elsewhere.linq_events") == [(1,)]

    def test_schema_that_is_missing(self, postgres_server: PostgresServer) -> None:
        """A schema is not made: its name may be a slip."""
        with closing(open_store(f"{postgres_server.url}?schema=nowhere")) as store:
            with pytest.raises(StoreError) as raised:
                store.claim("e1")
            assert str(raised.value).endswith(NO_TABLES)


class TestAlembic:
    def test_on_servers(self, app: Engine) -> None:
        """It finds our tables missing, and nothing to do once they are made."""
        missing = {(kind, what.name) for kind, what in find_differences(app)}
        assert missing == {
            ("add_table", "linq_origins"),
            ("add_table", "linq_events"),
            ("add_index", "linq_origins_expires"),
            ("add_index", "linq_events_expires"),
        }
        create_tables(app)
        assert find_differences(app) == []

    def test_on_sqlite(self, sqlite_app: Engine) -> None:
        """SQLite has no other tables."""
        create_tables(sqlite_app)
        assert find_differences(sqlite_app) == []


class TestTransactions:
    def test_rolled_back_by_the_app(self, app: Engine) -> None:
        """What the store writes inside the app's transaction stays; the app's own goes."""
        store = SQLStore(app)
        with app.connect() as connection:
            connection.execute(text("INSERT INTO orders VALUES (1)"))
            store.save(accepted("m1"))
            assert store.claim("e1")
            connection.rollback()
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert not store.claim("e1")
            assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 0

    def test_not_committed_by_the_store(self, app: Engine) -> None:
        """What the app has not committed is seen by nobody, whatever the store does."""
        store = SQLStore(app)
        with app.connect() as connection, app.connect() as other:
            connection.execute(text("INSERT INTO orders VALUES (1)"))
            store.claim("e1")
            store.find("message:m1")
            assert other.execute(text("SELECT count(*) FROM orders")).scalar() == 0
            connection.commit()

    @pytest.mark.parametrize("level", [None, "AUTOCOMMIT", "SERIALIZABLE"])
    def test_engine_is_left_as_it_was(self, server: SqlServer, level: str | None) -> None:
        """Connections go back into the app's pool with the isolation they had."""
        given = {"isolation_level": level} if level else {}
        app = create_engine(add_driver(server.url), **given)
        with app.connect() as connection:
            before = connection.get_isolation_level()
        store = SQLStore(app)
        store.claim("e1")
        store.close()
        with app.connect() as connection:
            assert connection.get_isolation_level() == before
        app.dispose()

    def test_row_locks(self, postgres_server: PostgresServer) -> None:
        """Two origins that share keys are saved by many threads without a deadlock."""
        sql_engine(postgres_server.url)
        names = [f"t{n}" for n in range(8)]

        def save_all(turn: int) -> None:
            for n in range(30):
                ids = tuple(names if (turn + n) % 2 else reversed(names))
                store.save(replace(provisional(f"k{n % 3}"), linq_trace_ids=ids))

        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"
        before = run_sql(postgres_server.url, deadlocks)
        with closing(open_store(postgres_server.url)) as store, ThreadPoolExecutor(4) as threads:
            list(threads.map(save_all, range(4)))
        assert run_sql(postgres_server.url, deadlocks) == before


class TestSaving:
    def test_note_after_the_answer(self, server: SqlServer) -> None:
        """An accepted origin is not replaced, however often somebody tries."""
        first = accepted("m1", key="k1")
        with closing(open_store(server.url)) as store:
            for origin in (provisional("k1"), first, provisional("k1"), accepted("m2", key="k1")):
                store.save(origin)
            assert store.find("key:k1") == ("key:k1", first)
            assert store.find("message:m2") == ("message:m2", accepted("m2", key="k1"))

    def test_round_trips_of_mysql(self, maria_server: MariaServer) -> None:
        """Nothing is sent but the operations themselves."""
        sql_engine(maria_server.url)
        with closing(open_store(maria_server.url)) as store:
            assert isinstance(store, SQLStore)
            store._pruning.writes = itertools.count(1)
            before = count_questions(store)
            store.save(accepted("m1", trace="t1", key="k1"))
            store.find("message:m1", "key:k1")
            store.claim("e1")
            store.claim("e1")
            # The last one is the question itself.
            assert count_questions(store) - before == 4 + 1


class TestConnections:
    def test_as_many_as_are_needed(self, server: SqlServer) -> None:
        """However long a connection takes to open, each is opened once, and waited for then."""
        sql_engine(server.url)
        with open_slow_proxy(server.port, 0.06) as proxy:
            url = server.url.replace(str(server.port), str(proxy.port))
            opened: list[int] = []
            for threads in (4, 12):
                with closing(open_store(url)) as store, ThreadPoolExecutor(threads) as pool:
                    before = proxy.connections
                    list(pool.map(partial(work, store, threads), range(threads)))
                    opened.append(proxy.connections - before)
        assert opened[0] in range(1, 5)
        assert opened[1] in range(1, 9)

    def test_none_left(
        self, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An operation that comes when all are in use waits for one, for a bounded time."""
        monkeypatch.setattr(_sql_own_connections, "OPERATION_SECONDS", 0.1)
        sql_engine(postgres_server.url)
        begun, done = threading.Semaphore(0), threading.Event()

        def hold(connection: Any, _was_tried: bool) -> bool:  # noqa: FBT001  # As it is called.
            begun.release()
            return done.wait(10)

        with closing(open_store(postgres_server.url)) as store, ThreadPoolExecutor(8) as threads:
            assert isinstance(store, SQLStore)
            holding = [threads.submit(store._database.run, hold) for _ in range(8)]
            assert all(begun.acquire(timeout=10) for _ in holding)
            with pytest.raises(StoreError, match="all connections of the engine are in use"):
                store.claim("e1")
            done.set()
            assert [each.result(10) for each in holding] == [True] * 8
            assert store.claim("e1")


class TestKeys:
    def test_case(self, server: SqlServer) -> None:
        """An id in another case, or followed by a space, is another id."""
        with closing(open_store(server.url)) as store:
            names = ["Ab", "ab", "AB", "ab ", " ab", "ab\0", "äb", "ÄB"]
            for name in names:
                store.save(accepted(name))
            found = [store.find(f"message:{name}") for name in names]
            assert found == [(f"message:{name}", accepted(name)) for name in names]
            assert [store.claim(name) for name in names] == [True] * len(names)

    def test_longest_id_as_it_is(self, server: SqlServer) -> None:
        """The keys of any id Linq gives are in the table as they are, for people to see."""
        name = "a1" * 64
        with closing(open_store(server.url)) as store:
            store.save(accepted(name))
        table = metadata.tables["linq_origins"]
        with engine_of_app(server.url).connect() as connection:
            assert list(connection.scalars(select(table.c.key))) == [f"message:{name}"]

    def test_long_origin(self, server: SqlServer) -> None:
        """An origin of any length comes back whole."""
        origin = replace(accepted("m1"), tracestate="a=" + "b" * 100_000)
        with closing(open_store(server.url)) as store:
            store.save(origin)
            assert store.find("message:m1") == ("message:m1", origin)


class TestPrune:
    def test_deletes_what_has_expired(self, app: Engine) -> None:
        """Nothing else goes, and the number of rows is told."""
        clock = Clock()
        store = SQLStore(app, ttl=10, clock=clock)
        store.save(accepted("old", trace="t1"))
        store.claim("old")
        clock.advance(5)
        store.save(accepted("new"))
        store.claim("new")
        assert store.prune() == 0
        clock.advance(5)
        assert [store.prune(), store.prune()] == [3, 0]
        assert store.find("message:new") == ("message:new", accepted("new"))
        assert not store.claim("new")

    def test_bounded(self, server: SqlServer) -> None:
        """However much has expired, so many rows go at once."""
        with closing(open_store(server.url)) as store:
            assert isinstance(store, SQLStore)
            store.create_tables()
            fill(server.url, 12_000)
            assert [store.prune() for _ in range(4)] == [10_000, 10_000, 4_000, 0]

    def test_by_itself(self, app: Engine) -> None:
        """Every hundredth write takes a few rows along, more than were written."""
        clock = Clock()
        store = SQLStore(app, ttl=10, clock=clock)
        store._pruning.writes = itertools.count(1)
        for number in range(99):
            store.claim(f"old {number}")
        clock.advance(10)
        store.claim("new")
        assert [row[0] for row in run_sql_on(app, "SELECT event_id FROM linq_events")] == ["new"]

    def test_hosts_take_turns(self, server: SqlServer) -> None:
        """Stores that were made at one moment do not delete at one moment."""
        stores = [open_store(server.url) for _ in range(30)]
        starts = {next(store._pruning.writes) for store in stores if isinstance(store, SQLStore)}
        for store in stores:
            store.close()
        assert len(starts) > 5

    def test_at_once(self, server: SqlServer) -> None:
        """Several hosts that delete at the same time delete each row once, and none waits."""
        with closing(open_store(server.url)) as store:
            assert isinstance(store, SQLStore)
            store.create_tables()
            fill(server.url, 9_000)

            def prune_all(_: int) -> int:
                return sum(iter(store.prune, 0))

            with ThreadPoolExecutor(3) as threads:
                assert sum(threads.map(prune_all, range(3))) == 18_000

    def test_database_we_do_not_know(self, on_generic: Subject) -> None:
        """What has expired goes from any database, and so much at once."""
        with closing(on_generic.open()) as store:
            assert isinstance(store, SQLStore)
            store.save(accepted("new"))
            fill(on_generic.url.partition("?")[0], 5_500)
            assert [store.prune() for _ in range(3)] == [10_000, 1_000, 0]
            assert store.find("message:new") == ("message:new", accepted("new"))

    def test_rows_in_use(self, postgres_server: PostgresServer) -> None:
        """A row that somebody works with is left for the next time, and waited for by nobody."""
        sql_engine(postgres_server.url)
        fill(postgres_server.url, 2)
        app = create_engine(add_driver(postgres_server.url))
        with closing(open_store(postgres_server.url)) as store, app.connect() as connection:
            assert isinstance(store, SQLStore)
            in_use = "SELECT * FROM linq_origins WHERE key = 'message:0' FOR UPDATE"
            connection.execute(text(in_use))
            assert store.prune() == 3
            connection.rollback()
            assert store.prune() == 1
        app.dispose()


SAVE_IN_A_FORK = """
    import os, sys, threading
    from linq_otel._origins import Origin
    from linq_otel.stores import open_store
    from linq_otel.stores.sql import SQLStore
    from sqlalchemy import create_engine

    def origin(name):
        return Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=name)

    def missing(*names):
        return [name for name in names if store.find(f"message:{name}") is None]

    engine = None if sys.argv[2] == "own" else create_engine(sys.argv[1])
    store = open_store(sys.argv[1]) if engine is None else SQLStore(engine)
    ASK = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}

    def find_line():
        ask = ASK[sys.argv[1].partition("+")[0]]
        return store._database.run(lambda c, _: c.exec_driver_sql(ask).fetchall()[0][0])

    store.save(origin("before"))
"""


@pytest.fixture(params=["own", "app"])
def whose(request: pytest.FixtureRequest) -> str:
    """Return whose engine it is."""
    found: str = request.param
    return found


@pytest.fixture(params=["postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql"])
def fork_url(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, maria_server: MariaServer
) -> str:
    """Return where each server is, with each driver."""
    is_postgres = request.param.startswith("postgresql")
    server: SqlServer = postgres_server if is_postgres else maria_server
    url = server.url.replace(f"{server.scheme}:", f"{request.param}:")
    sql_engine(url)
    return url


@needs_fork
class TestForks:
    def test_child_and_parent(self, fork_url: str, whose: str) -> None:
        """A child has connections of its own, and its end does not end the parent's."""
        code = """
            line = find_line()
            for number in range(3):
                if (child := os.fork()) == 0:
                    store.save(origin(f"child {number}"))
                    print(missing("before"), find_line() == line, flush=True)
                    sys.exit(0)
                assert os.waitpid(child, 0)[1] == 0
                store.save(origin(f"parent {number}"))
                assert find_line() == line
            print(missing(*(f"{who} {n}" for n in range(3) for who in ("child", "parent"))))
        """
        out = run_script(dedent(SAVE_IN_A_FORK) + dedent(code), fork_url, whose)
        assert out == "[] False\n" * 3 + "[]\n"

    def test_in_the_middle_of_traffic(self, fork_url: str, whose: str) -> None:
        """Children of a process whose threads are writing write, too, and nothing is mixed up."""
        code = """
            stop, failures = threading.Event(), []
            # A child hangs in libpq if another thread opens a connection while it is forked.
            connected = threading.Barrier(3)

            def write(who):
                number = 0
                while not stop.is_set():
                    number += 1
                    name = f"{who} {number}"
                    store.save(origin(name))
                    found = store.find(f"message:{name}")
                    if found is None or found[1] != origin(name):
                        failures.append(name)
                    if number == 1:
                        connected.wait()

            threads = [threading.Thread(target=write, args=[who]) for who in ("a", "b")]
            for thread in threads:
                thread.start()
            connected.wait()
            statuses = []
            for number in range(5):
                if (child := os.fork()) == 0:
                    store.save(origin(f"child {number}"))
                    os._exit(len(missing("before", f"child {number}")))
                statuses.append(os.waitpid(child, 0)[1])
            stop.set()
            for thread in threads:
                thread.join()
            print(failures, statuses)
        """
        out = run_script(dedent(SAVE_IN_A_FORK) + dedent(code), fork_url, whose)
        assert out == "[] [0, 0, 0, 0, 0]\n"


class TestClosing:
    def test_own_connections(self, postgres_server: PostgresServer) -> None:
        """A closed store has none left; it says that it is closed, also when that comes twice."""
        store = open_store(postgres_server.url)
        store.claim("e1")
        store.close()
        store.close()
        wait_until_gone(postgres_server.url)
        for attempt in (
            lambda: store.save(accepted("m1")),
            lambda: store.find("message:m1"),
            lambda: store.claim("e1"),
        ):
            with pytest.raises(StoreError) as raised:
                attempt()
            place = f"postgresql://{postgres_server.place}"
            assert str(raised.value) == f"the store {place} is closed; open it again"

    def test_while_it_is_used(self, postgres_server: PostgresServer) -> None:
        """A connection that is in use when the store is closed goes when it is not any more."""
        store = open_store(postgres_server.url)
        assert isinstance(store, SQLStore)
        begun, closed = threading.Event(), threading.Event()

        def use(connection: Any, _was_tried: bool) -> bool:  # noqa: FBT001  # As it is called.
            begun.set()
            assert connection.exec_driver_sql("SELECT 1").fetchall()
            return closed.wait(10)

        with ThreadPoolExecutor(1) as threads:
            using = threads.submit(store._database.run, use)
            assert begun.wait(10)
            store.close()
            closed.set()
            assert using.result(10)
        wait_until_gone(postgres_server.url)

    def test_engine_of_the_app(self, app: Engine) -> None:
        """An app's engine is open after its store is closed."""
        store = SQLStore(app)
        store.claim("e1")
        store.close()
        with app.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


class TestSqlite:
    def test_engine_of_a_file(self, sqlite_app: Engine) -> None:
        """An app that keeps all in SQLite keeps this there, too."""
        store = SQLStore(sqlite_app)
        origin = accepted("m1", trace="t1", key="k1")
        store.save(provisional("k1"))
        store.save(origin)
        store.save(provisional("k1"))
        assert store.find("key:k1", "message:m1") == ("key:k1", origin)
        assert [store.claim("e1"), store.claim("e1"), store.prune()] == [True, False, 0]


def work(store: Store, threads: int, number: int) -> None:
    """
    Do what messages need, in one of several threads.
    """
    for turn in range(25):
        name = f"c{threads} {number} {turn}"
        store.save(accepted(name))
        assert store.find(f"message:{name}") == (f"message:{name}", accepted(name))
        assert store.claim(name)
        time.sleep(0.002)


def wait_until_gone(url: str) -> None:
    """
    Wait until PostgreSQL has no connection of ours.
    """
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'linq-otel'"
    deadline = time.monotonic() + 10
    while run_sql(url, ours) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def find_differences(engine: Engine) -> list[tuple[str, Any]]:
    """
    Return what Alembic would do about our tables.
    """

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in TABLES

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        found: list[tuple[str, Any]] = compare_metadata(context, metadata)
    return found


def make_user(server: SqlServer) -> str:
    """
    Return the URL of a user who may not make tables.
    """
    if server.scheme == "postgresql":
        run_sql(
            server.url,
            "DROP ROLE IF EXISTS clerk",
            f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'",
        )
    else:
        run_sql(
            server.url,
            f"CREATE OR REPLACE USER clerk IDENTIFIED BY '{PASSWORD}'",
            "CREATE TABLE IF NOT EXISTS seen (id INTEGER)",
            "GRANT SELECT ON linq.seen TO clerk",
        )
    return server.url.replace(f"{USER}:", "clerk:")


def grant(server: SqlServer) -> None:
    """
    Let that user do what is needed, and no more.
    """
    for table in TABLES:
        run_sql(server.url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO clerk")


def cascade(server: SqlServer) -> str:
    return " CASCADE" if server.scheme == "postgresql" else ""


def count_questions(store: SQLStore) -> int:
    """
    Return how many statements a connection of MySQL has been sent.
    """
    ask = "SHOW SESSION STATUS LIKE 'Questions'"
    rows = store._database.run(lambda connection, _: connection.exec_driver_sql(ask).fetchall())
    return int(rows[0][1])


def fill(url: str, count: int) -> None:
    """
    Put *count* rows into each table that have expired.
    """
    origins, events = (metadata.tables[name] for name in TABLES)
    keys = [f"message:{n}" for n in range(count)]
    row = {"origin": "{}", "accepted": True, "expires": 1.0}
    with engine_of_app(url).begin() as connection:
        connection.execute(origins.insert(), [{"key": key, **row} for key in keys])
        connection.execute(events.insert(), [{"event_id": key, "expires": 1.0} for key in keys])


def run_sql_on(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]
