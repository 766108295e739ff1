"""
Things to do later, on one thread, and the count of what is still to come.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


logger = logging.getLogger(__name__)


class Pending:
    """
    How much is under way; idle at zero.
    """

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """
        Something more is under way.
        """
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """
        Something is over.
        """
        with self._changed:
            self._count -= 1
            if self._count == 0:
                self._changed.notify_all()

    def wait_until_idle(self, timeout: float) -> None:
        """
        Wait for zero, or raise ``TimeoutError``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._count == 0, timeout):
                webhooks = "1 webhook" if self._count == 1 else f"{self._count} webhooks"
                raise TimeoutError(f"{webhooks} still to come after {timeout} s")


class Timer:
    """
    Runs jobs when they are due; jobs due at the same time run in the order they were given.
    """

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="linq-simulator-timer", daemon=True)
        self._thread.start()

    def after(self, real_seconds: float, job: Callable[[], None]) -> None:
        """
        Run ``job`` once, ``real_seconds`` from now.
        """
        self._pending.begin()
        with self._changed:
            due = time.monotonic() + real_seconds
            heapq.heappush(self._jobs, (due, next(self._order), job))
            self._changed.notify()

    def close(self) -> None:
        """
        Forget what is not due yet, and stop.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (job := self._wait_for_job()) is not None:
            self._run_job(job)

    def _run_job(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            logger.exception("a simulated event failed")
        finally:
            self._pending.end()

    def _wait_for_job(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                wait = self._jobs[0][0] - time.monotonic() if self._jobs else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._jobs)[2]
                self._changed.wait(wait)
        return None
