from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.stores import open_store
from linq_otel.stores.sql import SQLStore
from support.origins import accepted
from support.sql_servers import USER, open_pgbouncer
from support.sql_store_engines import run_sql, sql_engine


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linq_otel.stores import Store
    from support.sql_servers import PostgresServer


PREPARED = """
SELECT name, statement FROM pg_prepared_statements
WHERE strpos(statement, 'pg_prepared') = 0 ORDER BY name
"""
# The driver would notice the bare words.
FORGET = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
# The driver prepares what it runs for the sixth time.
OFTEN = range(7)


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """Return where PostgreSQL is, with our tables empty."""
    sql_engine(postgres_server.url)
    return postgres_server.url


class TestPreparing:
    @pytest.mark.parametrize(
        ("query", "runs", "prepared"),
        [
            ("", 5, 0),
            ("", 6, 1),
            ("?prepare_threshold=1", 2, 1),
            ("?prepare_threshold=100", 7, 0),
            ("?options=-c%20statement_timeout%3D7000", 7, 0),
            ("?options=-c%20enable_seqscan%3Doff", 7, 1),
        ],
    )
    def test_direct(self, url: str, query: str, runs: int, prepared: int) -> None:
        """What is run often is prepared, unless the URL says something else."""
        with closing(open_store(url + query)) as store:
            for number in range(runs):
                store.claim(f"e{number}")
            assert len(ask(store, PREPARED)) == prepared

    def test_psycopg2(self, url: str) -> None:
        """The older driver prepares nothing."""
        with closing(open_store(url.replace("postgresql:", "postgresql+psycopg2:"))) as store:
            for number in OFTEN:
                store.claim(f"e{number}")
            assert ask(store, PREPARED) == []

    def test_plans_of_empty_tables(self, postgres_server: PostgresServer, url: str) -> None:
        """A plan that was made while nothing was there goes by the key, when it is full, too."""
        run_sql(url, "ANALYZE linq_origins", "ANALYZE linq_events")
        with closing(open_store(url)) as store:
            assert isinstance(store, SQLStore)
            for _ in range(20):
                store.find("message:m1", "trace:t1")
                store.prune()
            plans = [explain(store, *row) for row in ask(store, PREPARED)]
        assert [sorted(find_scans(plan)) for plan in plans] == [
            ["linq_origins_pkey"],
            # The old ones are searched for by their age, and deleted by their key.
            ["linq_origins_expires", "linq_origins_pkey"],
            ["linq_events_expires", "linq_events_pkey"],
        ]


class TestStaying:
    """
    What was prepared may be gone, or of no use: the operation succeeds all the same.
    """

    def test_another_end(self, url: str) -> None:
        """A pooler that was not seen gives another connection; nothing is prepared after that."""
        with closing(open_store(url)) as store:
            for number in OFTEN:
                store.claim(f"e{number}")
            ask(store, FORGET)
            assert [store.claim("new"), store.claim("new")] == [True, False]
            for number in OFTEN:
                store.claim(f"f{number}")
            assert ask(store, PREPARED) == []

    def test_altered_table(self, url: str) -> None:
        """A column of another type is read at once, and statements are prepared again."""
        with closing(open_store(url)) as store:
            store.save(accepted("m1"))
            for _ in OFTEN:
                store.find("message:m1")
            run_sql(url, "ALTER TABLE linq_origins ALTER COLUMN origin TYPE varchar(9999)")
            try:
                assert store.find("message:m1") == ("message:m1", accepted("m1"))
                for _ in OFTEN:
                    store.find("message:m1")
                assert len(ask(store, PREPARED)) == 1
            finally:
                run_sql(url, "ALTER TABLE linq_origins ALTER COLUMN origin TYPE text")


@pytest.fixture
def url_of_indexes(url: str) -> Iterator[str]:
    """Yield the same, where all that is asked for before anything is prepared is so anyway."""
    run_sql(url, f"ALTER ROLE {USER} SET enable_seqscan = off")
    yield url
    run_sql(url, f"ALTER ROLE {USER} RESET enable_seqscan")


class TestPgBouncer:
    @pytest.mark.usefixtures("url_of_indexes")
    @pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
    def test_modes(self, postgres_server: PostgresServer, tmp_path: Path, mode: str) -> None:
        """In any mode all goes as without it, and nothing is prepared at the other end."""
        with (
            open_pgbouncer(tmp_path, postgres_server, mode) as pooler,
            closing(open_store(pooler.url)) as store,
        ):

            def use(thread: int) -> bool:
                names = [f"{thread}-{number}" for number in range(40)]
                for name in names:
                    store.save(accepted(name))
                found = [store.find(f"message:{name}") for name in names]
                assert found == [(f"message:{name}", accepted(name)) for name in names]
                return all(store.claim(name) and not store.claim(name) for name in names)

            # Of more there is none in a session that lasts.
            count = 2 if mode == "session" else 4
            with ThreadPoolExecutor(count) as threads:
                assert list(threads.map(use, range(count))) == [True] * count
            assert [ask(store, PREPARED) for _ in range(4)] == [[]] * 4

    @pytest.mark.usefixtures("url")
    def test_threshold_of_the_url(self, postgres_server: PostgresServer, tmp_path: Path) -> None:
        """Who asks for statements to be prepared has them prepared."""
        with (
            open_pgbouncer(tmp_path, postgres_server) as pooler,
            closing(open_store(f"{pooler.url}?prepare_threshold=0")) as store,
        ):
            store.claim("e1")
            assert ask(store, PREPARED)


def ask(store: Store, statement: str) -> list[Any]:
    """
    Run *statement* on the connection that the store used last, and read its rows.
    """
    assert isinstance(store, SQLStore)

    cursor = store._database.run(lambda connection, _: connection.exec_driver_sql(statement))
    return list(cursor.fetchall()) if cursor.description else []


def explain(store: Store, name: str, statement: str) -> dict[str, Any]:
    """
    Return the plan of a prepared statement, as it is for any values.
    """
    values = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d)", statement))))
    ((rows,),) = ask(store, f"EXPLAIN (FORMAT JSON) EXECUTE {name}({values})")
    plan: dict[str, Any] = rows[0]["Plan"]
    return plan


def find_scans(plan: dict[str, Any]) -> Iterator[str]:
    """
    Yield the index of each scan, or its kind if it goes by none.
    """
    if "Index Name" in plan:
        yield plan["Index Name"]
    elif "Scan" in plan["Node Type"] and "Bitmap" not in plan["Node Type"]:
        yield plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from find_scans(part)
