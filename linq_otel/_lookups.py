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
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._events import Event
    from ._tracing import Tracing


WAIT: Final = 0.25
"""Seconds a fresh event waits at most for its sender (design, section 3, "Races")."""

_PAUSE: Final = 0.025
_FRESH_NS: Final = 5_000_000_000
# Where nobody saves (an uninstrumented sender), waiting for it soon stops.
_FRUITLESS_AT_MOST: Final = 3


def look_up(tracing: Tracing, event: Event) -> Delivery:
    """
    Find where *event*'s message came from, and claim the event.
    """
    found = tracing.find(event.keys)
    for pause in _pauses(tracing, event, found):
        time.sleep(pause)
        found = tracing.find(event.keys)
        if is_settled(found):
            break
    return _complete(tracing, event, found)


async def alook_up(tracing: Tracing, event: Event) -> Delivery:
    """
    Do the same off the event loop.
    """
    found = await tracing.afind(event.keys)
    for pause in _pauses(tracing, event, found):
        await asyncio.sleep(pause)
        found = await tracing.afind(event.keys)
        if is_settled(found):
            break
    if tracing.store.is_shared:
        return await asyncio.to_thread(_complete, tracing, event, found)
    return _complete(tracing, event, found)


def is_settled(found: Found | None) -> bool:
    """
    True if *found* says all there is to say: where the life is drawn.
    """
    return found is not None and bool(found[1].lifecycle or found[1].is_accepted)


def _pauses(tracing: Tracing, event: Event, found: Found | None) -> Iterator[float]:
    """
    Give the pauses before each further look; none where waiting is pointless.
    """
    if is_settled(found) or not _may_have_overtaken(tracing, event):
        return
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if not tracing.store.is_shared and not tracing.sends_under_way:
            # The last send of this process has settled, maybe since the last look.
            yield 0.0
            return
        yield _PAUSE
    tracing.fruitless_waits += 1


def _may_have_overtaken(tracing: Tracing, event: Event) -> bool:
    if role_of(event) is not Role.STAGE or not event.keys:
        return False
    if not tracing.store.is_shared:
        return True
    if tracing.fruitless_waits >= _FRUITLESS_AT_MOST:
        return False
    return event.created_at is None or time.time_ns() - event.created_at < _FRESH_NS


def _complete(tracing: Tracing, event: Event, found: Found | None) -> Delivery:
    if is_settled(found):
        tracing.fruitless_waits = 0
    replied = None
    if event.reply_to is not None and role_of(event) is Role.INBOUND:
        replied = tracing.find(store_keys(event.reply_to, (), None))
    is_duplicate = False
    if event.event_id is not None:
        with shield("claiming an event"):
            is_duplicate = not tracing.store.claim(event.event_id)
    return Delivery(event, found, replied, is_duplicate)
