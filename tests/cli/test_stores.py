from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from linq_otel.stores import open_store
from linq_otel.stores.sqlite import SQLiteStore
from support.command_line import run_command
from support.origins import Clock, accepted
from support.otlp_processes import find_free_ports
from support.sql_servers import PASSWORD, open_maria, open_postgres
from support.sql_store_engines import drop_tables, run_sql, sql_engine


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.sql_processes import SqlServer


VARIABLE = "OTEL_PYTHON_LINQ_STORE"


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """
    Run the command as a person would; answer its exit code and what it printed.
    """
    done = run_command(*arguments, **environment)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlServer]:
    """Yield a server of each kind."""
    open_server = open_postgres if request.param == "postgresql" else open_maria
    with open_server(tmp_path_factory.mktemp(request.param)) as server:
        yield server


class TestPrune:
    def test_deletes_all_that_has_expired(self, server: SqlServer) -> None:
        """However many rows there are, none is left that has expired, and no other is gone."""
        sql_engine(server.url)
        insert = "INSERT INTO linq_events (event_id, expires) VALUES "
        rows = ", ".join(f"('e{number}', 1)" for number in range(5_500))
        run_sql(server.url, insert + rows, insert + "('new', 9000000000)")
        assert run("prune", "--store", server.url) == (0, "Deleted 5500 expired rows.\n", "")
        assert run_sql(server.url, "SELECT event_id FROM linq_events") == [("new",)]
        assert run("prune", **{VARIABLE: server.url}) == (0, "Deleted 0 expired rows.\n", "")

    def test_file(self, tmp_path: Path) -> None:
        """SQLite's rows go, too."""
        path = str(tmp_path / "linq.db")
        with closing(SQLiteStore(path, clock=Clock(), ttl=1)) as store:
            store.save(accepted("m1"))
        told = run("prune", "--store", f"sqlite:///{path}")
        assert told == (0, "Deleted 2 expired rows.\n", "")

    @pytest.mark.parametrize("url", ["memory:", "redis://127.0.0.1:1/0"])
    def test_stores_that_forget_by_themselves(self, url: str) -> None:
        """What expires by itself is said to, and not even asked."""
        told = "Nothing to do: this store forgets by itself what has expired.\n"
        assert run("prune", "--store", url) == (0, told, "")


class TestCreateTables:
    def test_makes_them_once(self, server: SqlServer) -> None:
        """What was made is named, and what was there is left."""
        drop_tables(server.url)
        made = (0, "Made linq_origins and linq_events.\n", "")
        there = (0, "Nothing to do: linq_origins and linq_events are there.\n", "")
        assert run("create-tables", "--store", server.url) == made
        run_sql(server.url, "INSERT INTO linq_events (event_id, expires) VALUES ('e1', 9e9)")
        assert run("create-tables", **{VARIABLE: server.url}) == there
        assert run_sql(server.url, "SELECT event_id FROM linq_events") == [("e1",)]

    def test_one_is_missing(self, server: SqlServer) -> None:
        """Only what is missing is made."""
        sql_engine(server.url)
        run_sql(server.url, "DROP TABLE linq_origins")
        told = (0, "Made linq_origins.\n", "")
        assert run("create-tables", "--store", f"{server.url}?create=false") == told

    def test_file(self, tmp_path: Path) -> None:
        """A file is made with its tables, and left alone if it is there."""
        url = f"sqlite:///{tmp_path / 'linq.db'}"
        made = (0, "Made linq_origins and linq_events.\n", "")
        there = (0, "Nothing to do: linq_origins and linq_events are there.\n", "")
        assert run("create-tables", "--store", url) == made
        with closing(open_store(url)) as store:
            store.save(accepted("m1"))
        assert run("create-tables", "--store", f"{url}?ttl=60") == there
        with closing(open_store(url)) as store:
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_stores_without_tables(self) -> None:
        """Others have none."""
        told = (0, "Nothing to do: this store has no tables.\n", "")
        assert run("create-tables", "--store", "redis://127.0.0.1:1/0") == told


@pytest.mark.parametrize("command", ["prune", "create-tables"])
class TestRefusals:
    @pytest.mark.parametrize("backend", ["postgresql", "mysql"])
    def test_unreachable(self, command: str, backend: str) -> None:
        """A server that is not there is one line, without the password, and exit code 1."""
        place = f"127.0.0.1:{find_free_ports(1)[0]}/db"
        told = run(command, "--store", f"{backend}://linq:{PASSWORD}@{place}")
        what = "cannot be reached; check its address and that it runs"
        assert told == (1, "", f"linq-otel: the store {backend}://{place} {what}\n")

    def test_wrong_password(self, command: str, server: SqlServer) -> None:
        """So is a password that is refused."""
        told = run(command, "--store", server.url.replace(PASSWORD, "wrong-horse"))
        what = "refused the user or the password; check those of the store"
        place = f"{server.scheme}://{server.place}"
        assert told == (1, "", f"linq-otel: the store {place} {what}\n")

    def test_no_store(self, command: str) -> None:
        """Without a store there is nothing to do it in, and that is exit code 2."""
        told = f"linq-otel: name a store: --store URL, or set {VARIABLE}\n"
        assert run(command) == (2, "", told)

    def test_wrong_url(self, command: str) -> None:
        """A URL that cannot be used is told as everywhere."""
        code, out, err = run(command, "--store", f"ftp://linq:{PASSWORD}@host/db")
        assert (code, out) == (2, "")
        assert err.startswith("linq-otel: no store at 'ftp:': use memory:, sqlite:///")
        assert PASSWORD not in err
