from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.doctor import examine, find_mark, leave_mark
from linq_otel.doctor._examination import find_all
from linq_otel.doctor._scene import look
from linq_otel.doctor._store_clocks import find_of_clock
from linq_otel.doctor._store_probes import judge, probe
from linq_otel.doctor._stores import ask_store
from linq_otel.stores import open_store
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.own import OwnStore
from support.findings import in_environment, pick
from support.otlp_processes import find_free_ports
from support.redis_servers import open_redis
from support.sql_servers import PASSWORD, open_maria, open_postgres
from support.timing import timed


if TYPE_CHECKING:
    from pathlib import Path

    from linq_otel._origins import Origin
    from linq_otel.doctor import Finding


SHARED = "export OTEL_PYTHON_LINQ_STORE=sqlite:///linq.db, or redis://… for several hosts"
PATIENCE = 5.0  # A machine that is busy with other things is not what is tested.


class ForgetfulStore(MemoryStore):
    """Finds nothing, as a replica does that is behind."""

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """Find nothing."""
        return None


class SlowStore(MemoryStore):
    """Takes its time to save."""

    def save(self, origin: Origin) -> None:
        """Save late."""
        time.sleep(0.1)
        super().save(origin)


def codes(found: list[Finding]) -> list[str]:
    return [each.code for each in found]


def plain(title: str) -> str:
    """
    Take the figures out that differ from run to run.
    """
    return re.sub(r"[\d.]+ ms", "N ms", title)


class TestMemory:
    def test_default(self) -> None:
        """The default is one process's own."""
        assert in_environment("store") == [("store.memory", "note", SHARED)]


class TestSqlite:
    def test_good(self, tmp_path: Path) -> None:
        """A file that is there keeps, finds and claims; nothing of it stays."""
        path = tmp_path / "linq.db"
        open_store(f"sqlite:///{path}").close()
        found = ask_store(f"sqlite:///{path}", PATIENCE)
        assert [(f.code, plain(f.title)) for f in found] == [
            ("store", f"{path} saves, finds and claims in N ms at most (opened in N ms)")
        ]
        with closing(sqlite3.connect(path)) as connection:
            left = [
                connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # Ours.  # noqa: S608  # Ours.
                for table in ("linq_origins", "linq_keys", "linq_events")
            ]
        assert left == [0, 0, 0]

    def test_not_made_yet(self, tmp_path: Path) -> None:
        """A file that is not there is not made."""
        path = tmp_path / "linq.db"
        assert pick(ask_store(f"sqlite:///{path}", PATIENCE), "store") == [
            ("store.absent", "note", "linq-otel create-tables, to make it now")
        ]
        assert not path.exists()

    def test_relative(self, tmp_path: Path) -> None:
        """A file in whatever folder a process is in is another one in the next."""
        assert pick(ask_store("sqlite:///linq.db", PATIENCE), "store.rel") == [
            (
                "store.relative",
                "warning",
                f"export OTEL_PYTHON_LINQ_STORE=sqlite:///{tmp_path / 'linq.db'}",
            )
        ]

    def test_no_folder(self, tmp_path: Path) -> None:
        """Without its folder no process can make it."""
        folder = tmp_path / "data"
        found = ask_store(f"sqlite:///{folder}/linq.db", PATIENCE)
        assert pick(found, "store") == [("store.unreachable", "problem", f"mkdir -p {folder}")]

    def test_of_another_program(self, tmp_path: Path) -> None:
        """A file of somebody else's is left as it is."""
        path = tmp_path / "other.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (x)")
        assert pick(ask_store(f"sqlite:///{path}", PATIENCE), "store") == [
            ("store.unreachable", "problem", "name a new file")
        ]

    def test_forgets_soon(self, tmp_path: Path) -> None:
        """A ttl of an hour is too short for messages that are read tomorrow."""
        path = tmp_path / "linq.db"
        open_store(f"sqlite:///{path}").close()
        assert pick(ask_store(f"sqlite:///{path}?ttl=3600", PATIENCE), "store.ttl") == [
            (
                "store.ttl",
                "warning",
                "leave ttl out of OTEL_PYTHON_LINQ_STORE: a week is its default",
            )
        ]


class TestInvalid:
    @pytest.mark.parametrize(
        ("url", "remedy"),
        [
            (
                "mongo://h/d",
                (
                    "use memory:, sqlite:///path/to/file, redis://host, "
                    "postgresql://host/database or "
                    "mysql://host/database"
                ),
            ),
            ("redis://h/0?prefx=x", None),
            ("redis://h/0?ttl=soon", "export OTEL_PYTHON_LINQ_STORE=sqlite:///linq.db"),
            ("redis://:do-not-show-me@h:port/0", None),
        ],
    )
    def test_url(self, url: str, remedy: str | None) -> None:
        """A URL that cannot be used is a problem, and its password is not shown."""
        found = [
            f
            for f in examine(environ={"OTEL_PYTHON_LINQ_STORE": url}, is_live=False)
            if f.area == "Store"
        ]
        assert codes(found) == ["store.invalid"]
        assert remedy is None or found[0].remedy == remedy
        assert found[0].remedy != ""
        assert "do-not-show-me" not in repr(found)


class TestRedis:
    def test_good(self, tmp_path: Path) -> None:
        """A server keeps, finds and claims; its clock is asked; its keys expire by themselves."""
        with open_redis(tmp_path / "redis") as server:
            found = ask_store(server.url, PATIENCE)
            left = [server.command("PTTL", key) for key in server.command("KEYS", "*").split()]
        assert codes(found) == ["store", "store.loopback", "store.clock"]
        assert plain(found[0].title) == (
            f"{server.place}/0 saves, finds and claims in N ms at most (opened in N ms)"
        )
        assert [ttl for ttl in left if not 0 < int(ttl) <= 1000] == []

    def test_refused(self, tmp_path: Path) -> None:
        """A password that is wrong is said to be, and not shown."""
        with open_redis(tmp_path / "redis", options=("--requirepass", "right")) as server:
            url = server.url.replace("redis://", "redis://:do-not-show-me@")
            found = ask_store(url, PATIENCE)
        assert pick(found, "store") == [
            ("store.unreachable", "problem", "check those of the store")
        ]
        assert "do-not-show-me" not in repr(found)

    def test_nobody_there(self) -> None:
        """A server that does not run cannot be reached."""
        found = ask_store(f"redis://127.0.0.1:{find_free_ports(1)[0]}/0", PATIENCE)
        assert [(f.code, f.remedy.partition(" (")[0]) for f in found] == [
            ("store.unreachable", "check its address and that it runs")
        ]

    def test_silent(self, tmp_path: Path) -> None:
        """A server that does not answer is waited for no longer than was said."""
        with open_redis(tmp_path / "redis") as server:
            scene = look(
                {"OTEL_PYTHON_LINQ_STORE": f"{server.url}?socket_timeout=20"}, {}, is_live=False
            )
            server.pause()
            with timed() as timing:
                found = find_all(replace(scene, seconds=0.2))
            server.resume()
        assert pick(found, "store") == [
            ("store.unreachable", "problem", "see whether it is overloaded, locked or cut off")
        ]
        assert timing.net < 4


class TestSql:
    @pytest.mark.parametrize("open_server", [open_postgres, open_maria])
    def test_life(self, tmp_path: Path, open_server: Any) -> None:
        """Tables are not made by looking; once they are there, nothing of a probe stays in them."""
        with open_server(tmp_path) as server:
            before = ask_store(server.url, PATIENCE)
            with closing(open_store(server.url)) as store:
                store.claim("made the tables")
            after = ask_store(server.url, PATIENCE)
            with closing(open_store(server.url)) as store:
                rows: Any = store
                left = rows._database.run(
                    lambda c, _: [
                        c.exec_driver_sql(f"SELECT count(*) FROM {t}").fetchall()[0][0]  # Ours.  # noqa: S608  # Ours.
                        for t in ("linq_origins", "linq_events")
                    ]
                )
        assert pick(before, "store") == [("store.absent", "note", "linq-otel create-tables")]
        assert codes(after) == ["store", "store.loopback", "store.clock"]
        assert left == [0, 1]
        assert PASSWORD not in repr([*before, *after])


class TestJudgement:
    def test_forgets(self) -> None:
        """What was saved and is not found is a problem."""
        found = judge("replica:6379", probe(ForgetfulStore()), PATIENCE)
        assert pick([found], "store") == [
            (
                "store.forgets",
                "problem",
                "export OTEL_PYTHON_LINQ_STORE with the address of the primary",
            )
        ]

    def test_slow(self) -> None:
        """What takes longer than a call waits is of no use to that call."""
        found = judge("far:6379", probe(SlowStore()), 0.05)
        assert (found.code, found.severity) == ("store.slow", "warning")
        assert plain(found.title) == "far:6379 took N ms; a call waits N ms for it"
        assert re.fullmatch(r"export OTEL_PYTHON_LINQ_STORE_TIMEOUT=\d{3,4}", found.remedy)

    def test_clock(self) -> None:
        """A server whose clock is another is told with the direction."""

        class Client:
            def execute_command(self, *_: str) -> tuple[int, int]:
                """Answer TIME."""
                return int(time.time()) - 90, 0

        class Source:
            def get_client(self) -> Client:
                """Return the client."""
                return Client()

        store: Any = MemoryStore()
        store._source = Source()
        (found,) = find_of_clock(store, "far:6379")
        assert re.sub(r"\d+ s", "N s", found.title) == (
            "this host's clock is N s ahead of that of far:6379"
        )
        assert pick([found], "store") == [
            ("store.clock.off", "warning", "timedatectl set-ntp true")
        ]


class TestObjects:
    def test_answers(self) -> None:
        """The app's own functions are asked, and nothing is written."""
        asked: list[tuple[str, ...]] = []

        def find(keys: tuple[str, ...]) -> None:
            asked.append(keys)

        found = ask_store(OwnStore(find=find), PATIENCE)
        assert pick(found, "store") == [("store.own", "note", "")]
        assert asked == [("message:linq-otel-doctor",)]

    def test_raises(self) -> None:
        """What they raise is told by its type alone."""

        def find(keys: tuple[str, ...]) -> None:
            raise LookupError("do-not-show-me")

        found = ask_store(OwnStore(find=find), PATIENCE)
        assert [(f.code, f.title) for f in found] == [
            (
                "store.unreachable",
                "the app's OwnStore raised LookupError when it was asked for a key",
            )
        ]


class TestMarks:
    def test_found(self, tmp_path: Path) -> None:
        """What one leaves, another finds in the same store, however its URL is written."""
        code, left = leave_mark(f"sqlite:///{tmp_path}/linq.db")
        found = find_mark("sqlite:///linq.db?ttl=60", f" {code.upper()} ")
        assert pick(left, "store") == [
            ("store.mark.left", "ok", f"linq-otel doctor --find-mark {code}")
        ]
        assert pick(found, "store") == [("store.mark.found", "ok", "")]

    def test_missing(self, tmp_path: Path) -> None:
        """And not in another one."""
        code, _ = leave_mark("sqlite:///one.db")
        assert pick(find_mark("sqlite:///two.db", code), "store") == [
            (
                "store.mark.missing",
                "problem",
                "compare OTEL_PYTHON_LINQ_STORE in both, then linq-otel doctor --leave-mark",
            )
        ]

        assert not (tmp_path / "two.db").exists()

    def test_memory(self) -> None:
        """Nobody finds what is in the memory of another process."""
        assert codes(leave_mark("memory:")[1]) == ["store.mark.missing"]

    def test_of_the_future(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A mark that will be left in ten minutes tells that the clocks differ."""
        now = time.time_ns()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time_ns", lambda: now + 600 * 10**9)
            code, _ = leave_mark("sqlite:///linq.db")
        (found,) = find_mark("sqlite:///linq.db", code)
        assert re.sub(r"\d+ s", "N s", found.title) == (
            f"the mark {code} is here: both processes share this store, "
            "and this host's clock is N s behind the other's"
        )
        assert found.code == "store.clock.off"

    def test_refused(self) -> None:
        """A store that does not work is told as in any examination."""
        url = f"redis://127.0.0.1:{find_free_ports(1)[0]}/0"
        assert codes(leave_mark(url)[1]) == ["store.unreachable"]
        assert codes(find_mark("mongo://", "00")) == ["store.invalid"]
