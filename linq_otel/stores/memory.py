"""
The store of one process: a bounded, expiring dictionary.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from linq_otel._forks import call_at_fork

from . import DEFAULT_TTL


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._origins import Origin


__all__ = ["MemoryStore"]

V = TypeVar("V")


class MemoryStore:
    """
    Origins in this process alone, bounded in count and age.

    Args:
        size: Keys kept at most, origins and events each; the oldest go first.
        ttl: Seconds a key is kept.
        clock: Seconds since the epoch.
    """

    DEFAULT_SIZE = 100_000
    is_shared = False

    def __init__(
        self,
        size: int = DEFAULT_SIZE,
        ttl: float = DEFAULT_TTL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.Lock()
        self._origins: _Expiring[Origin] = _Expiring(size, ttl, clock)
        self._events: _Expiring[bool] = _Expiring(size, ttl, clock)
        call_at_fork(in_child=self._renew_lock)

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys, unless an accepted one is there.
        """
        keys = origin.keys
        with self._lock:
            for key in keys:
                known = self._origins.find(key)
                if known is None or not known.is_accepted:
                    self._origins.put(key, origin)

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.
        """
        with self._lock:
            for key in keys:
                origin = self._origins.find(key)
                if origin is not None:
                    return key, origin
        return None

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen.
        """
        with self._lock:
            if self._events.find(event_id):
                return False
            self._events.put(event_id, value=True)
            return True

    def close(self) -> None:
        """
        Forget everything.
        """
        with self._lock:
            self._origins.clear()
            self._events.clear()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


class _Expiring(Generic[V]):
    """
    A dictionary in order of insertion, so that the oldest are always in front.
    """

    def __init__(self, size: int, ttl: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._rows: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def find(self, key: str) -> V | None:
        row = self._rows.get(key)
        if row is None or row[0] <= self._clock():
            return None
        return row[1]

    def put(self, key: str, value: V) -> None:
        now = self._clock()
        rows = self._rows
        if key in rows:
            rows.move_to_end(key)
        rows[key] = (now + self._ttl, value)
        while len(rows) > self._size or next(iter(rows.values()))[0] <= now:
            rows.popitem(last=False)
            if not rows:
                break

    def clear(self) -> None:
        self._rows.clear()
