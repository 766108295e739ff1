"""
Which events are handled, or are being handled, so that a repeated one need not be.

That an event was delivered before is no reason to drop it: Linq delivers again
just because a handler failed. What counts is a note in the store, made as a run
begins and again as it ends; and where an earlier run has failed, the store's
claim, which lets one repeat of several run. A note is an origin without a span,
because that is what stores keep.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from linq_otel._event_loops import sleep
from linq_otel._origins import Origin


if TYPE_CHECKING:
    from linq_otel._deliveries import Handling
    from linq_otel._events import Event
    from linq_otel._keeping import OriginKeeper


HANDLED_BEFORE: Final = 200
IN_PROGRESS: Final = 503
"""The status that makes Linq deliver an event again, after the run that is under way."""

LEASE: Final = 300.0
"""Seconds after which a run that has not ended is taken for dead; Linq tries for half an hour."""

# An app that sends the client elsewhere has not handled the event either.
_FIRST_UNHANDLED: Final = 300
_ENDED: Final = "ended"
# Linq gives up an attempt after ten seconds.
_PATIENCE: Final = 5.0
# From the claim of an event to the note of its run, where both are written at once.
_GAP: Final = 0.25
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.25)


class Repeat:
    """
    What becomes of one delivery of an event that is not to be handled twice.

    ::

        while (pause := repeat.judge(found)) is not None:
            ...  # wait, look for *found* again; or claim :attr:`claim`, if there is one

    Args:
        event: What was delivered.

    Attributes:
        keys: The store keys of the event's note.
        claim: Must be claimed before the handler runs; None if it must wait.
        answer: The status to answer with in place of the app; None lets it run.
    """

    __slots__ = ("_event", "_looks", "_started", "answer", "claim", "keys")

    def __init__(self, event: Event) -> None:
        self._event = event
        self._looks = 0
        self._started = time.monotonic()
        self.keys = (f"key:{_name(event)}",)
        self.claim: str | None = None
        self.answer: int | None = None

    def judge(self, found: tuple[str, Origin] | None) -> float | None:
        """
        Judge by the note that was *found*; returns how long to wait, None if it is decided.
        """
        note = found[1] if found is not None else None
        if note is not None and note.is_accepted:
            self.answer = HANDLED_BEFORE
            return None
        waited = time.monotonic() - self._started
        if note is not None and _is_under_way(note):
            self.claim = None
            if waited >= _PATIENCE:
                self.answer = IN_PROGRESS
                return None
        elif waited >= 2 * _GAP:
            # A claim whose run has left no note: its process is gone, or the store does not say.
            return None
        elif note is not None or waited >= _GAP:
            self.claim = f"{self._event.event_id}:after:{note.requested_at if note else 0}"
        self._looks += 1
        return _PAUSES[min(self._looks, len(_PAUSES)) - 1]


def begin_run(origins: OriginKeeper, event: Event, *, is_new: bool) -> tuple[int | None, int]:
    """
    Decide whether the handler of *event* is to run, and note that it does.

    A repeated delivery waits for the run that is under way, for a bounded time.

    Args:
        origins: Asks the store.
        event: What was delivered, with an id.
        is_new: True if it was not delivered before.

    Returns:
        The status to answer with in place of the app, None to let it run; and
        when the run began, Unix nanoseconds.
    """
    repeat = Repeat(event)
    while not is_new and not origins.silent_seconds:
        pause = repeat.judge(origins.find(repeat.keys))
        if pause is None or (repeat.claim is not None and origins.claim(repeat.claim)):
            break
        time.sleep(pause)
    began_at = time.time_ns()
    if repeat.answer is None:
        origins.keep(_note_begin(event, began_at))
    return repeat.answer, began_at


async def abegin_run(
    origins: OriginKeeper, event: Event, *, is_new: bool
) -> tuple[int | None, int]:
    """
    Do the same in a coroutine, off the event loop.
    """
    repeat = Repeat(event)
    while not is_new and not origins.silent_seconds:
        pause = repeat.judge(await origins.afind(repeat.keys))
        if pause is None or (repeat.claim is not None and await origins.aclaim(repeat.claim)):
            break
        await sleep(pause)
    began_at = time.time_ns()
    if repeat.answer is None:
        await origins.akeep(_note_begin(event, began_at))
    return repeat.answer, began_at


def note_end(handling: Handling, error: BaseException | None) -> Origin | None:
    """
    Return the note of how a run ended: handled, or to be handled again; None if there was none.
    """
    began_at = handling.began_at
    if began_at is None:
        return None
    name = _name(handling.event)
    if error is None and (handling.status or 0) < _FIRST_UNHANDLED:
        return Origin("", idempotency_key=name, requested_at=began_at, accepted_at=time.time_ns())
    return Origin("", tracestate=_ENDED, idempotency_key=name, requested_at=began_at)


def _note_begin(event: Event, began_at: int) -> Origin:
    return Origin("", idempotency_key=_name(event), requested_at=began_at)


def _is_under_way(note: Origin) -> bool:
    return note.tracestate != _ENDED and time.time_ns() - note.requested_at < LEASE * 1e9


def _name(event: Event) -> str:
    # No user's key looks like this: those are kept as 32 digits of a hash.
    return f"handled:{event.event_id}"
