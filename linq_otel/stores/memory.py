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
        self._ttl = ttl
        self._clock = clock
        self._origins: _Expiring[Origin] = _Expiring(size)
        self._events: _Expiring[bool] = _Expiring(size)
        call_at_fork(in_child=self._renew_lock)

    def __repr__(self) -> str:
        """
        Name the store; it holds no secret.
        """
        return "MemoryStore()"

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys, unless an accepted one is there.
        """
        keys = origin.keys
        now = self._clock()
        row = (now + self._ttl, origin)
        with self._lock:
            for key in keys:
                known = self._origins.find(key, now)
                if known is None or known.accepted_at is None:
                    self._origins.put(key, row)
            self._origins.trim(now)

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.
        """
        now = self._clock()
        with self._lock:
            for key in keys:
                origin = self._origins.find(key, now)
                if origin is not None:
                    return key, origin
        return None

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen.
        """
        now = self._clock()
        with self._lock:
            if self._events.find(event_id, now):
                return False
            self._events.put(event_id, (now + self._ttl, True))
            self._events.trim(now)
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

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def find(self, key: str, now: float) -> V | None:
        row = self._rows.get(key)
        if row is None or row[0] <= now:
            return None
        return row[1]

    def put(self, key: str, row: tuple[float, V]) -> None:
        rows = self._rows
        if key in rows:
            rows.move_to_end(key)
        rows[key] = row

    def trim(self, now: float) -> None:
        rows = self._rows
        while rows and (len(rows) > self._size or next(iter(rows.values()))[0] <= now):
            rows.popitem(last=False)

    def clear(self) -> None:
        self._rows.clear()
