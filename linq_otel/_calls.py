"""
One outgoing call of the Linq API, from its first request to its end.

A call is told what happens to it, whichever HTTP library it runs on: an
attempt begins, an attempt ends, the answer is in. What it leaves behind is
settled next door.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    suppress_http_instrumentation,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)

from . import _attributes as a
from ._answers import Failure, error_type_of, is_of_sdk
from ._attempts import Attempts
from ._contexts import leave
from ._log_events import CALL_EXCEPTION, SEND_EXCEPTION
from ._origins import hash_key
from ._settling import Settlement
from ._shield import shield, swallow


if TYPE_CHECKING:
    from collections.abc import Generator, MutableMapping

    from opentelemetry.trace import Span

    from ._answers import Answer
    from ._operations import Operation
    from ._tracing import Tracing


_current: ContextVar[Call | None] = ContextVar("linq_otel_call", default=None)


def current_call() -> Call | None:
    """
    Return the call under way in this thread or task, or None.
    """
    call = _current.get()
    # A task that was started inside a call outlives it, and has its context still.
    return None if call is None or call.is_over else call


def may_draw_wire() -> bool:
    """
    Tell whether nobody has silenced the instrumentations of HTTP but an earlier call of ours.
    """
    return is_http_instrumentation_enabled() or is_silence_ours()


def is_silence_ours() -> bool:
    """
    Tell whether it is an earlier call of ours that has silenced the instrumentations of HTTP.
    """
    call = _current.get()
    return call is not None and call.is_over and call.silences


@contextmanager
def outside_calls(context: Context) -> Generator[None]:
    """
    Run in *context* what is no part of the call under way: work that a hook or a transport started.
    """
    attached, entered = otel_context.attach(context), _current.set(None)
    try:
        yield
    finally:
        leave(_current, entered, context, attached)


def _read_silence() -> dict[str, object]:
    """
    Return what a context holds that silences the instrumentations of HTTP.

    Its key has no public name. One context for the span and the silence is
    4 µs a call cheaper than one within the other.
    """
    token = otel_context.attach(Context())
    try:
        with suppress_http_instrumentation():
            return dict(otel_context.get_current())
    finally:
        otel_context.detach(token)


_SILENCED: Final = _read_silence()


class Call:
    """
    One call under way; its ``with`` makes it the current call, and its span the current span.

    Args:
        tracing: Draws its spans.
        operation: What it does.
        idempotency_key: The user's own, or None.
        draws_wire: False if HTTP instrumentations are silenced from outside:
            whoever did that draws the requests, or wants them not drawn.
    """

    __slots__ = (
        "_attached",
        "_began_at",
        "_context",
        "_entered",
        "_error_type",
        "_tracing",
        "attempts",
        "is_over",
        "operation",
        "settlement",
        "silences",
        "span",
    )

    def __init__(
        self,
        tracing: Tracing,
        operation: Operation,
        idempotency_key: str | None = None,
        *,
        draws_wire: bool = True,
    ) -> None:
        self._tracing = tracing
        self.operation = operation
        self._began_at = began_at = time.time_ns()
        self.span: Span = (
            NonRecordingSpan(get_current_span().get_span_context())
            if operation.is_legacy
            else tracing.start_call(
                a.CALL.format(operation=operation.name),
                SpanKind.PRODUCER if operation.starts_life else SpanKind.INTERNAL,
                _creation_attributes(operation),
                began_at,
            )
        )
        self._error_type: str | None = None
        self.is_over = False
        self.silences = draws_wire and tracing.settings.http_spans == "own"
        self.attempts = Attempts(tracing, operation, self.span, draws=self.silences)
        key = hash_key(idempotency_key) if idempotency_key else None
        self.settlement = Settlement(
            tracing, operation, self.span, self.attempts, began_at=began_at, idempotency_key=key
        )

    def __enter__(self) -> None:
        context = set_span_in_context(self.span)
        if self.silences:
            context = Context({**context, **_SILENCED})
        self._context = context
        self._attached = otel_context.attach(context)
        self._entered = _current.set(self)
        if self.operation.starts_life:
            self._tracing.origins.sends_under_way.add(id(self))

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        try:
            if isinstance(error, Exception):
                self._fail(error)
        finally:
            self.is_over = True
            self._tracing.origins.sends_under_way.discard(id(self))
            leave(_current, self._entered, self._context, self._attached)
            self._end()

    def disclose(self, body: object) -> None:
        """
        Show of the request's *body* what the operator has chosen to show.
        """
        disclosure = self._tracing.disclosure
        if disclosure.is_on and self.operation.starts_life and self.span.is_recording():
            self.span.set_attributes(disclosure.of_request(body))

    def refuse(self, answer: Answer) -> None:
        """
        Mark this call as refused, where the HTTP library raises nothing for that.
        """
        self._error_type = str(answer.status)
        if self.span.is_recording():
            failure = answer.failure or Failure()
            self.span.set_attributes({**failure.attributes(), a.ERROR_TYPE: self._error_type})
            self.span.set_status(Status(StatusCode.ERROR))

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """
        Put the context into *headers*, in place of the instrumentation we silence.
        """
        with shield("injecting the context"):
            self.attempts.inject(headers)

    def _fail(self, error: Exception) -> None:
        with shield("marking a failed call"):
            cause = error.__cause__ if is_of_sdk(error) else None
            self.attempts.note_error(cause or error)
            if self._error_type is not None:
                return  # The answer refused it, and the app raised that.
            self._error_type = error_type_of(error)
            facts = {**Failure.of_exception(error).attributes(), a.ERROR_TYPE: self._error_type}
            if self.span.is_recording():
                self.span.set_attributes(facts)
                self.span.set_status(Status(StatusCode.ERROR))
            name = SEND_EXCEPTION if self.operation.starts_life else CALL_EXCEPTION
            facts[a.OPERATION] = self.operation.name
            context = set_span_in_context(self.span)
            self._tracing.log_events.note_exception(name, error, facts, context)

    def _end(self) -> None:
        span, attempts = self.span, self.attempts
        try:
            attempts.end()
            if span.is_recording():
                span.set_attributes({**attempts.attributes(), **self.settlement.attributes()})
            # The store's time is not the call's.
            ended_at = attempts.answered_at or time.time_ns()
            span.end(ended_at)
            if attempts.is_measured:
                seconds = (ended_at - self._began_at) / 1e9
                self._tracing.meters.note_call(
                    self.operation,
                    seconds,
                    self._error_type,
                    attempts.count,
                    set_span_in_context(span),
                )
        except Exception as error:
            swallow("ending a call", error)


def _creation_attributes(operation: Operation) -> dict[str, Any]:
    attributes = {a.OPERATION: operation.name, a.MESSAGING_SYSTEM: "linq"}
    if operation.starts_life:
        attributes[a.MESSAGING_OPERATION_NAME] = "send"
        attributes[a.MESSAGING_OPERATION_TYPE] = "send"
    return attributes
