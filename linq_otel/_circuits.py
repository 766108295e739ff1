"""
Whether a store is worth asking.

A store that failed once is left alone: a call that needs it goes on without,
at no cost. Meanwhile it is asked in the background, by nobody's request,
until it answers in time again.
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
# A store that fails again so soon after it answered is asked no more often than before.
_STEADY_SECONDS: Final = 5.0


class Circuit:
    """
    One kind of operation on a store: closed while it works, open while it does not.

    Args:
        doing: What it is for, as the log names it: ``looking up origins``.
        probe: Asks the store once; raises if it does not work.
        then: Called once it works again.
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
        self._times_opened = 0
        self._begin()
        call_at_fork(in_child=self._begin)

    def _begin(self) -> None:
        # A child has no thread that would close it, and finds out for itself.
        self._lock = threading.Lock()
        self._end = threading.Event()
        self.is_open = False

    @property
    def open_seconds(self) -> float:
        """
        How long it has been open; 0 if it is closed.
        """
        return time.monotonic() - self._changed_at if self.is_open else 0.0

    def open(self, error: Exception) -> None:
        """
        Open it because of *error*, and begin to ask in the background.
        """
        with self._lock:
            if self.is_open or self._end.is_set():
                return
            self.is_open = True
            self._times_opened += 1
            now = time.monotonic()
            is_steady = now - self._changed_at > _STEADY_SECONDS
            self._pause = _FIRST_PAUSE if is_steady else min(self._pause * 2, _LONGEST_PAUSE)
            self._changed_at = now
        _logger.warning(
            "%s is paused, joins go by derived ids until it works: %s", self._doing, _reason(error)
        )
        self._ask_in_background(self._times_opened)

    def note_working(self) -> None:
        """
        Close it: an operation that was begun before has come to a good end.
        """
        if self._close(self._times_opened):
            self._then()

    def stop(self) -> None:
        """
        Stop asking, for good.
        """
        self._end.set()

    def _ask_in_background(self, turn: int) -> None:
        thread = threading.Thread(
            target=self._ask, args=(turn,), name="linq-otel-probe", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The process is ending, or has no thread left: the next call is the probe.
            self.is_open = False

    def _ask(self, turn: int) -> None:
        end = self._end
        with suppress_instrumentation():
            while not end.wait(self._pause) and self._is_open_since(turn):
                if not self._works():
                    self._pause = min(self._pause * 2, _LONGEST_PAUSE)
                elif self._close(turn):
                    self._then()

    def _is_open_since(self, turn: int) -> bool:
        return self.is_open and self._times_opened == turn

    def _works(self) -> bool:
        began = time.monotonic()
        try:
            self._probe()
        except Exception:  # Whatever a store raises, it does not work.
            return False
        return time.monotonic() - began <= self._seconds

    def _close(self, turn: int) -> bool:
        """
        Close what was opened for the *turn*-th time; False if that is closed already.
        """
        with self._lock:
            if not self._is_open_since(turn):
                return False
            now = time.monotonic()
            paused, self._changed_at = now - self._changed_at, now
            self.is_open = False
        _logger.warning("%s works again after %.1f s", self._doing, paused)
        return True


def _reason(error: Exception) -> str:
    # Our own errors name the place and no secret; a driver's text may quote anything.
    if isinstance(error, StoreError):
        return str(error)
    return type_name(error)
