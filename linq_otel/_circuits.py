"""
Whether a store is worth asking.

One operation that fails or takes too long is no outage: a connection is opened, a
disk is busy. A store that fails several times in a row is left alone: a call that
needs it goes on without, at no cost. In the background it is asked from the first
failure on, until it answers in time again.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from ._forks import call_at_fork
from ._shield import type_name
from .errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Callable


_logger = logging.getLogger("linq_otel")

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0
# A store that fails again so soon after it answered is asked no more often than before, and one
# whose failures lie further apart is not down.
_STEADY_SECONDS: Final = 5.0
# The log is not told of every change of a store that fails and works by turns.
_QUIET_SECONDS: Final = 2.0
_FAILURES: Final = 3


class Circuit:
    """
    One kind of operation on a store: closed while it works, open while it does not.

    Args:
        doing: What it is for, as the log names it: ``looking up origins``.
        probe: Asks the store once; raises if it does not work.
        then: Called once it works again, or after a failure still does.
        seconds: How long a probe may take to count as working: longer than a
            caller waits, for on a busy host it may be us who are slow.
    """

    def __init__(
        self,
        doing: str,
        probe: Callable[[], object],
        then: Callable[[], object],
        seconds: float,
    ) -> None:
        self._doing = doing
        self._probe = probe
        self._then = then
        self._seconds = seconds
        self._pause = _FIRST_PAUSE
        self._changed_at = 0.0
        self._begin()
        call_at_fork(in_child=self._begin)

    def _begin(self) -> None:
        # A child has no thread that would close it, and finds out for itself.
        self._lock = threading.Lock()
        self._end = threading.Event()
        self.is_open = False
        self._failures = 0
        self._failed_at = 0.0
        self._is_asking = False
        # True if something has failed since the store was asked.
        self._is_suspected = False
        # When the log was told that it is paused, and how often it was since; None if it works.
        self._told_at: float | None = None
        self._times_opened = 0

    @property
    def open_seconds(self) -> float:
        """
        How long it has been open; 0 if it is closed.
        """
        return time.monotonic() - self._changed_at if self.is_open else 0.0

    @property
    def closed_seconds(self) -> float:
        """
        How long it has been closed; 0 if it is open.
        """
        return 0.0 if self.is_open else time.monotonic() - self._changed_at

    def note_failure(self, error: Exception, began: float) -> None:
        """
        Open it if *error* is one too many in a row, and begin to ask in the background.

        Args:
            error: What was raised.
            began: When the operation began, by ``time.perf_counter``. What failed at the
                same time as others, failed of one and the same thing, and counts once.
        """
        with self._lock:
            now = time.perf_counter()
            if began >= self._failed_at:
                is_in_a_row = now - self._failed_at < _STEADY_SECONDS
                self._failures = self._failures + 1 if is_in_a_row else 1
                self._failed_at = now
            is_down = self._failures >= _FAILURES
        if is_down:
            self.open(error)
        self.ask()

    def open(self, error: Exception) -> None:
        """
        Open it because of *error*, and begin to ask in the background.
        """
        with self._lock:
            if self.is_open or self._end.is_set():
                return
            self.is_open = True
            now = time.monotonic()
            is_steady = now - self._changed_at > _STEADY_SECONDS
            self._pause = _FIRST_PAUSE if is_steady else min(self._pause * 2, _LONGEST_PAUSE)
            self._changed_at = now
            self._times_opened += 1
            is_told = self._told_at is not None
            if not is_told:
                self._told_at, self._times_opened = now, 1
        if not is_told:
            _logger.warning(
                "%s is paused, joins go by derived ids until it works: %s",
                self._doing,
                _reason(error),
            )
        self.ask()

    def note_working(self) -> None:
        """
        Close it: an operation has come to a good end.
        """
        if self.is_open:
            self._close()
        elif self._failures:
            self._failures = 0

    def ask(self) -> None:
        """
        Ask in the background soon, and call *then* once it works.
        """
        with self._lock:
            self._is_suspected = True
            if self._is_asking or self._end.is_set():
                return
            self._is_asking = True
        thread = threading.Thread(target=self._ask, name="linq-otel-probe", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The process is ending, or has no thread left: the next call is the probe.
            self._is_asking = self.is_open = False

    def stop(self) -> None:
        """
        Stop asking, for good.
        """
        self._end.set()

    def _ask(self) -> None:
        end = self._end
        with suppress_instrumentation():
            while not end.wait(self._pause if self.is_open else _FIRST_PAUSE):
                self._is_suspected = False
                if self._works():
                    self._close()
                    self._then()
                    if self._is_over():
                        self._tell_when_steady(self._times_opened)
                        return
                elif self.is_open:
                    self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _is_over(self) -> bool:
        with self._lock:
            self._is_asking = self.is_open or self._is_suspected
            return not self._is_asking

    def _tell_when_steady(self, times_opened: int) -> None:
        told_at = self._told_at
        if told_at is None or self._end.wait(_QUIET_SECONDS):
            return
        with self._lock:
            # It has failed again, or another thread has told it.
            if self._times_opened != times_opened or self._told_at != told_at:
                return
            paused, self._told_at = self._changed_at - told_at, None
        often = "" if times_opened == 1 else f", in which it was paused {times_opened} times"
        _logger.warning("%s works again after %.1f s%s", self._doing, paused, often)

    def _works(self) -> bool:
        began = time.perf_counter()
        try:
            self._probe()
        except Exception as error:  # A store that raises anything does not work.
            self.note_failure(error, began)
            return False
        if time.perf_counter() - began <= self._seconds:
            return True
        self.note_failure(StoreError("it did not answer in time"), began)
        return False

    def _close(self) -> None:
        with self._lock:
            if self.is_open:
                self.is_open = False
                self._failures = 0
                self._changed_at = time.monotonic()


def _reason(error: Exception) -> str:
    # Our own errors name the place and no secret; a driver's text may quote anything.
    if isinstance(error, StoreError):
        return str(error)
    return type_name(error)
