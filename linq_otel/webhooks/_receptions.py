"""
One delivery on its way through a receiver: read, looked up, and run as a handler.

What surrounds a handler is one object that is entered and left, by ``with`` or
by ``async with``. Of generators there would be three, one around the other, and
each costs more than a microsecond.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from linq_otel._deliveries import HandlerRun, Handling, find_under_way
from linq_otel._lookups import alook_up, look_up
from linq_otel._shield import shield

from ._repeats import keys_of_note, note_of


if TYPE_CHECKING:
    from linq_otel._placements import Delivery
    from linq_otel._tracing import Tracing

    from ._gate import Body
    from ._signatures import Headers


_LOOKING_UP: Final = shield("looking up a delivery")


class Reader(Protocol):
    """
    What reads deliveries: the receiver.
    """

    @property
    def duplicates(self) -> str:
        """
        What becomes of repeated events.
        """
        ...

    @property
    def tracing(self) -> Tracing:
        """
        The tracing in use.
        """
        ...

    def read(
        self,
        headers: Headers | None,
        body: Body,
        verified: bool | None,  # noqa: FBT001  # The receiver's keyword.
        /,
    ) -> Delivery | None:
        """
        Read one delivery; None if it is not readable.
        """
        ...


class Reception:
    """
    Runs the body of a ``with``, or of an ``async with``, as the handler of one delivery.

    It yields the handler's run; None if the delivery is not readable.

    Args:
        reader: Reads it.
        headers: Any mapping of headers, or pairs of them.
        body: As for :meth:`WebhookReceiver.accept`.
        verified: As for :meth:`WebhookReceiver.accept`.

    Raises:
        WebhookError: On entering, if the receiver enforces and the delivery is refused.
    """

    __slots__ = ("_body", "_handling", "_headers", "_reader", "_run", "_tracing", "_verified")

    def __init__(
        self,
        reader: Reader,
        headers: Headers | None,
        body: Body,
        verified: bool | None,  # noqa: FBT001  # As the receiver's keyword.
    ) -> None:
        self._reader = reader
        self._headers = headers
        self._body = body
        self._verified = verified
        self._tracing = reader.tracing
        self._handling: Handling | None = None
        self._run: HandlerRun | None = None

    def __enter__(self) -> Handling | None:
        """
        Read and look up the delivery, and start its span.
        """
        delivery = self._reader.read(self._headers, self._body, self._verified)
        if delivery is None:
            return None
        tracing, around = self._tracing, find_under_way(delivery.event)
        origins = tracing.origins
        if around is None and delivery.rejected is None:
            with _LOOKING_UP:
                delivery = look_up(tracing, delivery.event)
        handling = self._begin(delivery, around)
        try:
            if self._may_answer(handling):
                handling.is_answered = origins.find(keys_of_note(handling.event)) is not None
            origins.save(handling.origin)
        except BaseException:
            self._end(*sys.exc_info())
            raise
        return handling

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        End the span, and note that the event was handled where that matters.
        """
        self._end(kind, error, trace)
        if kind is None and self._handling is not None and self._reader.duplicates == "answer":
            self._tracing.origins.keep(note_of(self._handling))

    async def __aenter__(self) -> Handling | None:
        """
        Do the same in a coroutine; the store is asked off the event loop.
        """
        delivery = self._reader.read(self._headers, self._body, self._verified)
        if delivery is None:
            return None
        tracing, around = self._tracing, find_under_way(delivery.event)
        origins = tracing.origins
        if around is None and delivery.rejected is None:
            with _LOOKING_UP:
                delivery = await alook_up(tracing, delivery.event)
        handling = self._begin(delivery, around)
        try:
            if self._may_answer(handling):
                found = await origins.afind(keys_of_note(handling.event))
                handling.is_answered = found is not None
            if handling.origin is None:
                # Nothing to be kept, and so nothing to wait for.
                origins.save(None)
            else:
                await origins.asave(handling.origin)
        except BaseException:
            self._end(*sys.exc_info())
            raise
        return handling

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        Do the same in a coroutine.
        """
        self._end(kind, error, trace)
        if kind is None and self._handling is not None and self._reader.duplicates == "answer":
            await self._tracing.origins.akeep(note_of(self._handling))

    def _begin(self, delivery: Delivery, around: Handling | None) -> Handling:
        """
        Begin the handler's run in a span of its own, or in that of the run *around* it.
        """
        if around is None:
            run = HandlerRun(self._tracing, delivery)
            self._handling = run.__enter__()
            self._run = run
        else:
            self._handling = replace(around, event=delivery.event, origin=None, is_answered=False)
        return self._handling

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if self._run is not None:
            self._run.__exit__(kind, error, trace)

    def _may_answer(self, handling: Handling) -> bool:
        if self._reader.duplicates != "answer" or not handling.is_duplicate:
            return False
        return handling.event.verified is not False and handling.event.event_id is not None
