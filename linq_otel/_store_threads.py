"""
A few threads in which a store does its I/O, so that nobody waits for it for long.

A driver's own time-outs bound a read, but neither a name look-up nor a disk
that hangs nor an app's own engine. Whoever waits for a thread can stop
waiting, and what was begun still comes to its end: an origin saved late is
saved.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from opentelemetry.instrumentation.utils import suppress_instrumentation

from ._event_loops import find_trio, run_off_asyncio
from ._forks import call_at_fork
from .errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

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
        work = Work(function, args)
        return self._wait(work) if self._crew.take(work) else function(*args)

    @property
    def is_busy(self) -> bool:
        """
        True while something is being done, or waits to be.
        """
        return self._crew.is_busy

    async def arun(self, function: Callable[..., T], *args: object) -> T:
        """
        Do the same without holding up other coroutines.

        Raises:
            SlowStoreError: If it takes longer; it is run to its end all the same.
        """
        try:
            loop = None if find_trio() else asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None:
            return await run_off_asyncio(self.run, function, *args)
        ended = loop.create_future()
        work = Work(function, args, partial(_wake, loop, ended))
        if not self._crew.take(work):
            return function(*args)
        timer = loop.call_later(self.seconds, _end, ended)
        try:
            # Cancelled with its caller, but not the work: an origin that is to be saved must be.
            await ended
        finally:
            timer.cancel()
        if not work.is_done:
            raise SlowStoreError(self.seconds)
        return work.result()

    def start(self, function: Callable[..., object], *args: object) -> None:
        """
        Call *function*, and do not wait for it; not at all without threads, as at the end.
        """
        self._crew.take(Work(function, args))

    def _wait(self, work: Work[T]) -> T:
        if not work.wait(self.seconds):
            raise SlowStoreError(self.seconds)
        return work.result()

    def _begin(self) -> None:
        self._crew = _Crew()


class _Crew:
    """
    The threads of one process, which wait for work by locks alone.

    A lock is always of the kind that threads are: gevent and eventlet replace
    both together, and a queue apart from them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Work[Any]] = deque()
        self._idle: list[_Worker] = []
        self._threads = 0

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting) or len(self._idle) < self._threads

    def take(self, work: Work[Any]) -> bool:
        """
        Hand *work* to a thread; False if there is none, as when the process ends.
        """
        with self._lock:
            if self._idle:
                # The one that was at work last: the others may rest, and end.
                self._idle.pop().hand(work)
                return True
            if self._threads >= _MOST_THREADS:
                self._waiting.append(work)
                return True
            self._threads += 1
        # Without the lock: the new thread may be done with it before it is known to have started.
        worker = _Worker(self, work)
        try:
            threading.Thread(target=worker.run, name="linq-otel-store", daemon=True).start()
        except RuntimeError:
            return self._leave_to_others(work)
        return True

    def _leave_to_others(self, work: Work[Any]) -> bool:
        with self._lock:
            self._threads -= 1
            if self._idle:
                self._idle.pop().hand(work)
            elif self._threads:
                self._waiting.append(work)
            else:
                return False
            return True

    def next_work(self, worker: _Worker) -> Work[Any] | None:
        """
        Return what waits; with None, *worker* is idle from now on.
        """
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(worker)
            return None

    def leave(self, worker: _Worker) -> bool:
        """
        Let *worker* end; False if it was handed work meanwhile.
        """
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._threads -= 1
            return True


class _Worker:
    """
    One thread, and what it is handed.
    """

    __slots__ = ("_crew", "_handed", "_work")

    def __init__(self, crew: _Crew, work: Work[Any]) -> None:
        self._crew = crew
        self._work: Work[Any] | None = work
        # Held until there is something in `_work`.
        self._handed = threading.Lock()
        self._handed.acquire()

    def hand(self, work: Work[Any]) -> None:
        """
        Give an idle one something to do.
        """
        self._work = work
        self._handed.release()

    def run(self) -> None:
        """
        Do what there is to do, until there has been nothing for a while.
        """
        # The store's traffic is ours, and none of the app's instrumentations' business.
        with suppress_instrumentation():
            while (work := self._next()) is not None:
                work.run()
                # Only its caller keeps the answer.
                del work

    def _next(self) -> Work[Any] | None:
        work, self._work = self._work, None
        if work is None:
            work = self._crew.next_work(self)
        if work is None:
            is_handed = self._handed.acquire(timeout=_IDLE_SECONDS)
            if not is_handed and self._crew.leave(self):
                return None
            if not is_handed:
                self._handed.acquire()
            work, self._work = self._work, None
        return work


class Work(Generic[T]):
    """
    A function to be called in a thread: a future that knows no more than is asked here.

    One of :mod:`concurrent.futures` takes as long as all the rest of handing it over.

    Args:
        function: What is called.
        args: With what.
        tell: Called in the thread once it is done.
    """

    __slots__ = ("_answer", "_args", "_ended", "_error", "_function", "_tell")

    def __init__(
        self,
        function: Callable[..., T],
        args: tuple[object, ...],
        tell: Callable[[], None] | None = None,
    ) -> None:
        self._function = function
        self._args = args
        self._tell = tell
        self._answer: T | None = None
        self._error: BaseException | None = None
        # Held until it is done.
        self._ended = threading.Lock()
        self._ended.acquire()

    def run(self) -> None:
        """
        Call the function, whatever becomes of it.
        """
        try:
            self._answer = self._function(*self._args)
        except BaseException as error:  # Whoever waits gets it.
            self._error = error
        ended, tell = self._ended, self._tell
        # A failure's traceback keeps this frame, which would keep it and its arguments.
        del self
        ended.release()
        if tell is not None:
            tell()

    @property
    def is_done(self) -> bool:
        """
        True once the function was called.
        """
        return not self._ended.locked()

    def wait(self, seconds: float) -> bool:
        """
        Wait at most *seconds*, once; False if it is not done by then.
        """
        return self._ended.acquire(timeout=seconds)

    def result(self) -> T:
        """
        Return what the function returned, or raise what it raised; to be asked once.
        """
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._answer)
        try:
            raise error
        finally:
            # Its traceback keeps this frame, which would keep it.
            del error


def _wake(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    # A loop may be closed while a store is still at work for it.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_end, ended)


def _end(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
