"""
Measures time beside a control, so that a bound holds on a busy machine as well.

The control is a thread that only sleeps. What it oversleeps while a block runs is time that the
machine took from this process, not time that the block needed; but for what the block itself
computed meanwhile, for the two share the interpreter.

One thread may be starved while the others are not. Where the kernel tells how long each waited for
a processor, that of the block's threads counts as well, and that of the control does not.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


_PAUSE = 0.005
_THREADS = Path("/proc/self/task")

TELLS_WAITS = (_THREADS / str(threading.get_native_id()) / "schedstat").exists()
"""Whether the kernel tells how long a thread has waited for a processor."""

_controls: set[int] = set()


@dataclass
class Timing:
    """
    What a block took, in seconds.

    Attributes:
        seconds: By the clock; for lower bounds.
        lost: How much of it was not the block's doing.
        longest_loss: The most the control overslept at once, for any cause.
    """

    seconds: float = 0.0
    lost: float = 0.0
    longest_loss: float = 0.0

    @property
    def net(self) -> float:
        """
        What is left without the loss; for upper bounds.
        """
        return self.seconds - self.lost


def read_waits() -> dict[int, float]:
    """
    Return how long each thread has waited for a processor, in seconds; none where no kernel tells.
    """
    numbers = [int(path.name) for path in _THREADS.iterdir()] if TELLS_WAITS else []
    waits = {number: _read_wait(number) for number in numbers if number not in _controls}
    return {number: wait for number, wait in waits.items() if wait is not None}


def find_wait(since: dict[int, float]) -> float:
    """
    Return the longest that a thread has waited for a processor *since* `read_waits`, in seconds.
    """
    return max((wait - since.get(it, 0.0) for it, wait in read_waits().items()), default=0.0)


@contextmanager
def timed() -> Iterator[Timing]:
    """
    Measure the block; what is yielded is filled in when the block ends.
    """
    timing, end, overslept = Timing(), math.inf, 0.0

    def sleep() -> None:
        nonlocal overslept
        number = threading.get_native_id()
        _controls.add(number)
        waited, before = _read_wait(number) or 0.0, time.perf_counter()
        while before < end:
            time.sleep(_PAUSE)
            # What it oversleeps after the end is no loss of the block's.
            now = min(time.perf_counter(), end)
            loss = max(now - before - _PAUSE, 0.0)
            overslept += loss
            timing.longest_loss = max(timing.longest_loss, loss)
            before = now
        overslept -= (_read_wait(number) or 0.0) - waited
        _controls.discard(number)

    control = threading.Thread(target=sleep, name="control", daemon=True)
    control.start()
    waits, work, began = read_waits(), time.thread_time(), time.perf_counter()
    try:
        yield timing
    finally:
        end = time.perf_counter()
        work, waited = time.thread_time() - work, find_wait(waits)
        control.join()
        timing.seconds, timing.lost = end - began, max(overslept - work, waited)


def _read_wait(thread: int) -> float | None:
    """
    Return how long the *thread* has waited; None if it has ended, or no kernel tells.
    """
    with suppress(OSError):
        return int((_THREADS / str(thread) / "schedstat").read_text().split()[1]) / 1e9
    return None
