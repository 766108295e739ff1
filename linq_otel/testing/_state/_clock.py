"""
The clock of a simulated Linq, which is real, and its waits, which take less than they say.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone


NANOSECONDS = 1_000_000_000


class SimulatedClock:
    """
    A clock that runs at real pace, and says how long a wait of the scenario takes.

    Args:
        start: Seconds since the epoch that it begins with.
        speed: Seconds of the scenario per real second; with 0 or infinity waits take no time.
    """

    def __init__(self, *, start: float, speed: float) -> None:
        self._start = int(start * NANOSECONDS)
        self._origin = time.monotonic_ns()
        self._immediate = speed <= 0 or math.isinf(speed)
        self._speed = 1.0 if self._immediate else speed

    def now(self) -> int:
        """
        Nanoseconds since the epoch.
        """
        return self._start + time.monotonic_ns() - self._origin

    def real_seconds(self, simulated: float) -> float:
        """
        How long a wait of *simulated* seconds really takes.
        """
        return 0.0 if self._immediate else simulated / self._speed

    def date(self, begun: int, after: float) -> int:
        """
        When something of a scenario happens, in nanoseconds since the epoch.

        It is dated when it happens. Where waits take no time everything would happen at once, so
        there it is dated as the scenario has it, which is in the future.

        Args:
            begun: Nanoseconds since the epoch.
            after: Seconds of the scenario.
        """
        seconds = after if self._immediate else self.real_seconds(after)
        return begun + int(seconds * NANOSECONDS)


def rfc3339(nanoseconds: int) -> str:
    """
    Write a time as Linq does: nine decimals and a ``Z``.
    """
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    whole = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
