"""
The origins of the calls made here, for apps that keep them in a table of their own.

A call that ends leaves its origin behind in the context it was made in. One
that left none leaves None, so that a thread of a pool never shows the origin
of the request before.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Generator

    from ._origins import Origin


_last: ContextVar[Origin | None] = ContextVar("linq_otel_last_origin", default=None)
_open: ContextVar[tuple[list[Origin], ...]] = ContextVar("linq_otel_collected", default=())


def note_origin(origin: Origin | None) -> None:
    """
    Note what a call is about to keep: an early origin, a final one, or none.
    """
    if origin is not None and not _is_of_a_call(origin):
        origin = None
    _last.set(origin)
    if origin is not None:
        for collected in _open.get():
            _put(collected, origin)


def last_origin() -> Origin | None:
    """
    Return the origin of the last call of this thread or task; None if it left none.

    It is to be asked right after the call, in the same function::

        client.chats.messages.send(chat_id, message=message)
        origin = last_origin()

    A call leaves none if it failed, if nothing will ever report on it (a list,
    a look-up), if it was not traced, or if Linq answered with a message it had
    accepted before: the origin of that one is kept already. A call made in
    another task is seen by :func:`collect_origins` alone.
    """
    return _last.get()


@contextmanager
def collect_origins() -> Generator[list[Origin]]:
    """
    Collect the origins of the calls made in the ``with`` block, in order of their answers.

    Tasks and ``asyncio.to_thread`` calls started in the block count too, for
    they take their context with them::

        with collect_origins() as origins:
            await asyncio.gather(*(send(chat) for chat in chats))
        save_rows((origin.message_id, origin.to_json()) for origin in origins)

    Blocks may be nested; each collects what is sent inside it.
    """
    collected: list[Origin] = []
    entered = _open.set((*_open.get(), collected))
    try:
        yield collected
    finally:
        # Frameworks may leave a block in another context than they entered it in.
        with suppress(ValueError):
            _open.reset(entered)


def _put(collected: list[Origin], origin: Origin) -> None:
    # An answer the app reads later completes what was known when its headers came.
    for number, other in enumerate(collected):
        if other.traceparent == origin.traceparent:
            collected[number] = origin
            return
    collected.append(origin)


def _is_of_a_call(origin: Origin) -> bool:
    # An early origin waits for its answer. An inbound message was sent by somebody else,
    # and the root of its life is the span that received it; a mere note has neither.
    return origin.is_accepted and origin.lifecycle != origin.traceparent
