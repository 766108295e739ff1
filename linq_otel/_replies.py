"""
How long somebody waited for the app's answer in a chat.

The message that came in and the answer may be handled by different processes,
so a note of the arrival is left in the store where one is shared. Nobody waits
for that: it is a number, and no join depends on it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ._forks import call_at_fork
from ._origins import Origin


if TYPE_CHECKING:
    from ._events import Event
    from ._keeping import OriginKeeper
    from ._meters import Meters


_MOST_CHATS: Final = 10_000
_LONGEST_NS: Final = 24 * 3600 * 10**9


class Replies:
    """
    Measures the time from a message's arrival to the first answer in its chat.

    Args:
        meters: Are told.
        origins: Keep the notes that other processes need.
    """

    def __init__(self, meters: Meters, origins: OriginKeeper) -> None:
        self._meters = meters
        self._origins = origins
        self._begin()
        call_at_fork(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: OrderedDict[str, int] = OrderedDict()

    def note_arrival(self, event: Event) -> None:
        """
        A message has come in, for the first time.
        """
        if event.chat_id is None:
            return
        at = event.created_at or time.time_ns()
        with self._lock:
            self._arrivals[event.chat_id] = at
            self._arrivals.move_to_end(event.chat_id)
            if len(self._arrivals) > _MOST_CHATS:
                self._arrivals.popitem(last=False)
        if self._origins.store.is_shared:
            self._origins.later(self._origins.store.save, _note(event.chat_id, at))

    def note_answer(self, chat_id: str | None, at: int) -> None:
        """
        A message of the app was accepted for *chat_id* at *at*, Unix nanoseconds.
        """
        if chat_id is None:
            return
        with self._lock:
            arrived_at = self._arrivals.pop(chat_id, None)
        if self._origins.store.is_shared:
            self._origins.later(self._ask, chat_id, arrived_at or 0, at)
        elif arrived_at is not None:
            self._tell(arrived_at, at)

    def _ask(self, chat_id: str, arrived_at: int, at: int) -> None:
        store = self._origins.store
        found = store.find(*_note(chat_id, 0).keys)
        arrived_at = max(arrived_at, found[1].requested_at if found else 0)
        # By the first answer alone, whichever process gave it.
        if arrived_at and store.claim(f"linq-otel:reply:{chat_id}:{arrived_at}"):
            self._tell(arrived_at, at)

    def _tell(self, arrived_at: int, at: int) -> None:
        if at - arrived_at <= _LONGEST_NS:
            self._meters.note_reply((at - arrived_at) / 1e9)


def _note(chat_id: str, at: int) -> Origin:
    # No user's key looks like this: those are kept as 32 digits of a hash. It is not
    # accepted, so that the next arrival takes its place.
    return Origin("", idempotency_key=f"arrival:{chat_id}", requested_at=at)
