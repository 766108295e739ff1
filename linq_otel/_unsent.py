"""
Messages that were accepted and of which nothing more was heard.

A message that is stuck sends no webhook, so nobody is told; only who sent it
can tell that nothing came. Whoever gets the webhook leaves a note in the
store, and the sender looks for it once the message should have been sent.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ._forks import call_at_fork
from ._origins import Origin


if TYPE_CHECKING:
    from ._keeping import OriginKeeper


_MOST_MESSAGES: Final = 10_000
_LONGEST_SECONDS: Final = 24 * 3600.0
_LOOKS_AT_ONCE: Final = 200


class Unsent:
    """
    Counts the messages of this process that are stuck.

    Args:
        origins: Keep the notes that a message was sent.
        seconds: After how long a message that was not sent is stuck.
    """

    def __init__(self, origins: OriginKeeper, seconds: float) -> None:
        self._origins = origins
        self._seconds = seconds
        self._sends = False
        self._hears = False
        self._is_closed = False
        self._begin()
        call_at_fork(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._accepted: OrderedDict[str, float] = OrderedDict()

    def note_accepted(self, message_id: str | None) -> None:
        """
        A message of this process was accepted just now.
        """
        if message_id is None:
            return
        self._sends = True
        with self._lock:
            self._accepted[message_id] = time.monotonic()
            if len(self._accepted) > _MOST_MESSAGES:
                self._accepted.popitem(last=False)

    def note_sent(self, message_id: str | None) -> None:
        """
        A message of some process was sent, or came to another end.
        """
        self._hears = True
        if message_id is None:
            return
        with self._lock:
            was_ours = self._accepted.pop(message_id, None) is not None
        if self._origins.store.is_shared and not was_ours:
            self._origins.later(self._origins.store.save, _note(message_id))

    def count(self) -> int | None:
        """
        Return how many are stuck; None where none was sent, or no webhook would ever tell.
        """
        is_told = self._hears or self._origins.store.is_shared
        if self._is_closed or not self._sends or not is_told:
            return None
        due = self._due()
        if self._origins.store.is_shared:
            for message_id in due[:_LOOKS_AT_ONCE]:
                if self._origins.find(_note(message_id).keys) is not None:
                    with self._lock:
                        self._accepted.pop(message_id, None)
        return len(self._due())

    def close(self) -> None:
        """
        Count no more: another tracing does.
        """
        self._is_closed = True

    def _due(self) -> list[str]:
        now = time.monotonic()
        with self._lock:
            while self._accepted:
                message_id, accepted_at = next(iter(self._accepted.items()))
                if now - accepted_at <= _LONGEST_SECONDS:
                    break
                del self._accepted[message_id]
            return [key for key, at in self._accepted.items() if now - at > self._seconds]


def _note(message_id: str) -> Origin:
    # As the notes of arrivals: no user's key looks like this.
    return Origin("", idempotency_key=f"sent:{message_id}", accepted_at=time.time_ns())
