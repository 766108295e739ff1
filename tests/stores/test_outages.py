"""
Real stores that hang, die, fill up or take nothing, as a call that needs them sees it.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from linq_otel.stores import open_store
from support.failing_stores import wait_until
from support.metric_readings import Meterage
from support.origins import accepted
from support.redis_servers import open_redis
from support.sql_servers import open_postgres
from support.timing import Timing, timed


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOUND = 0.05
# What a call may take beside its wait: far from what an unbounded driver would take.
SLACK = 0.2
SECRET = "hunter2"


class Server(Protocol):
    """A server that can be stopped and started."""

    url: str

    def kill(self) -> None:
        """Kill it."""

    def start(self) -> None:
        """Start it again."""

    def pause(self) -> None:
        """Make it hang."""

    def resume(self) -> None:
        """Let it go on."""


@contextmanager
def keeping(url: str) -> Iterator[tuple[OriginKeeper, Meterage]]:
    """Keep origins at *url* while the block lasts, as an app does."""
    meterage = Meterage()
    store = open_store(url)
    keeper = OriginKeeper(store, Meters(meterage.provider), BOUND)
    try:
        yield keeper, meterage
    finally:
        keeper.close()
        store.close()
        meterage.provider.shutdown()


def took(function: Callable[..., Any], *args: Any) -> tuple[Timing, Any]:
    with timed() as timing:
        answer = function(*args)
    return timing, answer


def is_found(keeper: OriginKeeper, name: str) -> bool:
    key = f"message:{name}"
    return keeper.find((key,)) == (key, accepted(name))


def settle(keeper: OriginKeeper) -> None:
    """Connect, make tables, and leave what that took behind."""
    keeper.keep(accepted("m1"))
    assert wait_until(lambda: is_found(keeper, "m1"))
    assert wait_until(lambda: not keeper._guard._writes.is_open)  # type: ignore[union-attr]


@pytest.fixture(params=[open_redis, open_postgres], ids=["redis", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Yield a server of one's own, of each engine."""
    with request.param(tmp_path) as server:
        yield server


class TestServer:
    @pytest.mark.timing
    def test_that_hangs(self, server: Server) -> None:
        """Three calls wait for the bound, the next for nothing, and it heals by itself."""
        with keeping(server.url) as (keeper, meterage):
            settle(keeper)
            server.pause()
            try:
                for _ in range(3):
                    first, _ = took(keeper.find, ("message:m1",))
                with timed() as after:
                    for number in range(2, 102):
                        assert keeper.find(("message:m1",)) is None
                        assert keeper.claim(f"e{number}")
                        keeper.keep(accepted(f"m{number}"))
            finally:
                server.resume()
            assert first.seconds >= BOUND
            assert first.net < BOUND + SLACK
            assert after.net < SLACK
            assert wait_until(lambda: is_found(keeper, "m101"), 15)
            assert all(is_found(keeper, f"m{number}") for number in range(1, 102))
            skipped = meterage.counts("linq.store.operation.skipped")
            assert (skipped["claim",], skipped["save",]) == (100, 100)
            assert meterage.counts("linq.store.origin.lost") == {}

    @pytest.mark.timing
    def test_that_is_killed_and_comes_back(self, server: Server) -> None:
        """Nothing is restarted but the server, and what was to be saved is saved."""
        with keeping(server.url) as (keeper, _):
            settle(keeper)
            server.kill()
            timing, found = took(keeper.find, ("message:m1",))
            assert found is None
            assert timing.net < BOUND + SLACK
            keeper.keep(accepted("m2"))
            server.start()
            assert wait_until(lambda: is_found(keeper, "m2"), 15)

    @pytest.mark.timing
    def test_that_is_not_there_yet(self, server: Server) -> None:
        """An app that is started before its store finds it later."""
        server.kill()
        with keeping(server.url) as (keeper, _):
            timing, _ = took(keeper.keep, accepted("m1"))
            assert timing.net < BOUND + SLACK
            server.start()
            assert wait_until(lambda: is_found(keeper, "m1"), 15)

    def test_whose_password_is_wrong(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the log nor an error has it, and the app runs on."""
        url = re.sub("://(?:[^@/]*@)?", f"://somebody:{SECRET}@", server.url)
        with keeping(url) as (keeper, _):
            keeper.keep(accepted("m1"))
            assert keeper.find(("message:m1",)) is None
            assert wait_until(lambda: len(caplog.records) == 2)
        assert SECRET not in caplog.text
        assert SECRET not in repr(keeper.store)


class TestFull:
    @pytest.mark.timing
    def test_redis(self, tmp_path: Path) -> None:
        """What is in it is still found; what it does not take is taken when there is room."""
        with open_redis(tmp_path) as server, keeping(server.url) as (keeper, meterage):
            settle(keeper)
            server.command("CONFIG", "SET", "maxmemory", "1")
            timing, _ = took(keeper.keep, accepted("m2"))
            assert timing.net < BOUND + SLACK
            assert is_found(keeper, "m1")
            failed = ("linq_otel.errors.StoreError", "save")
            assert meterage.counts("linq.store.operation.duration")[failed] == 1
            server.command("CONFIG", "SET", "maxmemory", "0")
            assert wait_until(lambda: is_found(keeper, "m2"), 15)


class TestReadOnly:
    def test_redis(self, tmp_path: Path) -> None:
        """A primary that has become a replica answers look-ups, and takes writes again later."""
        with open_redis(tmp_path) as server, keeping(server.url) as (keeper, _):
            settle(keeper)
            server.command("REPLICAOF", "127.0.0.1", "1")
            keeper.keep(accepted("m2"))
            assert is_found(keeper, "m1")
            server.command("REPLICAOF", "NO", "ONE")
            assert wait_until(lambda: is_found(keeper, "m2"), 15)


class TestSQLite:
    @pytest.mark.timing
    def test_locked_by_another_process(self, tmp_path: Path) -> None:
        """Who holds the file holds up three calls for the bound, and none after that."""
        path = tmp_path / "linq.db"
        with keeping(f"sqlite:///{path}") as (keeper, _):
            settle(keeper)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            for name in ("m2", "m3", "m4"):
                first, _ = took(keeper.keep, accepted(name))
                assert first.seconds >= BOUND
                assert first.net < BOUND + SLACK
            last, _ = took(keeper.keep, accepted("m5"))
            other.execute("ROLLBACK")
            other.close()
            assert last.net < BOUND
            assert wait_until(
                lambda: all(is_found(keeper, name) for name in ("m2", "m3", "m4", "m5")), 15
            )
