"""
A few threads in which a store does its I/O, so that nobody waits for it for long.

A driver's own time-outs bound a read, but neither a name look-up nor a disk
that hangs nor an app's own engine. Whoever waits for a thread can stop
waiting, and what was begun still comes to its end: an origin saved late is
saved.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeoutError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opentelemetry.instrumentation.utils import suppress_instrumentation

from ._forks import call_at_fork
from .errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")
_Work = tuple["Future[Any]", "Callable[..., Any]", tuple[Any, ...]]

_MOST_THREADS: Final = 4
_IDLE_SECONDS: Final = 30.0


class SlowStoreError(StoreError):
    """
    A store took longer than its callers wait.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds * 1000:g} ms")


class StoreThreads:
    """
    Runs functions in threads of their own, and waits for each a bounded time.

    Threads are started as they are needed and end when they are idle. They do
    not keep the process alive, and a forked child begins with none.

    Args:
        seconds: How long a caller waits.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begin()
        call_at_fork(in_child=self._begin)

    def run(self, function: Callable[..., T], *args: object) -> T:
        """
        Call *function*, and wait for it.

        Raises:
            SlowStoreError: If it takes longer; it is run to its end all the same.
        """
        work = self.start(function, *args)
        return function(*args) if work is None else self._wait(work)

    @property
    def is_busy(self) -> bool:
        """
        True while something is being done, or waits to be.
        """
        return self._queue.qsize() > 0 or self._idle < self._threads

    async def arun(self, function: Callable[..., T], *args: object) -> T:
        """
        Do the same without holding up other coroutines.

        Raises:
            SlowStoreError: If it takes longer; it is run to its end all the same.
        """
        work = self.start(function, *args)
        if work is None:
            return function(*args)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Under another kind of loop than asyncio's.
            return self._wait(work)
        ended = loop.create_future()
        work.add_done_callback(lambda _: _wake(loop, ended))
        # Not cancelled with its caller: an origin that is to be saved must be.
        await asyncio.wait({ended}, timeout=self.seconds)
        if not work.done():
            raise SlowStoreError(self.seconds)
        return work.result()

    def _wait(self, work: Future[T]) -> T:
        try:
            return work.result(self.seconds)
        except WaitTimeoutError as error:
            if work.done():
                raise  # The function's own.
            raise SlowStoreError(self.seconds) from error

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0

    def start(self, function: Callable[..., T], *args: object) -> Future[T] | None:
        """
        Hand *function* to a thread; None if there is none, as when the process ends.
        """
        with self._lock:
            if self._idle <= self._queue.qsize() and self._threads < _MOST_THREADS:
                self._add_thread()
            if not self._threads:
                return None
            work: Future[T] = Future()
            self._queue.put((cast("Future[Any]", work), function, args))
            return work

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="linq-otel-store", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        self._threads += 1
        # Not yet, but before it takes anything from the queue.
        self._idle += 1

    def _work(self) -> None:
        # The store's traffic is ours, and none of the app's instrumentations' business.
        with suppress_instrumentation():
            while self._next():
                pass

    def _next(self) -> bool:
        try:
            work, function, args = self._queue.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            with self._lock:
                is_needed = self._queue.qsize() > 0
                if not is_needed:
                    self._threads -= 1
                    self._idle -= 1
            return is_needed
        with self._lock:
            self._idle -= 1
        try:
            work.set_result(function(*args))
        except BaseException as error:  # Whoever waits gets it.
            work.set_exception(error)
        # A failure's traceback would keep its arguments.
        del work, function, args
        with self._lock:
            self._idle += 1
        return True


def _wake(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    # A loop may be closed while a store is still at work for it.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_end, ended)


def _end(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
