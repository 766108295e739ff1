"""
Calls that may hang, made side by side and waited for no longer than was said.

The SDK takes time-outs and does not keep all of them, and looking a host up
knows none, so nobody waits on either directly.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


T = TypeVar("T")


def call_side_by_side(calls: Sequence[Callable[[], T]], timeout: float) -> list[T]:
    """
    Make *calls*, and return what came back within *timeout* seconds, the first back first.

    When the process ends, Python 3.12 starts no more threads: then they are
    made one after the other, and take their time.
    """
    found: list[T] = []
    deadline = time.monotonic() + timeout
    threads = [_start(call, found) for call in calls]
    for thread in threads:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
    return list(found)


def _start(call: Callable[[], T], found: list[T]) -> threading.Thread | None:
    def make() -> None:
        found.append(call())

    # Looked up each time: gevent puts another class in its place.
    thread = threading.Thread(target=make, name="linq_otel_export", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        make()
        return None
    return thread
