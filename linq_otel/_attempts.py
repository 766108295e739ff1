"""
The requests one call puts on the wire, one after another.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from . import _attributes as a
from ._answers import linq_trace_id_in
from ._events import parse_id
from ._operations import redacted_path
from ._shield import shield, type_name
from ._tracing import mark_error


if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from opentelemetry.trace import Span

    from ._answers import Answer
    from ._operations import Operation
    from ._targets import Target
    from ._tracing import Tracing

    Describe = Callable[[Any, Operation], tuple[str, dict[str, Any]]]


class Attempts:
    """
    Follows the attempts of one call, and keeps the Linq trace id of each.

    Args:
        tracing: Draws their spans.
        operation: What is attempted.
        call: The span they hang under.
        draws: False if somebody else draws the wire, or nobody shall.

    Attributes:
        count: How many went out.
        linq_trace_ids: The ``X-Trace-ID`` of each that was answered with one.
        answered_at: When the last was answered, Unix nanoseconds; None if it
            was not.
        linq_trace_id: The last one's ``X-Trace-ID``, or None.
        is_measured: True if somebody reads the metrics; asked once a call.
        is_resent: True once the HTTP library says it will try again by itself.
    """

    __slots__ = (
        "_began_at",
        "_call",
        "_draws",
        "_facts",
        "_operation",
        "_span",
        "_tracing",
        "answered_at",
        "count",
        "is_measured",
        "is_resent",
        "linq_trace_id",
        "linq_trace_ids",
    )

    def __init__(
        self, tracing: Tracing, operation: Operation, call: Span, *, draws: bool = True
    ) -> None:
        self._tracing = tracing
        self._operation = operation
        self._call = call
        self._draws = draws
        self.is_measured = tracing.meters.is_on
        self.is_resent = False
        self._span: Span | None = None
        # What is measured of the request under way; None if nothing is.
        self._facts: dict[str, Any] | None = None
        self._began_at = 0
        self.count = 0
        self.linq_trace_ids: list[str] = []
        self.linq_trace_id: str | None = None
        self.answered_at: int | None = None

    def begin(self, request: Any, describe: Describe) -> None:
        """
        One request is about to go out.

        Args:
            request: The HTTP library's own object; the request hook is given it.
            describe: Returns the span's name and attributes for it; called
                only if they are recorded.
        """
        self.end()
        # What answered an earlier attempt says nothing of this one.
        self.answered_at = self.linq_trace_id = None
        self.is_resent = False
        # A call of version 2 has no span of its own, so that its requests hang where it would.
        is_recording = self._call.is_recording() or self._operation.is_legacy
        if is_recording or (self._draws and self.is_measured):
            self._draw(request, describe, is_recording=is_recording)
        self.count += 1

    def _draw(self, request: Any, describe: Describe, *, is_recording: bool) -> None:
        if self._draws:
            name, attributes = describe(request, self._operation)
            if self.is_measured:
                self._facts, self._began_at = dict(attributes), time.time_ns()
            if is_recording:
                if self.count:
                    attributes[a.HTTP_REQUEST_RESEND_COUNT] = self.count
                context = set_span_in_context(self._call)
                self._span = self._tracing.start_attempt(name, context, attributes)
        hook = self._tracing.settings.request_hook
        if hook is not None and self._call.is_recording():
            with shield("the request hook"):
                hook(self._call, request)

    def note_answer(self, request: Any, response: Any, answer: Answer) -> None:
        """
        The request under way was answered.

        Args:
            request: The HTTP library's own object, for the response hook.
            response: As *request*.
            answer: What came back.
        """
        self.answered_at = time.time_ns()
        self.linq_trace_id = parse_id(answer.linq_trace_id)
        if self.linq_trace_id is not None:
            self.linq_trace_ids.append(self.linq_trace_id)
        if self.is_measured:
            self._measure_answer(answer)
        span, self._span = self._span, None
        if span is not None:
            span.set_attributes(answer.attributes(self.linq_trace_id))
            if answer.is_error:
                span.set_status(Status(StatusCode.ERROR))
            span.end(self.answered_at)
        hook = self._tracing.settings.response_hook
        if hook is not None and self._call.is_recording():
            with shield("the response hook"):
                hook(self._call, request, response)

    def learn_linq_trace_id(self, body: object) -> None:
        """
        Take the Linq trace id from an answer's *body* that was read late, if its header had none.
        """
        if self.linq_trace_id is None:
            self.linq_trace_id = parse_id(linq_trace_id_in(body))
            if self.linq_trace_id is not None:
                self.linq_trace_ids.append(self.linq_trace_id)

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """
        Put the context of the request under way into its *headers*.
        """
        propagate.inject(headers, set_span_in_context(self._span or self._call))

    def note_error(self, error: BaseException | None) -> None:
        """
        The request under way, if one is, got no answer: connection error, time-out.
        """
        if self._span is not None and error is not None:
            mark_error(self._span, error)
        if error is not None:
            self._measure({a.ERROR_TYPE: type_name(error)})
        self.end()

    def end(self) -> None:
        """
        End the span of the request under way, if one is.
        """
        self._facts = None
        span, self._span = self._span, None
        if span is not None:
            span.end()

    def _measure_answer(self, answer: Answer) -> None:
        retry_after = answer.retry_after
        if retry_after is None and answer.failure is not None:
            retry_after = answer.failure.retry_after
        self._tracing.meters.note_answer(self._operation, answer.status, retry_after)
        facts: dict[str, Any] = {a.HTTP_RESPONSE_STATUS_CODE: answer.status}
        if answer.is_error:
            facts[a.ERROR_TYPE] = str(answer.status)
        self._measure(facts)

    def _measure(self, facts: dict[str, Any]) -> None:
        began, self._facts = self._facts, None
        if began is not None:
            seconds = (time.time_ns() - self._began_at) / 1e9
            context = set_span_in_context(self._span or self._call)
            self._tracing.meters.note_attempt(seconds, {**began, **facts}, context)

    def attributes(self) -> dict[str, Any]:
        """
        What the call's span says of its attempts.
        """
        found: dict[str, Any] = {a.ATTEMPTS: self.count}
        if self.linq_trace_ids:
            found[a.LINQ_TRACE_ID] = self.linq_trace_ids[-1]
        if len(self.linq_trace_ids) > 1:
            found[a.LINQ_TRACE_IDS] = tuple(self.linq_trace_ids)
        return found


def describe_target(target: Target, operation: Operation) -> tuple[str, dict[str, Any]]:
    """
    Return the name and attributes of an attempt's span, by the HTTP conventions.

    ``url.full`` has no query and no handle in it.
    """
    attributes = {
        a.HTTP_REQUEST_METHOD: operation.method,
        a.URL_FULL: f"{target.origin}{redacted_path(target.path, operation)}",
        a.URL_TEMPLATE: operation.template,
        a.SERVER_ADDRESS: target.host,
        a.SERVER_PORT: target.port,
    }
    name = a.ATTEMPT.format(method=operation.method, template=operation.template)
    return name, attributes
