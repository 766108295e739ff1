"""
What every adapter shares: which requests are deliveries, and who answers them.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar, final
from urllib.parse import unquote

from linq_otel._shield import report
from linq_otel.errors import ConfigurationError, MalformedEventError, WebhookError

from ._receiver import WebhookReceiver
from ._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from contextlib import AbstractContextManager

    from linq_otel._deliveries import Handling

    from ._receptions import Reception
    from ._signatures import Headers


T = TypeVar("T")

# Text that is all digits need not be a number: "²" is one of them.
_STATUS: Final = re.compile(r"[1-9]\d\d(?!\S)", re.ASCII)
# Probes and preflights: a handler finds nothing of Linq's in them while they have no body.
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Seconds to wait for a body. Linq gives a delivery up after ten; what is not guarded is the app's,
# and may be answered without its body.
_PATIENCE: Final = {"guarded": 10.0, "open": 1.0}
# What stands for other characters in a route, and in no request's path.
_PATTERN: Final = re.compile(r"[{}<>*?#]")


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


class _Rest:
    """
    A coroutine that has begun, awaited to its end.

    Args:
        coroutine: The coroutine.
        waits_for: What it yielded to the event loop as it began.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: object) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    given = yield waits_for
                except BaseException as error:  # noqa: PERF203  # It is passed on.
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(given)
        except StopIteration:
            return


async def _finish(rest: _Rest) -> None:
    await rest


class Endpoint:
    """
    Where deliveries arrive, and what reads them.

    Args:
        paths: The paths; without any, a request is a delivery if its headers say so.
        receiver: What verifies and reads them.
        is_everything: True takes the requests to all paths.

    Raises:
        ConfigurationError: If *receiver* enforces and no *paths* are given (a
            stranger would slip past by leaving Linq's headers out), or some
            that no request has.
    """

    def __init__(
        self,
        paths: Sequence[str] = (),
        receiver: WebhookReceiver | None = None,
        *,
        is_everything: bool = False,
    ) -> None:
        given = paths.split(",") if isinstance(paths, str) else paths
        self._paths = frozenset(path.strip() for path in given)
        self._receiver = receiver or WebhookReceiver()
        self._is_everything = is_everything
        self._guarded = frozenset(map(_plain, self._paths))
        if not self._receiver.enforce:
            return
        if not self._paths and not is_everything:
            raise ConfigurationError("a receiver that enforces needs the paths it guards")
        for path in self._paths:
            if not path.startswith("/") or _PATTERN.search(path):
                raise ConfigurationError(
                    f"enforce cannot guard {path!r}: paths begin with /, and are no patterns"
                )

    @property
    def enforces(self) -> bool:
        """
        True if what does not verify must not reach the app.
        """
        return self._receiver.enforce

    async def finish_in_time(self, reading: Coroutine[Any, Any, None]) -> bool:
        """
        Await *reading*, which reads a body; False if it was cancelled because that takes too long.

        A handler that answers without the body waits for it all the same.
        """
        try:
            # What is here already needs no timer, which would cost the benchmark `webhook, ASGI`
            # 6 µs.
            waits_for = reading.send(None)
        except StopIteration:
            return True
        seconds = _PATIENCE["guarded" if self._receiver.enforce else "open"]
        rest = _Rest(reading, waits_for)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            trio: Any = sys.modules.get("trio")
            if trio is None:
                await rest
                return True
            with trio.move_on_after(seconds) as scope:
                await rest
            return not scope.cancelled_caught
        try:
            if sys.version_info >= (3, 11):
                # In this task, and not in one of its own as `wait_for` did until 3.12.
                async with asyncio.timeout(seconds):
                    await rest
            else:
                await asyncio.wait_for(_finish(rest), seconds)
        except asyncio.TimeoutError:
            return False
        return True

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
        method = method.upper()  # As Flask and Django do.
        if self._receiver.enforce:
            return self._find_guarded(method, headers, paths)
        if method != "POST" or (self._paths and self._paths.isdisjoint(paths)):
            return None
        kept = LinqHeaders.of(headers)
        return kept if self._paths or kept.are_from_linq else None

    def _find_guarded(
        self, method: str, headers: Headers | None, paths: Sequence[str]
    ) -> LinqHeaders | None:
        """
        Return the headers of any request that a handler behind a guarded path may get.

        A route may take any method, and be matched by more paths than its own.
        """
        is_guarded = self._is_everything or not self._paths.isdisjoint(paths)
        if not is_guarded and self._guarded.isdisjoint(map(_plain, paths)):
            return None
        kept = LinqHeaders.of(headers)
        kept.may_be_empty = method in _WITHOUT_BODY
        return kept

    def handling(self, headers: LinqHeaders, body: bytes | None) -> Turn:
        """
        Return the turn of a delivery; *body* None is one that cannot be read.
        """
        if headers.may_be_empty and body == b"":
            return Turn()
        if body is not None:
            return Turn(self._receiver.handling(headers, body))
        report("webhook: size", "a webhook was not joined: its body is too long or broke off")
        return Turn(answer=MalformedEventError.status if self._receiver.enforce else None)


def _plain(path: str) -> str:
    """
    Return what all paths have in common that a router may take for the same one.

    Routers strip or merge slashes, some ignore case, and the ``$`` of a regular
    expression lets a line break follow. Servers and proxies read dots.
    """
    plain = posixpath.normpath(unquote(path).casefold().strip("/ \t\r\n\v\f"))
    return re.sub("//+", "/", plain)
