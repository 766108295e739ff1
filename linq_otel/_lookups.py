"""
What is looked up for a delivery before its handler runs: the only I/O of ours.

A webhook may overtake the answer that names its ids. A stage event that is
fresh and finds nothing therefore waits a moment, if a sender may be about to
save: a bounded time, and never on the event loop.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ._event_loops import sleep
from ._lifecycle import Role, carried_lifecycle, role_of
from ._origins import store_keys
from ._placements import Delivery, Found


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._events import Event
    from ._keeping import OriginKeeper
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
    origins, keys, replied = tracing.origins, event.keys, None
    found = origins.find(keys)
    if not is_settled(found):
        for pause in _pauses(tracing, event):
            time.sleep(pause)
            found = origins.find(keys)
            if is_settled(found):
                break
    if event.reply_to is not None:
        replied = origins.find(_replied_keys(event))
    is_new = event.event_id is None or origins.claim(event.event_id)
    return _complete(origins, event, found, replied, is_new=is_new)


async def alook_up(tracing: Tracing, event: Event) -> Delivery:
    """
    Do the same off the event loop.
    """
    origins, keys, replied = tracing.origins, event.keys, None
    found = await origins.afind(keys)
    if not is_settled(found):
        for pause in _pauses(tracing, event):
            await sleep(pause)
            found = await origins.afind(keys)
            if is_settled(found):
                break
    if event.reply_to is not None:
        replied = await origins.afind(_replied_keys(event))
    is_new = event.event_id is None or await origins.aclaim(event.event_id)
    return _complete(origins, event, found, replied, is_new=is_new)


def is_settled(found: Found | None) -> bool:
    """
    True if *found* says all there is to say: where the life is drawn.
    """
    return found is not None and bool(found[1].lifecycle or found[1].is_accepted)


def _pauses(tracing: Tracing, event: Event) -> Iterator[float]:
    """
    Give the pauses before each further look; none where waiting is pointless.
    """
    origins = tracing.origins
    if carried_lifecycle(tracing.settings.join, event) is not None:
        return
    if not _may_have_overtaken(origins, event) or not tracing.source.is_recording:
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
    if origins.silent_seconds > WAIT:
        return False
    # Both by Linq's clock where the delivery says so: ours may be minutes off.
    now = event.signed_at or time.time_ns()
    return event.created_at is None or now - event.created_at < _FRESH_NS


def _replied_keys(event: Event) -> tuple[str, ...]:
    """
    Return the store keys of the message an inbound one replies to.
    """
    if role_of(event) is not Role.INBOUND:
        return ()
    return store_keys(event.reply_to, (), None)


def _complete(
    origins: OriginKeeper,
    event: Event,
    found: Found | None,
    replied: Found | None,
    *,
    is_new: bool,
) -> Delivery:
    if is_settled(found):
        origins.fruitless_waits = 0
    return Delivery(event, found, replied, is_duplicate=not is_new)
