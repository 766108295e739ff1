"""
One outgoing call of the Linq API, from its request to its life.

A call is told what happens to it, whichever HTTP library it runs on: an
attempt begins, an attempt ends, the answer is in. It learns its ids on the
way, and when Linq has accepted a message it begins that message's life.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    suppress_http_instrumentation,
)
from opentelemetry.trace import (
    INVALID_SPAN,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)

from . import _attributes as a
from ._answers import Failure, error_type_of, is_of_sdk
from ._attempts import Attempts
from ._events import parse_lower_id
from ._lives import (
    SendFacts,
    begin_life,
    early_origin,
    link_earlier_life,
    unsettled_origin,
)
from ._operations import find_id
from ._origins import hash_key
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Generator, MutableMapping

    from ._answers import Answer
    from ._operations import Operation
    from ._origins import Origin
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
    call = _current.get()
    is_left_behind = call is not None and call.is_over and call.silences
    return is_left_behind or is_http_instrumentation_enabled()


@contextmanager
def outside_calls() -> Generator[None]:
    """
    Run what is no part of the call under way: work that a hook or a transport started.
    """
    left = _current.set(None)
    try:
        yield
    finally:
        _current.reset(left)


class Call:
    """
    One call under way.

    Args:
        tracing: Draws its spans.
        operation: What it does.
        idempotency_key: The user's own, or None.
        draws_wire: False if HTTP instrumentations are silenced from outside:
            whoever did that draws the requests, or wants them not drawn.
    """

    __slots__ = (
        "_began_at",
        "_chat_id",
        "_idempotency_key",
        "_is_refused",
        "_message_id",
        "_settled",
        "_tracing",
        "attempts",
        "is_over",
        "operation",
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
        self._idempotency_key = hash_key(idempotency_key) if idempotency_key else None
        self._began_at = time.time_ns()
        self._message_id: str | None = None
        self._chat_id: str | None = None
        self.span = tracing.start_call(
            a.CALL.format(operation=operation.name),
            SpanKind.PRODUCER if operation.starts_life else SpanKind.INTERNAL,
            _creation_attributes(operation),
            self._began_at,
        )
        self._is_refused = False
        self._settled: Origin | None = None
        self.is_over = False
        self.silences = draws_wire and tracing.settings.http_spans == "own"
        self.attempts = Attempts(tracing, operation, self.span, draws=self.silences)

    @contextmanager
    def active(self) -> Generator[None]:
        """
        Make this the current call and its span the current span; end it after.

        The exception of the caller passes through untouched.
        """
        attached = otel_context.attach(set_span_in_context(self.span))
        entered = _current.set(self)
        if self.operation.starts_life:
            self._tracing.origins.sends_under_way.add(id(self))
        try:
            with suppress_http_instrumentation() if self.silences else nullcontext():
                yield
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self.is_over = True
            self._tracing.origins.sends_under_way.discard(id(self))
            _current.reset(entered)
            otel_context.detach(attached)
            self._end()

    def learn(self, answer: object) -> None:
        """
        Take the ids from *answer*: parsed JSON, or a model of the SDK.
        """
        operation = self.operation
        self._message_id = parse_lower_id(find_id(answer, operation.message_id_at))
        self._chat_id = parse_lower_id(find_id(answer, operation.chat_id_at))

    def refuse(self, answer: Answer) -> None:
        """
        Mark this call as refused, where the HTTP library raises nothing for that.
        """
        self._is_refused = True
        if self.span.is_recording():
            failure = answer.failure or Failure()
            self.span.set_attributes({**failure.attributes(), a.ERROR_TYPE: str(answer.status)})
            self.span.set_status(Status(StatusCode.ERROR))

    def early_origin(self) -> Origin | None:
        """
        Return what is known before the request leaves, for a webhook that overtakes it.
        """
        if self._idempotency_key is None or not self.operation.starts_life:
            return None
        with shield("preparing an early origin"):
            return early_origin(self._tracing, self._facts())
        return None

    @property
    def replay_keys(self) -> tuple[str, ...]:
        """
        The store keys under which this very message may be known already.

        Only a repeated idempotency key is answered with an earlier message.
        """
        if self._idempotency_key is None or self._message_id is None:
            return ()
        return (f"message:{self._message_id}",)

    @property
    def unread_replay_keys(self) -> tuple[str, ...]:
        """
        The same while the message's id is not read: what its idempotency key was used for.
        """
        return () if self._idempotency_key is None else (f"key:{self._idempotency_key}",)

    def settle(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Begin the message's life, unless it has one; returns what to keep.

        Args:
            known: What the store holds under :attr:`replay_keys`.
        """
        if self.attempts.answered_at is None or not self.operation.causes_events:
            return None
        with shield("beginning a message's life"):
            if known is not None and known[1].is_accepted:
                link_earlier_life(self._tracing, self.span, known[1])
                return None
            return begin_life(self._tracing, self.span, self._facts())
        return None

    def settle_unread(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Settle as far as the Linq trace id goes, while the caller has yet to read the body.

        Where the message's id decides, the life waits for the body.
        """
        if self.attempts.answered_at is None or not self.operation.causes_events:
            return None
        may_be_replay = known is not None and known[1].is_accepted
        with shield("settling an unread answer"):
            if may_be_replay or self._tracing.settings.join == "message":
                return unsettled_origin(self._facts())
            origin = begin_life(self._tracing, self.span, self._facts())
            if origin is not None and (origin.lifecycle or not self.operation.starts_life):
                self._settled = origin
            return origin
        return None

    def settle_late(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Settle once the caller has read the body and :meth:`learn` was told; returns what to keep.

        The call's own span has ended, and is not touched.
        """
        with shield("settling a late answer"):
            if self._settled is not None:
                message_id = self._message_id if self.operation.starts_life else None
                return replace(self._settled, message_id=message_id, chat_id=self._chat_id)
            if known is not None and known[1].is_accepted:
                return None
            return begin_life(self._tracing, INVALID_SPAN, self._facts())
        return None

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """
        Put the context into *headers*, in place of the instrumentation we silence.
        """
        with shield("injecting the context"):
            self.attempts.inject(headers)

    def _facts(self) -> SendFacts:
        return SendFacts(
            operation=self.operation,
            sender=self.span.get_span_context(),
            linq_trace_id=self.attempts.linq_trace_id,
            linq_trace_ids=tuple(self.attempts.linq_trace_ids),
            message_id=self._message_id,
            chat_id=self._chat_id,
            idempotency_key=self._idempotency_key,
            began_at=self._began_at,
            answered_at=self.attempts.answered_at,
        )

    def _fail(self, error: Exception) -> None:
        with shield("marking a failed call"):
            cause = error.__cause__ if is_of_sdk(error) else None
            self.attempts.note_error(cause or error)
            if self.span.is_recording() and not self._is_refused:
                self.span.set_attributes(Failure.of_exception(error).attributes())
                self.span.set_attribute(a.ERROR_TYPE, error_type_of(error))
                self.span.set_status(Status(StatusCode.ERROR))

    def _end(self) -> None:
        with shield("ending a call"):
            self.attempts.end()
            if self.span.is_recording():
                self.span.set_attributes(self._final_attributes())
            # The store's time is not the call's.
            self.span.end(self.attempts.answered_at)

    def _final_attributes(self) -> dict[str, Any]:
        found = self.attempts.attributes()
        if self._message_id is not None:
            found[a.MESSAGE_ID] = self._message_id
        if self._chat_id is not None:
            found[a.CHAT_ID] = self._chat_id
        return found


def _creation_attributes(operation: Operation) -> dict[str, Any]:
    attributes = {a.OPERATION: operation.name, a.MESSAGING_SYSTEM: "linq"}
    if operation.starts_life:
        attributes[a.MESSAGING_OPERATION_NAME] = "send"
        attributes[a.MESSAGING_OPERATION_TYPE] = "send"
    return attributes
