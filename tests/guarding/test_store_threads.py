from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from linq_otel import _store_threads
from linq_otel._store_threads import SlowStoreError, StoreThreads
from support.failing_stores import raises, wait_until
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "linq-otel-store"]


@pytest.fixture
def gate() -> threading.Event:
    """Return what holds functions up until it is set."""
    return threading.Event()


def run(threads: StoreThreads, function: Callable[..., object], *args: object) -> object:
    return threads.run(function, *args)


def arun(threads: StoreThreads, function: Callable[..., object], *args: object) -> object:
    return asyncio.run(threads.arun(function, *args))


@pytest.mark.parametrize("call", [run, arun])
class TestStoreThreads:
    def test_result(self, call: Callable[..., object]) -> None:
        """What the function returns comes back, from another thread."""
        name, product = call(StoreThreads(5), lambda a, b: (threading.get_ident(), a * b), 6, 7)  # type: ignore[misc]
        assert (name == threading.get_ident(), product) == (False, 42)

    @pytest.mark.parametrize("error", [ValueError("v"), TimeoutError("t"), KeyboardInterrupt()])
    def test_error(self, call: Callable[..., object], error: Exception) -> None:
        """What the function raises comes back as it is, a time-out of its own too."""
        with pytest.raises(type(error)) as raised:
            call(StoreThreads(5), raises(error))
        assert raised.value is error

    @pytest.mark.timing
    def test_too_slow(self, call: Callable[..., object], gate: threading.Event) -> None:
        """After the time nobody waits any more, and what was begun is done all the same."""
        done = threading.Event()
        said = r"\Ait took longer than 40 ms\Z"
        with timed() as timing, pytest.raises(SlowStoreError, match=said):
            call(StoreThreads(0.04), lambda: gate.wait(5) and done.set())
        assert timing.seconds >= 0.04
        assert timing.net < 0.5
        gate.set()
        assert done.wait(5)

    def test_late_error_is_nobody_s(
        self, call: Callable[..., object], gate: threading.Event, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A function that fails after its caller has gone on, fails in silence."""

        def fail() -> None:
            gate.wait(5)
            raise OSError

        threads = StoreThreads(0.01)
        with pytest.raises(SlowStoreError):
            call(threads, fail)
        gate.set()
        assert wait_until(lambda: not threads.is_busy)
        gc.collect()
        assert caplog.records == []

    def test_instrumentations_are_silent(self, call: Callable[..., object]) -> None:
        """A driver's instrumentation draws nothing of the store's traffic."""
        assert call(StoreThreads(5), is_instrumentation_enabled) is False
        assert is_instrumentation_enabled()

    def test_no_thread_to_be_had(
        self, call: Callable[..., object], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process that is ending starts none: the function is called on the spot."""
        monkeypatch.setattr(threading.Thread, "start", raises(RuntimeError("shutdown")))
        assert call(StoreThreads(5), threading.get_ident) == threading.get_ident()


class TestThreads:
    def test_one_for_calls_in_turn(self) -> None:
        """A second thread is started only while the first is busy."""
        threads = StoreThreads(5)
        assert len({threads.run(threading.get_ident) for _ in range(50)}) == 1

    def test_few_for_many_calls_at_once(self, gate: threading.Event) -> None:
        """Their number has a bound, and what finds none free waits its turn."""
        before, threads = len(our_threads()), StoreThreads(0.01)
        for _ in range(20):
            with pytest.raises(SlowStoreError):
                threads.run(gate.wait, 5)
        assert len(our_threads()) - before == 4
        gate.set()
        threads.seconds = 5
        assert threads.run(int) == 0

    def test_end_when_idle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A thread that is not needed ends, and another is started when one is."""
        monkeypatch.setattr(_store_threads, "_IDLE_SECONDS", 0.02)
        before, threads = set(our_threads()), StoreThreads(5)
        threads.run(int)
        assert wait_until(lambda: set(our_threads()) <= before)
        assert threads.run(int) == 0

    def test_do_not_keep_the_process(self) -> None:
        """A store that hangs does not hang the end of the app."""
        StoreThreads(5).run(int)
        assert {thread.daemon for thread in our_threads()} == {True}


class TestCoroutines:
    def test_others_run_meanwhile(self, gate: threading.Event) -> None:
        """The loop is free while a function is at work."""

        async def run() -> object:
            work = asyncio.ensure_future(StoreThreads(5).arun(gate.wait, 5))
            await asyncio.sleep(0.01)
            gate.set()
            return await work

        assert asyncio.run(run()) is True

    def test_cancelled(self, gate: threading.Event) -> None:
        """A request that is cancelled does not take back what was to be saved."""
        done = threading.Event()
        threads = StoreThreads(5)

        async def run() -> None:
            # So that the second has to wait in the queue.
            works = [asyncio.ensure_future(threads.arun(gate.wait, 5)) for _ in range(4)]
            late = asyncio.ensure_future(threads.arun(done.set))
            await asyncio.sleep(0.01)
            late.cancel()
            gate.set()
            await asyncio.gather(*works)
            with pytest.raises(asyncio.CancelledError):
                await late

        asyncio.run(run())
        assert done.wait(5)

    def test_loop_that_is_closed_meanwhile(
        self, gate: threading.Event, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A store that answers after the loop has gone wakes nobody, and says nothing."""
        threads = StoreThreads(0.01)
        with pytest.raises(SlowStoreError):
            asyncio.run(threads.arun(gate.wait, 5))
        gate.set()
        assert wait_until(lambda: not threads.is_busy)
        assert caplog.records == []
