"""
A clock that stands still until it is told to move, for what a test says about time.
"""

from __future__ import annotations

import threading
from typing import Final


START: Final = 1_790_000_000.0
"""A round number of seconds since the epoch: 2026-09-21T14:13:20Z."""


class TickingClock:
    """
    Seconds since the epoch, wherever a ``clock=`` is asked for.

    ::

        clock = TickingClock()
        receiver = WebhookReceiver(secret, clock=clock)
        clock.advance(600)

    Args:
        start: What it says first.
        tick: Seconds it moves on each time it is asked; 0 stands still.
    """

    def __init__(self, start: float = START, *, tick: float = 0.0) -> None:
        self._now = start
        self._tick = tick
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """
        Tell the time, and tick.
        """
        with self._lock:
            now, self._now = self._now, self._now + self._tick
            return now

    def time_ns(self) -> int:
        """
        Tell the time as nanoseconds, and tick.
        """
        return round(self() * 1_000_000_000)

    def advance(self, seconds: float) -> None:
        """
        Move on; a clock may be put back, too.
        """
        with self._lock:
            self._now += seconds
