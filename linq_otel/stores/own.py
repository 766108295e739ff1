"""
The app's own table as the store.

A team that keeps its messages in a database has a row for each of them; one
more column makes that row an origin. This store asks the app's own functions,
and opens no connection.
"""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError, StoreError

from .memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["OwnStore"]


class OwnStore:
    """
    A store made of the app's own functions.

    Keep beside each message, in columns of its table:

    ================== ======================= =====================================
    column             from                    found by
    ================== ======================= =====================================
    message id         ``origin.message_id``   ``message:`` keys, the best there are
    Linq trace id      ``linq_trace_ids[-1]``  ``trace:`` keys, in lower case
    idempotency key    ``idempotency_key``     ``key:`` keys; optional, and a hash
    origin             ``origin.to_json()``
    ================== ======================= =====================================

    ::

        def find(keys):
            for key in keys:  # ("message:0c96…", "trace:2eff…"), best first
                kind, _, value = key.partition(":")
                row = db.execute(QUERIES[kind], (value,)).fetchone()
                if row:
                    return row["linq_origin"]


        instrument(store=OwnStore(find=find))

    The functions are called in the thread that sends or receives, and by
    coroutines in threads of ours, never on an event loop. What they raise costs
    the join, and neither the call nor the webhook; after an error or a slow
    answer they are left alone for a moment and then asked for a key that does
    not exist, until they work again.

    Args:
        find: Given keys, best first, returns the origin of the first that has
            one: an :class:`Origin`, its JSON, or None.
        save: Keeps an origin. None where the app does it itself, from
            :func:`linq_otel.origins.collect_origins`. An accepted origin must
            not be replaced by another; inbound messages are saved here too, so
            that what replies to them can be linked.
        claim: Given an event id, returns True the first time it is seen. None
            counts within this process alone.
        is_shared: True if other processes see the same table. False makes
            coroutines call the functions on the event loop.

    Raises:
        ConfigurationError: If a function is none, or is a coroutine function.
    """

    runs_in_place = True
    """The functions may need the thread of the request: its connection, its transaction."""

    shares_notes = False
    """A mere note stays within this process."""

    def __init__(
        self,
        find: Callable[[tuple[str, ...]], Origin | str | None],
        save: Callable[[Origin], object] | None = None,
        claim: Callable[[str], bool] | None = None,
        *,
        is_shared: bool = True,
    ) -> None:
        for name, function in (("find", find), ("save", save), ("claim", claim)):
            _check(name, function, optional=name != "find")
        self.is_shared = is_shared
        self._find = find
        self._save = save
        self._memory = MemoryStore()
        self._claim = claim or self._memory.claim

    def __repr__(self) -> str:
        """
        Name the store, and nothing of the app's functions.
        """
        return "OwnStore()"

    def save(self, origin: Origin) -> None:
        """
        Keep *origin*, where the app has given a function for it.

        A mere note, which names no span, is of no use to an app: it is kept
        within this process.
        """
        if not origin.traceparent:
            self._memory.save(origin)
        elif self._save is not None:
            self._save(origin)

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.

        Raises:
            StoreError: If the app's function returns what is no origin.
        """
        found = self._find(keys) if keys else None
        if found is None:
            return self._memory.find(*keys)
        origin = _read(found)
        return next((key for key in keys if key in origin.keys), keys[0]), origin

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen.
        """
        # That of a repeat goes with the note it is made for, and is no event's id.
        return (self._memory.claim if ":after:" in event_id else self._claim)(event_id)

    def close(self) -> None:
        """
        Do nothing: the connection is the app's.
        """


def _check(name: str, function: object, *, optional: bool) -> None:
    if function is None and optional:
        return
    if not callable(function):
        raise ConfigurationError(f"{name} must be a function")
    if iscoroutinefunction(function):
        raise ConfigurationError(f"{name} must be no coroutine function: threads call it")


def _read(found: object) -> Origin:
    if isinstance(found, str):
        return Origin.from_json(found)
    if isinstance(found, Origin):
        return found
    raise StoreError(f"find must return an Origin, its JSON or None, not {type(found).__name__}")
