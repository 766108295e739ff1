"""
A store that works, hangs, or refuses, as it is told to.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from linq_otel.stores.memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._origins import Origin


class SwitchedStore(MemoryStore):
    """
    A shared store: *reading* and *writing* are called before each operation of the kind.
    """

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.reading: Callable[[], object] = works
        self.writing: Callable[[], object] = works
        self.asked = 0
        self.threads: set[str] = set()

    def save(self, origin: Origin) -> None:
        """
        Keep *origin*, if writing works.
        """
        self._note()
        self.writing()
        super().save(origin)

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Look *keys* up, if reading works.
        """
        self._note()
        self.reading()
        return super().find(*keys)

    def claim(self, event_id: str) -> bool:
        """
        Claim *event_id*, if writing works.
        """
        self._note()
        self.writing()
        return super().claim(event_id)

    def _note(self) -> None:
        self.asked += 1
        self.threads.add(threading.current_thread().name)


def works() -> None:
    """
    Do nothing.
    """


def raises(error: Exception) -> Callable[[], object]:
    """
    Return what raises *error*.
    """

    def refuse(*_: object) -> None:
        raise error

    return refuse


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    """
    Wait until *is_so*; False if it is not so after *seconds*.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
