"""
What is done before the process ends, by objects that may be gone by then.
"""

from __future__ import annotations

import atexit
import weakref
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


def call_at_exit(method: Callable[[], None]) -> None:
    """
    Call a bound method when the process ends, if its object still lives.
    """

    def call() -> None:
        found = find_method()
        if found is not None:
            found()

    find_method = weakref.WeakMethod(method, lambda _: atexit.unregister(call))
    atexit.register(call)
