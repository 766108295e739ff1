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


if TYPE_CHECKING:
    from linq_otel._deliveries import Handling
    from linq_otel._events import Event


# An app that sends the client elsewhere has not handled the event either.
_FIRST_UNHANDLED: Final = 300


def keys_of_note(event: Event) -> tuple[str, ...]:
    """
    Return the store keys under which a note says that *event* was handled to the end.
    """
    return (f"key:{_name(event)}",)


def note_of(handling: Handling) -> Origin | None:
    """
    Return the note that a handler returned; None if what it answered was an error.
    """
    event = handling.event
    if handling.is_answered or event.event_id is None or event.verified is False:
        return None
    if (handling.status or 0) >= _FIRST_UNHANDLED:
        return None
    return Origin("", idempotency_key=_name(event), accepted_at=time.time_ns())


def _name(event: Event) -> str:
    # No user's key looks like this: those are kept as 32 digits of a hash.
    return f"handled:{event.event_id}"
