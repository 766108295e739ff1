"""
What is looked up for a delivery before its handler runs: the only I/O of ours.

A webhook may overtake the answer that names its ids. A stage event that is
fresh and finds nothing therefore waits a moment, if a sender may be about to
save: a bounded time, and never on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from ._lifecycle import Role, role_of
from ._origins import store_keys
from ._placements import Delivery, Found


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._events import Event
    from ._keeping import OriginKeeper


WAIT: Final = 0.25
"""Seconds a fresh event waits at most for its sender (design, section 3, "Races")."""

_PAUSE: Final = 0.025
_FRESH_NS: Final = 5_000_000_000
# Where nobody saves (an uninstrumented sender), waiting for it soon stops.
_FRUITLESS_AT_MOST: Final = 3


def look_up(origins: OriginKeeper, event: Event) -> Delivery:
    """
    Find where *event*'s message came from, and claim the event.
    """
    found = origins.find(event.keys)
    for pause in _pauses(origins, event, found):
        time.sleep(pause)
        found = origins.find(event.keys)
        if is_settled(found):
            break
    return _complete(origins, event, found)


async def alook_up(origins: OriginKeeper, event: Event) -> Delivery:
    """
    Do the same off the event loop.
    """
    found = await origins.afind(event.keys)
    for pause in _pauses(origins, event, found):
        await asyncio.sleep(pause)
        found = await origins.afind(event.keys)
        if is_settled(found):
            break
    return await origins.off_loop(_complete, origins, event, found)


def is_settled(found: Found | None) -> bool:
    """
    True if *found* says all there is to say: where the life is drawn.
    """
    return found is not None and bool(found[1].lifecycle or found[1].is_accepted)


def _pauses(origins: OriginKeeper, event: Event, found: Found | None) -> Iterator[float]:
    """
    Give the pauses before each further look; none where waiting is pointless.
    """
    if is_settled(found) or not _may_have_overtaken(origins, event):
        return
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if not origins.store.is_shared and not origins.sends_under_way:
            # The last send of this process has settled, maybe since the last look.
            yield 0.0
            return
        yield _PAUSE
    origins.fruitless_waits += 1


def _may_have_overtaken(origins: OriginKeeper, event: Event) -> bool:
    if role_of(event) is not Role.STAGE or not event.keys:
        return False
    if origins.fruitless_waits >= _FRUITLESS_AT_MOST:
        return False
    if not origins.store.is_shared:
        return True
    return event.created_at is None or time.time_ns() - event.created_at < _FRESH_NS


def _complete(origins: OriginKeeper, event: Event, found: Found | None) -> Delivery:
    if is_settled(found):
        origins.fruitless_waits = 0
    replied = None
    if event.reply_to is not None and role_of(event) is Role.INBOUND:
        replied = origins.find(store_keys(event.reply_to, (), None))
    is_new = event.event_id is None or origins.claim(event.event_id)
    return Delivery(event, found, replied, is_duplicate=not is_new)
