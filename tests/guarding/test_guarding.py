from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from linq_otel import _circuits, _guarding
from linq_otel._guarding import StoreGuard
from linq_otel._meters import Meters
from linq_otel._shield import tally
from linq_otel.errors import StoreError, UnreadableOriginError
from linq_otel.stores.own import OwnStore
from linq_otel.stores.sqlite import SQLiteStore
from support.failing_stores import SwitchedStore, raises, wait_until, works
from support.origins import accepted, provisional
from support.programs import REPOSITORY
from support.timing import Timing, timed


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

M1 = accepted("m1")
PATHS = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "tests")))}


class Guarded:
    """
    A guard, the store behind it, and what was measured.
    """

    def __init__(self, store: Any = None) -> None:
        self.store = store or SwitchedStore()
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])
        self.guard = StoreGuard(self.store, Meters(self.provider), 0.05)

    def points(self, name: str) -> dict[tuple[object, ...], float]:
        """
        Return the points of a metric: their attributes' values, and how often or how many.
        """
        data = self.reader.get_metrics_data()
        metrics: list[Any] = json.loads(data.to_json())["resource_metrics"] if data else []
        return {
            tuple(point["attributes"].values()): point.get("count", point.get("value"))
            for resource in metrics
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
            if metric["name"] == name
            for point in metric["data"]["data_points"]
            # Counters begin at zero.
            if point.get("count", point.get("value"))
        }


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """Yield a guard whose store works."""
    guarded = Guarded()
    yield guarded
    guarded.guard.close()
    guarded.provider.shutdown()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return what calls an operation of a guard, in a coroutine or not."""

    def call(guard: StoreGuard, operation: str, argument: object) -> Any:
        if request.param == "sync":
            return getattr(guard, operation)(argument)
        return asyncio.run(getattr(guard, f"a{operation}")(argument))

    return call


def took(function: Callable[..., Any], *args: object) -> tuple[Timing, Any]:
    with timed() as timing:
        answer = function(*args)
    return timing, answer


@pytest.fixture(autouse=True)
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log be told as soon as a store works again."""
    monkeypatch.setattr(_circuits, "_QUIET_SECONDS", 0.0)


class TestStoreGuard:
    def test_of_a_store_that_works(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """Every operation does what the store does, in our threads, and is measured."""
        guard = guarded.guard
        assert call(guard, "save", M1) is None
        assert call(guard, "find", ("message:m0", "message:m1")) == ("message:m1", M1)
        assert [call(guard, "claim", event) for event in ("e1", "e1")] == [True, False]
        assert guarded.store.threads == {"linq-otel-store"}
        assert guarded.points("linq.store.operation.duration") == {
            ("save",): 1,
            ("find",): 1,
            ("claim",): 2,
        }
        assert guarded.points("linq.store.operation.skipped") == {}

    @pytest.mark.timing
    def test_of_a_store_that_hangs(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """Three calls wait 50 ms, the next none at all, for reading and writing alike."""
        gate = threading.Event()
        guarded.store.reading = guarded.store.writing = lambda: gate.wait(10)
        for _ in range(3):
            first, answer = took(call, guarded.guard, "find", ("message:m1",))
            assert answer is None
            assert first.seconds >= 0.05
            assert first.net < 0.2
        asked = guarded.store.asked
        with timed() as after:
            for number in range(100):
                assert guarded.guard.find(("message:m1",)) is None
                assert guarded.guard.claim(f"e{number}") is True
        assert after.net < 0.02
        # Two at most are the probes'.
        assert guarded.store.asked - asked <= 2
        assert guarded.points("linq.store.operation.skipped") == {("find",): 100, ("claim",): 100}
        gate.set()

    @pytest.mark.parametrize("what", ["reading", "writing"])
    def test_one_slow_operation(
        self,
        guarded: Guarded,
        call: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
        what: str,
    ) -> None:
        """A hiccup costs its own caller 50 ms, and nothing else: the next is answered."""
        guarded.guard.save(M1)

        def hiccup() -> None:
            setattr(guarded.store, what, works)
            time.sleep(0.08)

        setattr(guarded.store, what, hiccup)
        if what == "writing":
            call(guarded.guard, "save", accepted("m2"))
        else:
            assert call(guarded.guard, "find", ("message:m1",)) is None
        assert call(guarded.guard, "find", ("message:m1",)) == ("message:m1", M1)
        assert [call(guarded.guard, "claim", "e1") for _ in range(2)] == [True, False]
        assert guarded.points("linq.store.operation.skipped") == {}
        assert caplog.records == []

    def test_one_operation_that_fails(
        self, guarded: Guarded, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An origin that was refused once is saved a moment later, and nothing is paused."""

        def refuse_once() -> None:
            guarded.store.writing = works
            raise StoreError("another transaction was first")

        guarded.store.writing = refuse_once
        guarded.guard.save(M1)
        assert guarded.guard.claim("e1") is True
        assert wait_until(lambda: guarded.store.find("message:m1") is not None)
        assert guarded.points("linq.store.operation.skipped") == {}
        assert caplog.records == []

    @pytest.mark.timing
    def test_saves_gently_what_waited(self, guarded: Guarded) -> None:
        """A store that works again has half of its time for others: it is not pressed."""
        guarded.store.writing = raises(StoreError("it is down"))
        for number in range(40):
            guarded.guard.save(accepted(f"m{number}"))
        saved: list[float] = []
        save = guarded.store.save

        def slowly(origin: Any) -> None:
            if origin.message_id:
                saved.append(time.perf_counter())
            time.sleep(0.002)
            save(origin)

        guarded.store.save, guarded.store.writing = slowly, works
        assert wait_until(lambda: guarded.store.find("message:m39") is not None)
        assert len(saved) == 40
        assert saved[-1] - saved[0] >= 39 * 0.004

    def test_notes_wait_as_well(self, guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
        """A note is kept for a store that is down, up to a bound of its own."""
        monkeypatch.setattr(_guarding, "WAITING_AT_MOST", 1)
        guarded.store.writing = raises(StoreError("it is down"))
        for name in ("m0", "m1", "m2", "m3"):
            guarded.guard.save(accepted(name))
        notes = [provisional(f"sent:m{number}") for number in range(20)]
        for note in notes:
            guarded.guard.note(note)
        assert guarded.points("linq.store.operation.skipped") == {("note",): 20, ("save",): 1}
        guarded.store.writing = works
        assert wait_until(lambda: guarded.store.find(*notes[-1].keys) is not None)
        assert [guarded.store.find(*note.keys) for note in notes] == [
            (note.keys[0], note) for note in notes
        ]

    def test_heals(
        self, guarded: Guarded, call: Callable[..., Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        """What was to be saved meanwhile is saved then, and each change is one line."""
        guarded.store.reading = guarded.store.writing = raises(StoreError("it is down"))
        others = [accepted(f"m{number}") for number in range(2, 20)]
        with caplog.at_level(logging.INFO, "linq_otel"):
            for _ in range(3):
                assert call(guarded.guard, "find", ("message:m1",)) is None
            for origin in (M1, *others):
                call(guarded.guard, "save", origin)
            guarded.store.reading = guarded.store.writing = works
            assert wait_until(lambda: len(caplog.records) == 4)
        assert wait_until(lambda: guarded.store.find("message:m19") is not None)
        for origin in (M1, *others):
            key = f"message:{origin.message_id}"
            assert call(guarded.guard, "find", (key,)) == (key, origin)
        lines = sorted(record.getMessage().partition(" after ")[0] for record in caplog.records)
        assert lines == [
            "looking up origins is paused, joins go by derived ids until it works: it is down",
            "looking up origins works again",
            "saving origins is paused, joins go by derived ids until it works: it is down",
            "saving origins works again",
        ]
        assert guarded.points("linq.store.origin.lost") == {}

    def test_read_only(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """A store that takes nothing any more still answers."""
        call(guarded.guard, "save", M1)
        guarded.store.writing = raises(StoreError("it is read-only"))
        for name in ("m2", "m3", "m4"):
            call(guarded.guard, "save", accepted(name))
        assert call(guarded.guard, "claim", "e1") is True
        assert call(guarded.guard, "find", ("message:m1",)) == ("message:m1", M1)
        assert guarded.points("linq.store.operation.duration") == {
            ("save",): 1,
            ("save", "linq_otel.errors.StoreError"): 3,
            ("find",): 1,
        }
        assert guarded.points("linq.store.operation.skipped") == {("claim",): 1}

    def test_an_origin_saved_late(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """A caller that stopped waiting has its origin saved all the same."""
        gate = threading.Event()
        guarded.store.writing = lambda: gate.wait(5)
        call(guarded.guard, "save", M1)
        gate.set()
        assert wait_until(lambda: guarded.store.find("message:m1") == ("message:m1", M1))

    def test_an_origin_that_fails_late(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """One that is refused after its caller has gone on is tried again."""
        gate = threading.Event()

        def refuse_later() -> None:
            gate.wait(5)
            guarded.store.writing = works
            raise OSError

        guarded.store.writing = refuse_later
        call(guarded.guard, "save", M1)
        gate.set()
        assert wait_until(lambda: guarded.store.find("message:m1") == ("message:m1", M1))

    def test_an_origin_that_is_always_refused(self, guarded: Guarded) -> None:
        """It is given up after three tries and counted, and the others are saved."""
        save = guarded.store.save

        def refuse_one(origin: Any) -> None:
            if origin.message_id == "bad":
                raise StoreError("the row is too long")
            save(origin)

        guarded.store.save = refuse_one
        guarded.guard.save(accepted("bad"))
        guarded.guard.save(M1)
        assert wait_until(lambda: guarded.points("linq.store.origin.lost") == {(): 1})
        assert wait_until(lambda: guarded.guard.find(("message:m1",)) is not None)
        assert wait_until(lambda: not guarded.guard._writes.is_open)

    def test_a_bounded_number_waits(
        self, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Memory does not grow while a store is down; what has no room is counted as lost."""
        monkeypatch.setattr(_guarding, "WAITING_AT_MOST", 10)
        guarded.store.writing = raises(StoreError("it is full"))
        for number in range(25):
            guarded.guard.save(accepted(f"m{number}"))
        assert len(guarded.guard._waiting) == 10
        assert guarded.points("linq.store.origin.lost") == {(): 15}

    def test_an_unreadable_row(self, guarded: Guarded, call: Callable[..., Any]) -> None:
        """One bad row is reported, and is no reason to leave the store alone."""
        guarded.store.reading = raises(UnreadableOriginError("linq.db: a row is no origin"))
        for _ in range(2):
            assert call(guarded.guard, "find", ("message:m1",)) is None
        assert guarded.guard.silent_seconds == 0.0
        assert tally.counts() == {"store: unreadable origin": 2}

    def test_cancellation_passes(self, guarded: Guarded) -> None:
        """A request that is cancelled while it waits stays cancelled, and nothing is opened."""
        gate = threading.Event()
        guarded.store.reading = lambda: gate.wait(5)

        async def run() -> None:
            work = asyncio.ensure_future(guarded.guard.afind(("message:m1",)))
            await asyncio.sleep(0.01)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

        asyncio.run(run())
        gate.set()
        assert guarded.guard.silent_seconds == 0.0

    @pytest.mark.timing
    def test_of_a_process_that_is_starved(
        self, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who waited too long for a thread has found nothing wrong with the store."""
        monkeypatch.setattr(_circuits, "_FIRST_PAUSE", 5.0)
        gate = threading.Event()
        for _ in range(4):
            guarded.guard._threads.start(gate.wait, 5)
        for _ in range(3):
            assert guarded.guard.find(("message:m1",)) is None
        assert guarded.guard._reads.is_open
        asked = guarded.store.asked
        with timed() as timing:
            gate.set()
            assert wait_until(lambda: not guarded.guard._reads.is_open)
        assert timing.net < 0.04
        # By the late operations themselves: no probe was needed.
        assert wait_until(lambda: guarded.store.asked == asked + 3)


class TestExit:
    def test_saves_what_is_under_way(self, tmp_path: Path) -> None:
        """A script that ends at once ends with its origin saved, however slow the store was."""
        path = tmp_path / "linq.db"
        with closing(SQLiteStore(str(path))) as store:
            answer = subprocess.run(
                [sys.executable, "-c", LAST_WORDS, str(path)],
                env=PATHS,
                capture_output=True,
                timeout=60,
                check=True,
            )
            assert answer.stderr == b""
            assert store.find("message:m1") == ("message:m1", M1)

    def test_does_not_wait_for_long(self) -> None:
        """A store that hangs does not hold the end of the process up."""
        with timed() as timing:
            subprocess.run([sys.executable, "-c", HUNG], env=PATHS, timeout=60, check=True)
        assert timing.net < 30


LAST_WORDS = """
import sys, threading, time, sqlite3
from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from linq_otel.stores import open_store
from support.origins import accepted

store = open_store(f"sqlite:///{sys.argv[1]}")
save = store.save
def slowly(origin):
    time.sleep(0.3)
    save(origin)
store.save = slowly
import logging
logging.disable()
keeper = OriginKeeper(store, Meters(None), 0.05)
keeper.keep(accepted("m1"))
"""
HUNG = """
import logging, time
from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from support.failing_stores import SwitchedStore
from support.origins import accepted

logging.disable()
store = SwitchedStore()
store.writing = lambda: time.sleep(60)
keeper = OriginKeeper(store, Meters(None), 0.05)
keeper.keep(accepted("m1"))
"""


class TestOwnFunctions:
    def test_run_where_the_request_runs(self) -> None:
        """The app's own functions have the connection and transaction of their thread."""
        seen: list[int] = []

        def find(_keys: tuple[str, ...]) -> None:
            seen.append(threading.get_ident())

        guarded = Guarded(OwnStore(find=find))
        assert guarded.guard.find(("message:m1",)) is None
        assert seen == [threading.get_ident()]
        asyncio.run(guarded.guard.afind(("message:m1",)))
        assert seen[1] != threading.get_ident()

    @pytest.mark.timing
    def test_slow(self, caplog: pytest.LogCaptureFixture) -> None:
        """What is slow is waited for three times, and then left alone until it is quick."""
        pause = 0.15

        def find(keys: tuple[str, ...]) -> Any:
            time.sleep(pause)
            return M1 if "message:m1" in keys else None

        guarded = Guarded(OwnStore(find=find))
        for _ in range(3):
            assert guarded.guard.find(("message:m1",)) == ("message:m1", M1)
        timing, answer = took(guarded.guard.find, ("message:m1",))
        assert answer is None
        assert timing.net < 0.01
        pause = 0.0
        assert wait_until(lambda: guarded.guard.find(("message:m1",)) is not None)
        assert "it took longer than 50 ms" in caplog.records[0].getMessage()
        guarded.guard.close()
