"""
Answers whose bodies their callers read later.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from linq_otel._idempotency import parse_body
from linq_otel._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._origins import Origin
    from linq_otel._tracing import Tracing


B = TypeVar("B")


class LateBody:
    """
    A call whose answer's body its caller reads later.
    """

    __slots__ = ("_call", "_tracing")

    def __init__(self, tracing: Tracing, call: Call) -> None:
        self._tracing = tracing
        self._call = call

    def arrive(self, body: object) -> bool:
        """
        The caller has read the whole *body*; False if that is no JSON.
        """
        is_json = self._learn(body)
        if is_json:
            origins = self._tracing.origins
            origins.save(self._settle(origins.find(self._call.settlement.replay_keys)))
        return is_json

    async def aarrive(self, body: object) -> None:
        """
        The same off the event loop.
        """
        if self._learn(body):
            origins = self._tracing.origins
            await origins.asave(
                self._settle(await origins.afind(self._call.settlement.replay_keys))
            )

    def _learn(self, body: object) -> bool:
        with shield("reading a late body"):
            parsed = parse_body(body)
            self._call.settlement.learn_late(parsed)
            return parsed is not None
        return False

    def _settle(self, known: tuple[str, Origin] | None) -> Origin | None:
        return self._call.settlement.settle_late(known)


class LateBodies(Generic[B]):
    """
    The responses of one library whose bodies are unread.

    Args:
        watch: Wraps what reads a body. It is called with the first one, for
            every response of the app pays for that wrapper.
    """

    def __init__(self, watch: Callable[[], None]) -> None:
        self._watch_once: Callable[[], None] | None = watch
        self._lock = threading.Lock()
        self._waiting: WeakKeyDictionary[Any, B] = WeakKeyDictionary()

    def put(self, response: Any, body: B) -> None:
        """
        Wait until the caller reads *response*.
        """
        self._waiting[response] = body
        with self._lock:
            watch, self._watch_once = self._watch_once, None
        if watch is not None:
            watch()

    def find(self, response: Any) -> B | None:
        """
        Return what waits for *response*.
        """
        return self._waiting.get(response) if self._waiting else None

    def take(self, response: Any) -> B | None:
        """
        Return what waits for *response*, once.
        """
        return self._waiting.pop(response, None) if self._waiting else None
