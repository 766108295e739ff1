"""
One request and its answer, whichever library sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from linq_otel._answers import Answer, parse_retry_after
from linq_otel._attempts import describe_target
from linq_otel._idempotency import parse_body
from linq_otel._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._targets import Target


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Received:
    """
    What a library's answer says.

    Attributes:
        status: The HTTP status.
        linq_trace_id: ``X-Trace-ID``.
        retry_after: ``Retry-After``.
        body: The body; None if the caller has yet to read it.
    """

    status: int
    linq_trace_id: str | None
    retry_after: str | None
    body: object

    @classmethod
    def of(cls, status: int, headers: Any, body: object) -> Received:
        """
        Take the facts from *headers*, which must take names in any case.
        """
        return cls(status, headers.get("x-trace-id"), headers.get("retry-after"), body)


@dataclass(frozen=True, slots=True)
class Exchange(Generic[R]):
    """
    One request and how its answer is read.

    Attributes:
        call: The call.
        request: What a hook is given.
        target: Where it goes.
        read: Reads the library's answer.
        read_refusal: Reads the library's exception, if that is an answer of Linq's.
        inject: Puts headers into the request where an instrumentation we
            silence would have.
    """

    call: Call
    request: Any
    target: Target
    read: Callable[[R], Received]
    read_refusal: Callable[[Exception], Received | None]
    inject: Callable[[], None]

    def begin(self) -> None:
        """
        The request goes out.
        """
        with shield("beginning an attempt"):
            self.call.attempts.begin(self.request, lambda _, op: describe_target(self.target, op))
            if self.call.silences:
                self.inject()

    def note(self, response: R) -> bool | None:
        """
        Note the answer; True if Linq accepted the call, None if the body is unread as well.
        """
        with shield("reading an answer"):
            received = self.read(response)
            if not note_received(self.call, self.request, response, received):
                return False
            return None if received.body is None else True
        return False

    def note_refusal(self, error: Exception) -> None:
        """
        Note an answer that the library raises.
        """
        with shield("reading a refusal"):
            received = self.read_refusal(error)
            if received is not None:
                note_received(self.call, self.request, getattr(error, "response", error), received)


def note_received(call: Call, request: Any, response: Any, received: Received) -> bool:
    """
    Tell *call* what came back at last for *request*; True if Linq accepted it.
    """
    # urllib3 gives back an answer it would have tried again after.
    was_noted = call.attempts.is_resent
    answer, parsed = read_answer(call, received)
    if not was_noted:
        call.attempts.note_answer(request, response, answer)
    if answer.is_error:
        call.refuse(answer)
    elif answer.is_success:
        call.settlement.learn(parsed)
    return answer.is_success


def note_attempt(call: Call, request: Any, response: Any, received: Received) -> None:
    """
    Tell *call* what came back for one attempt, which will be followed by another.
    """
    answer, _ = read_answer(call, received)
    call.attempts.note_answer(request, response, answer)


def read_answer(call: Call, received: Received) -> tuple[Answer, object]:
    """
    Return what the answer says, and its body parsed where that is wanted.
    """
    retry_after = parse_retry_after(received.retry_after)
    answer = Answer(received.status, received.linq_trace_id, retry_after)
    is_wanted = answer.is_error or names_ids(call) or not answer.is_identified
    parsed = parse_body(received.body) if is_wanted else None
    return (answer.explained_by if answer.is_error else answer.identified_by)(parsed), parsed


def names_ids(call: Call) -> bool:
    """
    Tell whether the answer of *call* names a message or a chat.
    """
    return bool(call.operation.message_id_at or call.operation.chat_id_at)
