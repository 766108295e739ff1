"""
Measures time beside a control, so that a bound holds on a busy machine as well.

The control is a thread that only sleeps. What it oversleeps while a block runs is time that the
machine took from this process, not time that the block needed. A block that computes shares the
interpreter with the control: measure such a block in processor time instead.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


_PAUSE = 0.005


@dataclass
class Timing:
    """
    What a block took, in seconds.

    Attributes:
        seconds: By the clock; for lower bounds.
        lost: How much of it the control overslept, in all.
        longest_loss: The most it overslept at once.
    """

    seconds: float = 0.0
    lost: float = 0.0
    longest_loss: float = 0.0

    @property
    def net(self) -> float:
        """
        What is left without the control's loss; for upper bounds.
        """
        return self.seconds - self.lost


@contextmanager
def timed() -> Iterator[Timing]:
    """
    Measure the block; what is yielded is filled in when the block ends.
    """
    timing, ended = Timing(), threading.Event()

    def sleep() -> None:
        before = time.perf_counter()
        while not ended.is_set():
            time.sleep(_PAUSE)
            now = time.perf_counter()
            loss = now - before - _PAUSE
            timing.lost += loss
            timing.longest_loss = max(timing.longest_loss, loss)
            before = now

    control = threading.Thread(target=sleep, name="control", daemon=True)
    control.start()
    began = time.perf_counter()
    try:
        yield timing
    finally:
        timing.seconds = time.perf_counter() - began
        ended.set()
        control.join()
