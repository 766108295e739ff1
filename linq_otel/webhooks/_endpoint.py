"""
What every adapter shares: which requests are deliveries, and who answers them.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, TypeVar, final

from linq_otel._shield import report
from linq_otel.errors import ConfigurationError, MalformedEventError, WebhookError

from ._receiver import WebhookReceiver
from ._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from linq_otel._deliveries import Handling

    from ._receptions import Reception
    from ._signatures import Headers


T = TypeVar("T")

# Text that is all digits need not be a number: "²" is one of them.
_STATUS: Final = re.compile(r"[1-9]\d\d(?!\S)", re.ASCII)


@final
class Turn:
    """
    One delivery on its way through an adapter, which runs the app inside it.

    It is entered by ``with``, or by ``async with``.

    Args:
        reception: Reads the delivery and runs its handler; None for a body that cannot be read.
        answer: As below.

    Attributes:
        answer: The status to answer with in place of the app; None lets the app run.
        handling: The run of the app's handler, if the delivery could be read.
    """

    __slots__ = ("_reception", "answer", "handling")

    def __init__(self, reception: Reception | None = None, answer: int | None = None) -> None:
        self._reception = reception
        self.answer = answer
        self.handling: Handling | None = None

    def __enter__(self) -> Turn:
        """
        Let the delivery in, or find the status to refuse it with.
        """
        if self._reception is not None:
            try:
                self._take(self._reception.__enter__())
            except WebhookError as refusal:
                self._refuse(refusal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        End the handler's run, if there was one.
        """
        if self._reception is not None:
            self._reception.__exit__(kind, error, trace)

    async def __aenter__(self) -> Turn:
        """
        Do the same in a coroutine.
        """
        if self._reception is not None:
            try:
                self._take(await self._reception.__aenter__())
            except WebhookError as refusal:
                self._refuse(refusal)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        Do the same in a coroutine.
        """
        if self._reception is not None:
            await self._reception.__aexit__(kind, error, trace)

    def note_status(self, status: object) -> None:
        """
        Record the HTTP status the app answered with: a number, or the text WSGI has for it.

        What is none is the app's own affair, and its server's.
        """
        known = _parse_status(status)
        if self.handling is not None and known is not None:
            self.handling.note_status(known)

    async def answering(self) -> None:
        """
        Note that the event was handled; to be awaited before the end of the answer is sent.

        Who gets the whole answer may deliver again at once.
        """
        if self._reception is not None:
            await self._reception.anote()

    def answered(self) -> None:
        """
        End the span, in its context: what the app does from now on is in the background.
        """
        if self._reception is not None:
            self._reception.end()

    def outlast(self) -> None:
        """
        Let the run last beyond the block; the pieces of its answer are made :meth:`resumed`.
        """
        if self._reception is not None:
            self._reception.outlast()

    def resumed(self) -> AbstractContextManager[None]:
        """
        Return what makes the context of the run the current one again.
        """
        return nullcontext() if self._reception is None else self._reception.resumed()

    def call(self, function: Callable[[], T]) -> T:
        """
        Call *function* in the context of the run.
        """
        with self.resumed():
            return function()

    def finish(self, error: BaseException | None = None) -> None:
        """
        End a run that has outlasted its block, once.
        """
        if self._reception is not None:
            self._reception.end(error)
            self._reception.note(error)

    async def afinish(self, error: BaseException | None = None) -> None:
        """
        Do the same in a coroutine.
        """
        if self._reception is not None:
            self._reception.end(error)
            await self._reception.anote(error)

    def _take(self, handling: Handling | None) -> None:
        self.handling = handling
        if handling is not None and handling.answer is not None:
            self.answer = handling.answer
            handling.note_status(handling.answer)

    def _refuse(self, refusal: WebhookError) -> None:
        self._reception, self.answer = None, refusal.status


def _parse_status(status: object) -> int | None:
    if isinstance(status, int):
        return int(status) if 100 <= status < 1000 else None  # noqa: PLR2004  # Three digits.
    found = _STATUS.match(status) if isinstance(status, str) else None
    return int(found[0]) if found else None


class Endpoint:
    """
    Where deliveries arrive, and what reads them.

    Args:
        paths: The paths; without any, a request is a delivery if its headers say so.
        receiver: What verifies and reads them.

    Raises:
        ConfigurationError: If *receiver* enforces and no *paths* are given: a
            stranger would slip past by leaving Linq's headers out.
    """

    def __init__(self, paths: Sequence[str] = (), receiver: WebhookReceiver | None = None) -> None:
        self._paths = frozenset((paths,) if isinstance(paths, str) else paths)
        self._receiver = receiver or WebhookReceiver()
        if self._receiver.enforce and not self._paths:
            raise ConfigurationError("a receiver that enforces needs the paths it guards")

    @property
    def max_body(self) -> int:
        """
        Bytes above which a body is not read.
        """
        return self._receiver.max_body

    def find_headers(self, method: str, headers: Headers | None, *paths: str) -> LinqHeaders | None:
        """
        Return the headers that concern us, or None if this request is no delivery.

        Args:
            method: The HTTP method.
            headers: As the framework has them.
            *paths: The request's path, and the same as seen from a mounted app.
        """
        if method != "POST" or (self._paths and self._paths.isdisjoint(paths)):
            return None
        kept = LinqHeaders.of(headers)
        return kept if self._paths or kept.are_from_linq else None

    def handling(self, headers: LinqHeaders, body: bytes | None) -> Turn:
        """
        Return the turn of a delivery; *body* None is one that cannot be read.
        """
        if body is not None:
            return Turn(self._receiver.handling(headers, body))
        report("webhook: size", "a webhook was not joined: its body is too long or broke off")
        return Turn(answer=MalformedEventError.status if self._receiver.enforce else None)
