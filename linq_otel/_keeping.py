"""
The origins of this process's messages: kept as calls end, found as webhooks come.

A store that fails costs the join and never the call. One that other processes
share does I/O, and is asked through a guard that bounds what it may cost.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ._collecting import note_origin
from ._guarding import StoreGuard
from ._origins import has_keys
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._meters import Meters
    from ._origins import Origin
    from .stores import Store


# They keep nothing of what they shield, and each message passes two of them.
_SAVING: Final = shield("saving an origin")
_LOOKING_UP: Final = shield("looking up an origin")
_CLAIMING: Final = shield("claiming an event")
# So long do other processes take at most to find a store that works again and save what waited.
_NEWLY_WORKING_SECONDS: Final = 10.0
_LOOKING_SECONDS: Final = 1.0


class OriginKeeper:
    """
    Keeps origins in one store.

    Args:
        store: The store.
        meters: Count what it does.
        seconds: How long one operation of a shared store may take.

    Attributes:
        store: The store.
        sends_under_way: The sends of this process whose origins are still to come.
        fruitless_waits: How often in a row a webhook waited for a sender in vain.
    """

    def __init__(self, store: Store, meters: Meters, seconds: float) -> None:
        self.store = store
        self.sends_under_way: set[int] = set()
        self.fruitless_waits = 0
        self._guard = StoreGuard(store, meters, seconds) if store.is_shared else None

    @property
    def silent_seconds(self) -> float:
        """
        For how long the store has not answered; 0 while it does.
        """
        return self._guard.silent_seconds if self._guard else 0.0

    def save(self, origin: Origin | None) -> None:
        """
        Keep what a call or a message that came in has left, and note it for the app.
        """
        note_origin(origin)
        self.keep(origin)

    async def asave(self, origin: Origin | None) -> None:
        """
        Do the same without holding up other coroutines.
        """
        note_origin(origin)
        await self.akeep(origin)

    def keep(self, origin: Origin | None) -> None:
        """
        Keep *origin*, if there is one and it has a key.
        """
        if origin is None or not has_keys(origin):
            return
        if self._guard is not None:
            self._guard.save(origin)
            return
        with _SAVING:
            self.store.save(origin)

    async def akeep(self, origin: Origin | None) -> None:
        """
        Keep *origin* without holding up other coroutines.
        """
        if self._guard is None or origin is None or not has_keys(origin):
            self.keep(origin)
        else:
            await self._guard.asave(origin)

    def find(self, keys: Sequence[str]) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.
        """
        if not keys:
            return None
        if self._guard is not None:
            return self._guard.find(tuple(keys))
        with _LOOKING_UP:
            return self.store.find(*keys)
        return None

    async def afind(self, keys: Sequence[str]) -> tuple[str, Origin] | None:
        """
        Look up *keys* without holding up other coroutines.
        """
        if self._guard is None or not keys:
            return self.find(keys)
        return await self._guard.afind(tuple(keys))

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen, or where that cannot be told.
        """
        if self._guard is not None:
            return self._guard.claim(event_id)
        with _CLAIMING:
            return self.store.claim(event_id)
        return True

    async def aclaim(self, event_id: str) -> bool:
        """
        Claim *event_id* without holding up other coroutines.
        """
        return self.claim(event_id) if self._guard is None else await self._guard.aclaim(event_id)

    def later(self, function: Callable[..., object], *args: object) -> None:
        """
        Call *function*, which asks the store for nothing that anybody waits for.
        """
        if self._guard is not None:
            self._guard.later(function, *args)
            return
        with shield("asking the store"):
            function(*args)

    @property
    def shares_notes(self) -> bool:
        """
        True if other processes see what :meth:`note` keeps.
        """
        return self._guard is not None and getattr(self.store, "shares_notes", True)

    def note(self, note: Origin) -> None:
        """
        Keep *note* in the background, as soon as the store takes it.
        """
        if self._guard is not None:
            self._guard.note(note)

    def find_all(self, keys: Sequence[str]) -> tuple[set[str], int]:
        """
        Return those of *keys* that have an origin, and of how many the store said so.

        It is asked for a bounded time, and not while it does not work.
        """
        found: set[str] = set()
        guard = self._guard
        if guard is None or guard.working_seconds < _NEWLY_WORKING_SECONDS:
            return found, 0
        end, done, step = time.monotonic() + _LOOKING_SECONDS, 0, guard.keys_at_once
        while done < len(keys) and time.monotonic() < end:
            part = guard.find_all(tuple(keys[done : done + step]))
            if part is None:
                break
            found |= part
            done += step
        return found, min(done, len(keys))

    def close(self) -> None:
        """
        Stop asking a store that does not work; the store itself stays open.
        """
        if self._guard is not None:
            self._guard.close()
