"""
The framework-free receiver: headers and a body in, an event and its span out.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from linq_otel._placements import Delivery
from linq_otel._reporting import report_refusal
from linq_otel._runtime import begin_counters, build_tracing, find_tracing, get_tracing
from linq_otel._settings import Options, Settings
from linq_otel._shield import report, shield
from linq_otel._signing_secrets import SECRET_VARIABLE, read_secrets
from linq_otel.errors import (
    ConfigurationError,
    EventInProgressError,
    MalformedEventError,
    SignatureError,
    WebhookError,
)

from ._gate import Gate
from ._receptions import Reception
from ._signatures import TOLERANCE, ClockError


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from typing_extensions import Unpack

    from linq_otel._deliveries import Handling
    from linq_otel._events import Event
    from linq_otel._tracing import Tracing

    from ._gate import Body
    from ._signatures import Headers


Duplicates = Literal["mark", "answer"]

MAX_BODY: Final = 1024 * 1024
"""Bytes above which a body is passed on unread: Linq's events are a few kilobytes."""

_READING: Final = shield("reading a delivery")


class WebhookReceiver:
    """
    Reads webhook deliveries and runs their handlers inside their spans.

    ::

        receiver = WebhookReceiver(secret="whsec_…")

        with receiver.process(request.headers, request.body) as event:
            ...  # the app's own code; event is None if the delivery is not readable

    Args:
        secret: The subscription's signing secret, or several while they are
            rotated; the one ``instrument()`` was given, or
            ``LINQ_WEBHOOK_SECRET``, if left out.
        tolerance: Seconds a timestamp may lie from *clock*.
        clock: Seconds since the epoch.
        enforce: True makes :meth:`process` raise for a delivery that does not
            verify or is no event; by default it is counted and the app answers.
            It needs a secret, here or where it is looked for if left out.
        duplicates: ``mark`` runs the handler for a repeated event too, and its
            span says so. ``answer`` does not run it if it has returned before
            without an error: adapters answer 200, and :meth:`process` yields
            None. While an earlier run is under way, a repeat waits for it, at
            most five seconds; then adapters answer 503, and :meth:`process`
            raises ``EventInProgressError``, so that Linq delivers it again. An
            event whose handler failed is never dropped; nor is one that did not
            verify.
        max_body: Bytes above which a body is not read.
        **options: As for ``instrument()``; without any, this receiver shares
            the tracing and the store of the process.

    Raises:
        ConfigurationError: If a secret is no signing secret, *enforce* has none
            to check with, or an option is wrong.
    """

    def __init__(  # noqa: PLR0913  # Keywords, each of which may be left out.
        self,
        secret: str | Sequence[str] | None = None,
        *,
        tolerance: float = TOLERANCE,
        clock: Callable[[], float] = time.time,
        enforce: bool = False,
        duplicates: Duplicates = "mark",
        max_body: int = MAX_BODY,
        **options: Unpack[Options],
    ) -> None:
        if duplicates not in get_args(Duplicates):
            raise ConfigurationError(f"duplicates must be mark or answer; it is {duplicates!r}")
        _check(tolerance=tolerance, clock=clock, enforce=enforce, max_body=max_body)
        self.enforce = enforce
        if not options:
            # The first webhook makes the tracing of the process, and would be late for this.
            begin_counters()
        self.duplicates = duplicates
        self.max_body = max_body
        own = Settings.read(options) if options else None
        if secret is None:
            self._check_secrets(own)
        elif not read_secrets(secret, "secret") and (enforce or isinstance(secret, str)):
            raise ConfigurationError("secret must be 'whsec_' and base64: it is empty")
        self._own = build_tracing(own, options) if own is not None else None
        self._gate = Gate(
            (secret,) if isinstance(secret, str) else secret,
            lambda: self.tracing.settings.webhook_secrets,
            tolerance=tolerance,
            clock=clock,
            max_body=max_body,
            enforce=enforce,
        )

    def accept(self, headers: Headers | None, body: Body, *, verified: bool | None = None) -> Event:
        """
        Verify and read one delivery.

        Args:
            headers: Any mapping of headers, or pairs of them.
            body: The raw body, or the object parsed from it. A parsed object
                cannot be verified: say *verified* if you have done so.
            verified: True skips verification, because the caller has done it;
                False says that it failed.

        Raises:
            SignatureError: If a secret is set and no signature is good.
            MalformedEventError: If the body is no Linq event, or above
                ``max_body``.
        """
        return self._gate.admit(headers, body, verified)

    @contextmanager
    def process(
        self, headers: Headers | None, body: Body, *, verified: bool | None = None
    ) -> Generator[Event | None]:
        """
        Run the body of the ``with`` as the handler of one delivery.

        Yields the event, or None where the delivery is not readable, did not
        verify, or is a repeated one that ``duplicates="answer"`` keeps from the
        handler. What the handler raises passes through.

        Args:
            headers: As for :meth:`accept`.
            body: As for :meth:`accept`.
            verified: As for :meth:`accept`.

        Raises:
            WebhookError: If the receiver enforces and the delivery is refused.
            EventInProgressError: If the event is being handled, and repeats are
                answered (``duplicates="answer"``).
        """
        with self.handling(headers, body, verified=verified) as handling:
            yield _trusted(handling)

    @asynccontextmanager
    async def aprocess(
        self, headers: Headers | None, body: Body, *, verified: bool | None = None
    ) -> AsyncGenerator[Event | None]:
        """
        Do the same in a coroutine; the store is asked off the event loop.

        Args:
            headers: As for :meth:`accept`.
            body: As for :meth:`accept`.
            verified: As for :meth:`accept`.

        Raises:
            WebhookError: If the receiver enforces and the delivery is refused.
            EventInProgressError: If the event is being handled, and repeats are
                answered (``duplicates="answer"``).
        """
        async with self.handling(headers, body, verified=verified) as handling:
            yield _trusted(handling)

    def handling(
        self, headers: Headers | None, body: Body, *, verified: bool | None = None
    ) -> Reception:
        """
        Return what runs the body of a ``with``, or an ``async with``, as a handler; for adapters.

        It yields what adapters tell the answer to, or None for an unreadable body.
        """
        return Reception(self, headers, body, verified)

    def _check_secrets(self, own: Settings | None) -> None:
        """
        Make sure, before anything is served, that deliveries can be checked.

        Raises:
            ConfigurationError: As :func:`check_secrets`.
        """
        secrets = find_secrets() if own is None else own.webhook_secrets
        check_secrets(secrets, enforce=self.enforce)

    @property
    def tracing(self) -> Tracing:
        """
        The tracing in use: this receiver's own, or that of the process.
        """
        return self._own or get_tracing()

    def read(self, headers: Headers | None, body: Body, verified: bool | None) -> Delivery | None:  # noqa: FBT001  # As the keyword of those above.
        """
        Read one delivery; None if it is not readable. What does not verify is marked.

        Raises:
            WebhookError: If this receiver enforces and the delivery is refused.
        """
        refusal: WebhookError = MalformedEventError("unreadable", "the delivery cannot be read")
        with _READING:
            try:
                return Delivery(self.accept(headers, body, verified=verified))
            except WebhookError as error:
                refusal = error
        kind = "unverified" if isinstance(refusal, SignatureError) else "malformed"
        # A kind of its own: what a stranger sends must not use up the line about the clock.
        why = "clock" if isinstance(refusal, ClockError) else refusal.reason
        report(f"webhook {kind}: {why}", f"a webhook was not joined: {refusal}")
        if self.enforce:
            report_refusal(self.tracing, kind)
            raise refusal
        with _READING:
            event = self._gate.peek(body) if isinstance(refusal, SignatureError) else None
            if event is not None:
                return Delivery(event, rejected=refusal.reason)
        report_refusal(self.tracing, kind)
        return None


def _check(*, tolerance: object, clock: object, enforce: object, max_body: object) -> None:
    is_number = isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool)
    rules = {
        # Infinity is a number too; NaN is refused, which no timestamp would be outside of.
        "tolerance must be a number of seconds": is_number and cast("float", tolerance) >= 0,
        "clock must be callable": callable(clock),
        "enforce must be True or False": isinstance(enforce, bool),
        "max_body must be a number of bytes above 0": type(max_body) is int and max_body > 0,
    }
    for rule, is_kept in rules.items():
        if not is_kept:
            raise ConfigurationError(rule)


def check_secrets(secrets: tuple[str, ...], *, enforce: bool) -> None:
    """
    Make sure that the *secrets* in force can be used, and that there is one if needed.

    Raises:
        ConfigurationError: If one is no signing secret, or *enforce* has none.
    """
    # Those of keywords were checked as they were read: a wrong one is the environment's.
    read_secrets(secrets, SECRET_VARIABLE)
    if enforce and not secrets:
        raise ConfigurationError(
            "enforce needs a secret to check signatures with: webhook_secret= of instrument(), "
            f"secret= of WebhookReceiver, or {SECRET_VARIABLE}"
        )


def find_secrets() -> tuple[str, ...]:
    """
    Return the secrets in force in this process; those of the environment if nothing is yet.
    """
    tracing = find_tracing()
    return (Settings.read({}) if tracing is None else tracing.settings).webhook_secrets


def _trusted(handling: Handling | None) -> Event | None:
    """
    Return the event a handler may act on: never one that failed verification.

    Raises:
        EventInProgressError: If another run of its handler is under way.
    """
    if handling is None or handling.event.verified is False:
        return None
    if handling.answer == EventInProgressError.status:
        raise EventInProgressError("in progress", "the event is being handled; deliver it again")
    return handling.event if handling.answer is None else None
