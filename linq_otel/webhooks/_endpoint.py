"""
What every adapter shares: which requests are deliveries, and who answers them.
"""

from __future__ import annotations

import re
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel._shield import report
from linq_otel.errors import ConfigurationError, MalformedEventError, WebhookError

from ._receiver import WebhookReceiver
from ._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from linq_otel._deliveries import Handling

    from ._signatures import Headers


_HANDLED_BEFORE: Final = 200
# Text that is all digits need not be a number: "²" is one of them.
_STATUS: Final = re.compile(r"[1-9]\d\d(?!\S)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Turn:
    """
    One delivery on its way through an adapter.

    Attributes:
        answer: The status to answer with in place of the app; None lets the app run.
        handling: The run of the app's handler, if the delivery could be read.
    """

    answer: int | None = None
    handling: Handling | None = None

    @classmethod
    def of(cls, handling: Handling | None) -> Turn:
        """
        Return the turn of a delivery that was let in.
        """
        if handling is None or not handling.is_answered:
            return cls(None, handling)
        handling.note_status(_HANDLED_BEFORE)
        return cls(_HANDLED_BEFORE, handling)

    def note_status(self, status: object) -> None:
        """
        Record the HTTP status the app answered with: a number, or the text WSGI has for it.

        What is none is the app's own affair, and its server's.
        """
        known = _parse_status(status)
        if self.handling is not None and known is not None:
            self.handling.note_status(known)


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

    @contextmanager
    def handling(self, headers: LinqHeaders, body: bytes | None) -> Generator[Turn]:
        """
        Run the body of the ``with`` as the handler; *body* None is one that cannot be read.
        """
        if body is None:
            yield self._pass_by()
            return
        with ExitStack() as stack:
            try:
                turn = Turn.of(stack.enter_context(self._receiver.handling(headers, body)))
            except WebhookError as refusal:
                turn = Turn(refusal.status)
            yield turn

    @asynccontextmanager
    async def ahandling(self, headers: LinqHeaders, body: bytes | None) -> AsyncGenerator[Turn]:
        """
        Do the same in a coroutine.
        """
        if body is None:
            yield self._pass_by()
            return
        async with AsyncExitStack() as stack:
            try:
                opened = self._receiver.ahandling(headers, body)
                turn = Turn.of(await stack.enter_async_context(opened))
            except WebhookError as refusal:
                turn = Turn(refusal.status)
            yield turn

    def _pass_by(self) -> Turn:
        report("webhook: size", "a webhook was not joined: its body is too long or broke off")
        return Turn(MalformedEventError.status) if self._receiver.enforce else Turn()
