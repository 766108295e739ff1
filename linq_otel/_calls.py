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
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from . import _attributes as a
from ._answers import Failure, error_type_of
from ._attempts import Attempts
from ._events import parse_lower_id
from ._lives import SendFacts, begin_life, early_origin, link_earlier_life
from ._operations import find_id
from ._origins import hash_key
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Generator

    from ._operations import Operation
    from ._origins import Origin
    from ._tracing import Tracing


_current: ContextVar[Call | None] = ContextVar("linq_otel_call", default=None)


def current_call() -> Call | None:
    """
    Return the call under way in this thread or task, or None.
    """
    return _current.get()


class Call:
    """
    One call under way.

    Args:
        tracing: Draws its spans.
        operation: What it does.
        idempotency_key: The user's own, or None.
    """

    __slots__ = (
        "_began_at",
        "_chat_id",
        "_idempotency_key",
        "_message_id",
        "_tracing",
        "attempts",
        "operation",
        "span",
    )

    def __init__(
        self, tracing: Tracing, operation: Operation, idempotency_key: str | None = None
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
        self.attempts = Attempts(tracing, operation, self.span)

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
        own = self._tracing.settings.http_spans == "own"
        try:
            with suppress_http_instrumentation() if own else nullcontext():
                yield
        except Exception as error:
            self._fail(error)
            raise
        finally:
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
            self.attempts.note_error(error.__cause__ or error)
            if self.span.is_recording():
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
