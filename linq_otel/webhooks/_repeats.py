"""
Which events were handled to the end, so that a repeated one need not be again.

That an event was delivered before is no reason to drop it: Linq delivers again
just because a handler failed. What counts is a note left after a handler has
returned. It is an origin without a span, because that is what stores keep.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from linq_otel._origins import Origin
from linq_otel._shield import shield


if TYPE_CHECKING:
    from linq_otel._deliveries import Handling
    from linq_otel._events import Event
    from linq_otel._keeping import OriginKeeper


_FIRST_ERROR: Final = 400


def was_handled(origins: OriginKeeper, event: Event) -> bool:
    """
    Return True if a handler of *event* is known to have returned.
    """
    return origins.find((f"key:{_name(event)}",)) is not None


def remember(origins: OriginKeeper, handling: Handling) -> None:
    """
    Leave a note that a handler returned, unless what it answered was an error.
    """
    event = handling.event
    if handling.is_answered or event.event_id is None or event.verified is False:
        return
    if (handling.status or 0) < _FIRST_ERROR:
        note = Origin("", idempotency_key=_name(event), accepted_at=time.time_ns())
        with shield("remembering an event"):
            origins.store.save(note)


def _name(event: Event) -> str:
    # No user's key looks like this: those are kept as 32 digits of a hash.
    return f"handled:{event.event_id}"
