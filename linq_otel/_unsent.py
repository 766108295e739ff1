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
        # Those of them that the store was asked for, in vain, when they were due.
        self._missed: set[str] = set()

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
            self._missed.discard(message_id)
        if not was_ours and self._origins.shares_notes:
            self._origins.note(_note(message_id))

    def count(self) -> int | None:
        """
        Return how many are stuck; None where none was sent, or no webhook would ever tell.

        Of those that the store was not asked for, or did not answer, nothing is known: they are as
        they were.
        """
        is_told = self._hears or self._origins.shares_notes
        if self._is_closed or not self._sends or not is_told:
            return None
        if not self._origins.shares_notes:
            return len(self._due())
        self._look()
        with self._lock:
            return len(self._missed)

    def close(self) -> None:
        """
        Count no more: another tracing does.
        """
        self._is_closed = True

    def _look(self) -> None:
        due = self._due()
        # Those that were never asked for come first, in case that there is no time for all.
        wanted = sorted(due, key=self._missed.__contains__)
        with self._lock:
            if len(self._accepted) > _MOST_MESSAGES // 2:
                # Lest those that were sent long since make no room for others.
                wanted += [key for key in self._accepted if key not in due]
        keys = {message_id: _note(message_id).keys[0] for message_id in wanted}
        heard, asked = self._origins.find_all([*keys.values()])
        with self._lock:
            for message_id in wanted[:asked]:
                if keys[message_id] in heard:
                    self._accepted.pop(message_id, None)
                    self._missed.discard(message_id)
                elif message_id in due and message_id in self._accepted:
                    self._missed.add(message_id)

    def _due(self) -> dict[str, None]:
        now = time.monotonic()
        with self._lock:
            while self._accepted:
                message_id, accepted_at = next(iter(self._accepted.items()))
                if now - accepted_at <= _LONGEST_SECONDS:
                    break
                del self._accepted[message_id]
            self._missed.intersection_update(self._accepted)
            return {key: None for key, at in self._accepted.items() if now - at > self._seconds}


def _note(message_id: str) -> Origin:
    # As the notes of arrivals: no user's key looks like this.
    return Origin("", idempotency_key=f"sent:{message_id}", accepted_at=time.time_ns())
