"""
The store as the rest of the package uses it: shielded, and off the event loop.

A store that fails costs the join and never the call. A store that other
processes share does I/O, so coroutines reach it through a thread.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ._collecting import note_origin
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._origins import Origin
    from .stores import Store


P = ParamSpec("P")
T = TypeVar("T")


class OriginKeeper:
    """
    Keeps origins in one store.

    Attributes:
        store: The store.
        sends_under_way: The sends of this process whose origins are still to come.
        fruitless_waits: How often in a row a webhook waited for a sender in vain.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sends_under_way: set[int] = set()
        self.fruitless_waits = 0

    def save(self, origin: Origin | None) -> None:
        """
        Keep *origin*, if there is one and it has a key.
        """
        note_origin(origin)
        self._save(origin)

    def _save(self, origin: Origin | None) -> None:
        if origin is not None and origin.keys:
            with shield("saving an origin"):
                self.store.save(origin)

    async def asave(self, origin: Origin | None) -> None:
        """
        Keep *origin* off the event loop.
        """
        # Not in the thread: what is noted there is lost with its context.
        note_origin(origin)
        if origin is not None:
            await self.off_loop(self._save, origin)

    def find(self, keys: Sequence[str]) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.
        """
        with shield("looking up an origin"):
            return self.store.find(*keys) if keys else None
        return None

    async def afind(self, keys: Sequence[str]) -> tuple[str, Origin] | None:
        """
        Look up *keys* off the event loop.
        """
        return await self.off_loop(self.find, keys) if keys else None

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen, or where that cannot be told.
        """
        with shield("claiming an event"):
            return self.store.claim(event_id)
        return True

    async def off_loop(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Call *function*, which asks the store, without holding up other coroutines.

        Under another kind of loop than asyncio's, and where the process is
        ending and has no threads left, it is called on the spot.
        """
        if self.store.is_shared:
            try:
                return await asyncio.to_thread(function, *args, **kwargs)
            except RuntimeError:
                # Of scheduling: what is called here is shielded and does not raise.
                pass
        return function(*args, **kwargs)
