"""
One delivery on its way through a receiver: read, looked up, and run as a handler.

What surrounds a handler is one object that is entered and left, by ``with`` or
by ``async with``. Of generators there would be three, one around the other, and
each costs more than a microsecond.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from linq_otel._deliveries import HandlerRun, Handling, find_under_way
from linq_otel._lookups import alook_up, look_up
from linq_otel._shield import shield

from ._repeats import abegin_run, begin_run, note_end


if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from linq_otel._origins import Origin
    from linq_otel._placements import Delivery
    from linq_otel._tracing import Tracing

    from ._gate import Body
    from ._signatures import Headers


_LOOKING_UP: Final = shield("looking up a delivery")
_DECIDING: Final = shield("deciding on a repeated delivery")
# The app answers, and no repeat waits for its run.
_RUNS: Final[tuple[int | None, int | None]] = (None, None)


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

    The run may end before the block does, once the app has answered, or after
    it, with the last piece of an answer that is streamed.

    Args:
        reader: Reads it.
        headers: Any mapping of headers, or pairs of them.
        body: As for :meth:`WebhookReceiver.accept`.
        verified: As for :meth:`WebhookReceiver.accept`.

    Raises:
        WebhookError: On entering, if the receiver enforces and the delivery is refused.
    """

    __slots__ = (
        "_body",
        "_handling",
        "_headers",
        "_notes",
        "_outlasts",
        "_reader",
        "_run",
        "_tracing",
        "_verified",
    )

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
        self._notes = False
        self._outlasts = False

    def __enter__(self) -> Handling | None:
        """
        Read and look up the delivery, and start its span.
        """
        delivery = self._reader.read(self._headers, self._body, self._verified)
        if delivery is None:
            return None
        tracing, around = self._tracing, find_under_way(delivery.event)
        origins, decided = tracing.origins, _RUNS
        if around is None and delivery.rejected is None:
            with _LOOKING_UP:
                delivery = look_up(tracing, delivery.event)
        if self._runs_once(delivery, around):
            is_new = not (around or delivery).is_duplicate
            with _DECIDING:
                decided = begin_run(origins, delivery.event, is_new=is_new)
        handling = self._begin(delivery, around, *decided)
        try:
            origins.save(handling.origin)
        except BaseException as error:
            self._leave(error)
            self.note(error)
            raise
        return handling

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """
        End the run, unless its answer outlasts it, and leave its context.
        """
        if self._outlasts and error is None:
            if self._run is not None:
                self._run.leave()
            return
        self._leave(error)
        self.note(error)

    async def __aenter__(self) -> Handling | None:
        """
        Do the same in a coroutine; the store is asked off the event loop.
        """
        delivery = self._reader.read(self._headers, self._body, self._verified)
        if delivery is None:
            return None
        tracing, around = self._tracing, find_under_way(delivery.event)
        origins, decided = tracing.origins, _RUNS
        if around is None and delivery.rejected is None:
            with _LOOKING_UP:
                delivery = await alook_up(tracing, delivery.event)
        if self._runs_once(delivery, around):
            is_new = not (around or delivery).is_duplicate
            with _DECIDING:
                decided = await abegin_run(origins, delivery.event, is_new=is_new)
        handling = self._begin(delivery, around, *decided)
        try:
            if handling.origin is None:
                # Nothing to be kept, and so nothing to wait for.
                origins.save(None)
            else:
                await origins.asave(handling.origin)
        except BaseException as error:
            self._leave(error)
            self.note(error)
            raise
        return handling

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """
        Do the same in a coroutine.
        """
        if self._outlasts and error is None:
            if self._run is not None:
                self._run.leave()
            return
        self._leave(error)
        await self.anote(error)

    def outlast(self) -> None:
        """
        Let the run last beyond the block, until :meth:`end` is called.
        """
        self._outlasts = True

    def resumed(self) -> AbstractContextManager[None]:
        """
        Return what makes the context of the run the current one again.
        """
        return nullcontext() if self._run is None else self._run.resumed()

    def end(self, error: BaseException | None = None) -> None:
        """
        End the span, once.
        """
        if self._run is not None:
            self._run.end(error)

    def note(self, error: BaseException | None = None) -> None:
        """
        Note how the event was handled, once, where that decides on repeats.
        """
        note = self._take_note(error)
        if note is None:
            return
        if isinstance(error, Exception | None):
            self._tracing.origins.keep(note)
        else:
            self._note_later(note)

    async def anote(self, error: BaseException | None = None) -> None:
        """
        Do the same in a coroutine.
        """
        note = self._take_note(error)
        if note is None:
            return
        if isinstance(error, Exception | None):
            await self._tracing.origins.akeep(note)
        else:
            # What is cancelled waits for nothing.
            self._note_later(note)

    def _note_later(self, note: Origin) -> None:
        origins = self._tracing.origins
        origins.later(origins.store.save, note)

    def _take_note(self, error: BaseException | None) -> Origin | None:
        if not self._notes or self._handling is None:
            return None
        self._notes = False
        return note_end(self._handling, error)

    def _begin(
        self, delivery: Delivery, around: Handling | None, answer: int | None, began_at: int | None
    ) -> Handling:
        """
        Begin the handler's run in a span of its own, or in that of the run *around* it.
        """
        if around is None:
            run = HandlerRun(self._tracing, delivery)
            self._handling = run.__enter__()
            self._run = run
        else:
            self._handling = replace(around, event=delivery.event, origin=None)
        self._handling.answer = answer
        if answer is None and began_at is not None:
            self._notes, self._handling.began_at = True, began_at
            if around is not None:
                # Receivers further inside are not to wait for this very run.
                around.began_at = began_at
        return self._handling

    def _leave(self, error: BaseException | None) -> None:
        if self._run is not None:
            self._run.__exit__(None, error, None)

    def _runs_once(self, delivery: Delivery, around: Handling | None) -> bool:
        """
        True if repeats of *delivery* are answered, and no one around has seen to it.
        """
        if self._reader.duplicates != "answer" or delivery.rejected is not None:
            return False
        if around is not None and around.began_at is not None:
            return False
        return delivery.event.verified is not False and delivery.event.event_id is not None
