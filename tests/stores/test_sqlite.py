from __future__ import annotations

import logging
import os
import sqlite3
import stat
from contextlib import closing
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from linq_otel._runtime import build_tracing
from linq_otel._settings import Settings
from linq_otel._shield import tally
from linq_otel.errors import StoreError
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from support.origins import Clock, accepted
from support.scripts import read_output, run_script, start_script
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the store's file goes."""
    return tmp_path / "linq.db"


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row for statement in statements for row in connection.execute(statement)]


class TestSQLiteStore:
    def test_is_shared(self, path: Path) -> None:
        """What one store saves, another on the same file finds."""
        with closing(SQLiteStore(str(path))) as one, closing(SQLiteStore(str(path))) as other:
            one.save(accepted("m1"))
            assert one.is_shared
            assert other.find("message:m1") == ("message:m1", accepted("m1"))
            assert (one.claim("e1"), other.claim("e1")) == (True, False)

    def test_survives_closing(self, path: Path) -> None:
        """Origins and claims are there when the file is opened again."""
        with closing(SQLiteStore(str(path))) as store:
            store.save(accepted("m1"))
            store.claim("e1")
        with closing(SQLiteStore(str(path))) as store:
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert not store.claim("e1")

    def test_writes_ahead(self, path: Path) -> None:
        """Readers do not wait for the writer: the file is in WAL mode, and is ours."""
        SQLiteStore(str(path)).close()
        pragmas = ("PRAGMA journal_mode", "PRAGMA application_id", "PRAGMA user_version")
        assert execute(path, *pragmas) == [("wal",), (0x6C696E71,), (2,)]

    def test_reads_while_another_writes(self, path: Path) -> None:
        """A writer that holds the file does not hide what is in it."""
        with closing(SQLiteStore(str(path))) as store, closing(sqlite3.connect(path)) as writer:
            store.save(accepted("m1"))
            writer.execute("BEGIN IMMEDIATE")
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_busy_time_is_bounded(self, path: Path) -> None:
        """A call behind a writer that never ends fails after the busy time."""
        store = SQLiteStore(str(path), busy_timeout=0.1)
        with closing(store), closing(sqlite3.connect(path)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            locked = r"refused: database is locked; another process"
            with timed() as timing, pytest.raises(StoreError, match=locked):
                store.save(accepted("m1"))
            assert timing.seconds > 0.05
            assert timing.net < 5
            writer.rollback()
            store.save(accepted("m1"))
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_failed_write_leaves_no_transaction(self, path: Path) -> None:
        """After a write that failed half-way, nothing of it is there and the next works."""
        with closing(SQLiteStore(str(path))) as store:
            execute(
                path,
                "CREATE TRIGGER refuse BEFORE INSERT ON linq_keys WHEN NEW.key = 'key:k1' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            with pytest.raises(StoreError, match="refused: no"):
                store.save(accepted("m1", key="k1"))
            assert store.find("message:m1") is None
            store.save(accepted("m2"))
            assert store.find("message:m2") == ("message:m2", accepted("m2"))

    def test_corrupt_row(self, path: Path) -> None:
        """A row that is no origin is an error that names the file, and others are found."""
        with closing(SQLiteStore(str(path))) as store:
            store.save(accepted("m1"))
            store.save(accepted("m2"))
            execute(path, "UPDATE linq_origins SET origin = '{\"' WHERE origin LIKE '%m1%'")
            with pytest.raises(StoreError, match=r"linq\.db: the store holds a row that is no"):
                store.find("message:m1")
            assert store.find("message:m2") == ("message:m2", accepted("m2"))

    def test_row_of_a_newer_version(self, path: Path) -> None:
        """A field a newer host added is passed over."""
        with closing(SQLiteStore(str(path))) as store:
            store.save(accepted("m1"))
            execute(path, "UPDATE linq_origins SET origin = '{\"mood\":1,' || substr(origin, 2)")
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_relative_path_is_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A process that changes its folder later keeps its file, and names it in full."""
        monkeypatch.chdir(tmp_path)
        store = SQLiteStore("linq.db")
        store.close()
        with pytest.raises(StoreError) as raised:
            store.find("message:m1")
        assert str(raised.value) == f"the store {tmp_path}/linq.db is closed; open it again"


class TestPrune:
    def test_deletes_what_expired(self, path: Path) -> None:
        """Only what is over its time goes, and the number of rows is told."""
        clock = Clock()
        with closing(SQLiteStore(str(path), ttl=10, clock=clock)) as store:
            store.save(accepted("m1", key="k1"))
            store.claim("e1")
            clock.now += 9
            store.save(accepted("m2"))
            assert store.prune() == 0
            clock.now += 1
            assert store.prune() == 4
            assert execute(path, "SELECT key FROM linq_keys") == [("message:m2",)]
            assert execute(path, "SELECT count(*) FROM linq_origins") == [(1,)]
            assert execute(path, "SELECT event_id FROM linq_events") == []

    def test_is_bounded(self, path: Path) -> None:
        """One prune holds the file for a bounded number of rows."""
        with closing(SQLiteStore(str(path))) as store:
            execute(
                path,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) "
                "INSERT INTO linq_events SELECT 'e' || i, 1.0 FROM n",
            )
            assert [store.prune(), store.prune(), store.prune()] == [5_000, 1_000, 0]

    def test_sweeps_itself(self, path: Path) -> None:
        """Nobody has to call it: every thousandth write sweeps."""
        clock = Clock()
        with closing(SQLiteStore(str(path), ttl=10, clock=clock)) as store:
            for number in range(999):
                store.claim(f"old {number}")
            clock.now += 10
            store.claim("new")
            assert execute(path, "SELECT event_id FROM linq_events") == [("new",)]


WRITE_AND_CLAIM = """
    import sys
    from linq_otel._origins import Origin
    from linq_otel.stores import open_store

    path, who = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.readline()
    store = open_store(f"sqlite:///{path}")
    owned = []
    for n in range(100):
        store.save(Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=f"{who}-{n}"))
        owned += [f"e{n}"] if store.claim(f"e{n}") else []
    store.close()
    print(*owned)
"""


class TestProcesses:
    def test_four_write_and_claim_at_once(self, path: Path) -> None:
        """Every save is found and every event has one owner, from a missing file on."""
        processes = [start_script(WRITE_AND_CLAIM, str(path), f"p{n}") for n in range(4)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        owned = [event for process in processes for event in read_output(process).split()]
        assert sorted(owned) == sorted(f"e{n}" for n in range(100))
        with closing(SQLiteStore(str(path))) as store:
            missing = [
                (p, n)
                for p in range(4)
                for n in range(100)
                if store.find(f"message:p{p}-{n}") is None
            ]
        assert missing == []

    def test_start_on_a_missing_file(self, tmp_path: Path) -> None:
        """Threads that open a missing file at one instant all get a store, time after time."""
        code = """
            import sys, threading
            from linq_otel.stores import open_store

            barrier, failures = threading.Barrier(8), []

            def start(round):
                barrier.wait(10)
                try:
                    open_store(f"sqlite:///{sys.argv[1]}/{round}.db").close()
                except Exception as error:
                    failures.append(repr(error))

            for round in range(10):
                threads = [threading.Thread(target=start, args=[round]) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            print(failures)
        """
        assert run_script(code, str(tmp_path)) == "[]\n"

    def test_killed_while_writing(self, path: Path) -> None:
        """What was saved before a kill is found, and the file is sound and writable."""
        code = """
            import itertools, sys
            from linq_otel._origins import Origin
            from linq_otel.stores import open_store

            store = open_store(f"sqlite:///{sys.argv[1]}")
            for n in itertools.count():
                store.save(Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=f"m{n}"))
                print(n, flush=True)
        """
        process = start_script(code, str(path))
        assert process.stdout
        for _ in range(50):
            process.stdout.readline()
        process.kill()
        told, _ = process.communicate()
        last = [int(line) for line in told.split("\n")[:-1]][-1:] or [49]
        with closing(SQLiteStore(str(path))) as store:
            assert [n for n in range(last[0] + 1) if store.find(f"message:m{n}") is None] == []
            assert store.claim("e1")
        assert execute(path, "PRAGMA integrity_check") == [("ok",)]


SAVE_IN_A_FORK = """
    import os, signal, sys, threading
    from linq_otel._origins import Origin
    from linq_otel.stores.sqlite import SQLiteStore

    def origin(name):
        return Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=name)

    store = SQLiteStore(sys.argv[1])
    store.save(origin("before"))
"""


def run_with_a_store(code: str, path: Path) -> str:
    return run_script(dedent(SAVE_IN_A_FORK) + dedent(code), str(path))


@needs_fork
class TestFork:
    def test_transaction_of_another_thread(self, path: Path) -> None:
        """A fork waits for the write of another thread, and the child can write."""
        code = """
            held = threading.Event()

            def write():
                with store._transaction() as connection:
                    held.set()
                    threading.Event().wait(0.2)

            thread = threading.Thread(target=write)
            thread.start()
            held.wait(10)
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                store.save(origin("child"))
                os._exit(0 if store.find("message:before") else 1)
            thread.join()
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), store.find("message:child") is not None)
        """
        assert run_with_a_store(code, path) == "0 True\n"

    def test_parent_closes_first(self, path: Path) -> None:
        """A child's writes are kept when the parent has closed the file meanwhile."""
        code = """
            ready, go = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                store.save(origin("early"))
                os.write(ready[1], b".")
                os.read(go[0], 1)
                store.save(origin("late"))
                os._exit(0)
            os.read(ready[0], 1)
            store.close()
            os.write(go[1], b".")
            os.waitpid(child, 0)
            again = SQLiteStore(sys.argv[1])
            print([n for n in ("before", "early", "late") if again.find(f"message:{n}") is None])
            again.close()
        """
        assert run_with_a_store(code, path) == "[]\n"

    def test_closed_store(self, path: Path) -> None:
        """A fork does not bring a closed store back, nor keep a forgotten one alive."""
        code = """
            import gc, weakref
            store.close()
            if (child := os.fork()) == 0:
                try:
                    store.claim("e1")
                except Exception as error:
                    print(error, flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            found = weakref.ref(store)
            del store
            gc.collect()
            if (child := os.fork()) == 0:
                os._exit(0)
            print(os.waitpid(child, 0)[1], found())
        """
        told = f"the store {path} is closed; open it again\n0 None\n"
        assert run_with_a_store(code, path) == told


def make_folder(path: Path) -> None:
    path.mkdir()


def make_garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1_000)


def make_short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0 and then nothing")


def make_truncated(path: Path) -> None:
    fill(path)
    path.write_bytes(path.read_bytes()[: 3 * 4096])


def make_foreign(path: Path) -> None:
    execute(path, "CREATE TABLE orders (id INTEGER)")


def make_foreign_and_empty(path: Path) -> None:
    execute(path, "PRAGMA application_id = 7")


def make_newer(path: Path) -> None:
    SQLiteStore(str(path)).close()
    execute(path, "PRAGMA user_version = 3")


def make_older(path: Path) -> None:
    SQLiteStore(str(path)).close()
    execute(path, "PRAGMA user_version = 1")


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def fill(path: Path) -> None:
    with closing(SQLiteStore(str(path))) as store:
        for number in range(300):
            store.save(accepted(f"m{number}"))


REFUSALS: list[tuple[Callable[[Path], None], str]] = [
    (make_folder, "is not a file; name a file"),
    (make_garbage, "refused: file is not a database; move the file away"),
    (make_short, "refused: file is not a database; move the file away"),
    (make_truncated, "refused: database disk image is malformed; move the file away"),
    (make_foreign, "is a SQLite file of another program; name a new file"),
    (make_foreign_and_empty, "is a SQLite file of another program; name a new file"),
    (make_newer, "has schema 3, this version reads 2; move the file away"),
    (make_older, "has schema 1, this version reads 2; move the file away"),
]
if hasattr(os, "mkfifo"):
    REFUSALS.append((make_fifo, "is not a file; name a file"))


class TestRefusals:
    @pytest.mark.parametrize(("make", "message"), REFUSALS)
    def test_says_which_file_and_what_to_do(
        self, path: Path, make: Callable[[Path], None], message: str
    ) -> None:
        """What cannot be a store is refused in one line, and not touched."""
        make(path)
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(StoreError) as raised:
            SQLiteStore(str(path))
        assert str(raised.value) == f"the store {path} {message}"
        assert (path.read_bytes() if path.is_file() else None) == before

    def test_folder_missing(self, tmp_path: Path) -> None:
        """A folder is not made: its name may be a slip."""
        path = tmp_path / "no" / "such" / "linq.db"
        with pytest.raises(StoreError) as raised:
            SQLiteStore(str(path))
        assert str(raised.value) == f"the folder of the store {path} does not exist; make it"

    def test_empty_file(self, path: Path) -> None:
        """A file that is empty, as ``touch`` makes it, becomes a store."""
        path.touch()
        with closing(SQLiteStore(str(path))) as store:
            assert store.claim("e1")

    def test_held_for_good(self, path: Path) -> None:
        """A file another process holds is not called broken."""
        fill(path)
        execute(path, "PRAGMA journal_mode = DELETE")
        with closing(sqlite3.connect(path)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreError) as raised:
                SQLiteStore(str(path))
        message = f"the store {path} refused: database is locked; another process holds it"
        assert str(raised.value) == message

    @pytest.mark.parametrize("what", ["file", "folder"])
    @needs_fork
    def test_read_only(self, what: str) -> None:
        """A file or a folder this user may not write is found out at once."""
        code = """
            import os, sys, tempfile
            from linq_otel.errors import StoreError
            from linq_otel.stores.sqlite import SQLiteStore

            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "linq.db")
                SQLiteStore(path).close()
                os.chmod(folder, 0o777 if sys.argv[1] == "file" else 0o555)
                os.chmod(path, 0o444 if sys.argv[1] == "file" else 0o666)
                if (child := os.fork()) == 0:
                    if os.getuid() == 0:
                        os.setuid(65534)  # Root may write everything.
                    try:
                        SQLiteStore(path)
                    except StoreError as error:
                        print(str(error).replace(path, "PATH"), flush=True)
                    os._exit(0)
                os.waitpid(child, 0)
                os.chmod(folder, 0o700)
        """
        message = "the store PATH cannot be written; let this user write the file and its folder\n"
        assert run_script(code, what) == message

    def test_garbage_in_the_middle(self, path: Path) -> None:
        """Damage that opening does not meet is told by the call that meets it."""
        fill(path)
        page = 4096
        pages = path.read_bytes()
        assert len(pages) > 10 * page
        path.write_bytes(pages[: 2 * page] + b"\xa5" * (len(pages) - 2 * page))
        with closing(SQLiteStore(str(path))) as store:
            with pytest.raises(StoreError) as raised:
                store.find(*(f"message:m{number}" for number in range(300)))
            message = f"the store {path} refused: database disk image is malformed"
            assert str(raised.value) == f"{message}; move the file away"
            with pytest.raises(StoreError, match="move the file away"):
                store.save(accepted("m7"))

    def test_full_disk(self, path: Path) -> None:
        """No room is told as it is, and what fits later is saved."""
        with closing(SQLiteStore(str(path))) as store:
            connection = store._open()
            connection.execute("PRAGMA max_page_count = 6")
            big = accepted("m" * 60_000)
            with pytest.raises(StoreError) as raised:
                store.save(big)
            assert "full; check its folder, its permissions and the room on" in str(raised.value)
            connection.execute("PRAGMA max_page_count = 1000000")
            store.save(big)
            assert store.find(*big.keys) == (big.keys[0], big)


class TestBuildTracing:
    @pytest.mark.parametrize(("make", "message"), REFUSALS)
    def test_memory_takes_its_place(
        self,
        path: Path,
        make: Callable[[Path], None],
        message: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The app runs on with a store of its own, and one line says why."""
        make(path)
        with caplog.at_level(logging.WARNING, "linq_otel"):
            tracing = build_tracing(Settings(store=f"sqlite:///{path}"))
        tracing.origins.save(accepted("m1"))
        assert isinstance(tracing.origins.store, MemoryStore)
        assert tracing.origins.find(["message:m1"]) == ("message:m1", accepted("m1"))
        line = f"the store {path} {message}; origins stay in this process instead (logged once)"
        assert [record.getMessage() for record in caplog.records] == [line]
        assert tally.counts() == {"store: StoreError": 1}

    def test_unknown_url(self, caplog: pytest.LogCaptureFixture) -> None:
        """A URL of no engine is told the same way."""
        tracing = build_tracing(Settings(store="mongodb://user:secret@host/0"))
        line = (
            "no store at 'mongodb:': use memory:, sqlite:///path/to/file, redis://host, "
            "postgresql://host/database or mysql://host/database; "
            "origins stay in this process instead (logged once)"
        )
        assert isinstance(tracing.origins.store, MemoryStore)
        assert [record.getMessage() for record in caplog.records] == [line]


class TestRights:
    def test_file_is_not_for_everybody(self, path: Path) -> None:
        """The file is made with the rights the process gives its files."""
        before = os.umask(0o077)
        try:
            SQLiteStore(str(path)).close()
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
