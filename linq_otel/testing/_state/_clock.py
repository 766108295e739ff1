"""
Simulated time, so that a message read three hours later takes a moment to test.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone


NANOSECONDS = 1_000_000_000


class SimulatedClock:
    """
    A clock that waits faster than it tells.

    With ``speed`` 0 or infinity waits take no time at all, and the clock itself runs at real pace.
    """

    def __init__(self, *, start: float, speed: float) -> None:
        self._start = int(start * NANOSECONDS)
        self._origin = time.monotonic_ns()
        self._immediate = speed <= 0 or math.isinf(speed)
        self._speed = 1.0 if self._immediate else speed

    def now(self) -> int:
        """
        Simulated nanoseconds since the epoch.
        """
        return self._start + int((time.monotonic_ns() - self._origin) * self._speed)

    def real_seconds(self, simulated: float) -> float:
        """
        How long a wait of ``simulated`` seconds really takes.
        """
        return 0.0 if self._immediate else simulated / self._speed


def rfc3339(nanoseconds: int) -> str:
    """
    Write a time as Linq does: nine decimals and a ``Z``.
    """
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    whole = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
