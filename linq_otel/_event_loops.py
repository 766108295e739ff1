"""
Waiting, and work in threads, under the event loop in use: asyncio's, or trio's.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")


def find_trio() -> Any:
    """
    Return the module ``trio`` where a task of trio calls; None elsewhere.

    It is asked before asyncio: trio may be the guest of a loop of asyncio,
    which then runs too.
    """
    trio: Any = sys.modules.get("trio")
    # Another thread may be importing it.
    lowlevel = getattr(trio, "lowlevel", None)
    if lowlevel is None:
        return None
    try:
        lowlevel.current_task()
    except (RuntimeError, AttributeError):
        return None
    return trio


def is_on_event_loop() -> bool:
    """
    Return True in a coroutine, and in what it calls.
    """
    if find_trio() is not None:
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def sleep(seconds: float) -> None:
    """
    Wait without holding up other tasks.
    """
    trio = find_trio()
    if trio is not None:
        await trio.sleep(seconds)
        return
    if is_on_event_loop():
        await asyncio.sleep(seconds)
    else:
        # A kind of loop that is neither's: every wait here is a short one.
        time.sleep(seconds)  # noqa: ASYNC251  # There is nothing to be awaited.


async def run_off_asyncio(function: Callable[..., T], *args: object) -> T:
    """
    Call *function*, under trio in a thread of trio's; in place where no loop is known.
    """
    trio = find_trio()
    if trio is None:
        return function(*args)
    answer: T = await trio.to_thread.run_sync(function, *args)
    return answer
