"""
One webhook delivery, from what is known of it to its handler's span.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from . import _attributes as a
from ._contexts import leave
from ._delivery_spans import (
    describe,
    draw_stage,
    find_left_out,
    identify,
    link_back,
    name_type,
    origin_of_inbound,
)
from ._lifecycle import Role, role_of
from ._placements import Placement, place
from ._reporting import count_delivery, log_stage, report_exception, report_run
from ._shield import report, shield
from ._tracing import mark_error


if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from ._events import Event
    from ._origins import Origin
    from ._placements import Delivery
    from ._tracing import Tracing


# They hold nothing but their words, and one for each delivery would be made anew.
_PLACING: Final = shield("placing a delivery")
_REPORTING: Final = shield("reporting a delivery")
_JOINING: Final = shield("joining a delivery")
_HOOKING: Final = shield("the webhook hook")
_MEASURING: Final = shield("measuring a handler")
_ANSWERING: Final = shield("noting the answer to a webhook")
_ENDING: Final = shield("ending the span of a delivery")


@dataclass(slots=True)
class Handling:
    """
    A handler's run under way.

    Attributes:
        event: What it handles.
        span: Its ``process`` span.
        origin: What must be kept of an inbound message, or None.
        is_duplicate: True if the event was delivered before.
        answer: The HTTP status to answer with in place of the app; None lets it run.
        began_at: When a run that repeats of the event wait for began, Unix nanoseconds.
        status: The HTTP status the app answered with, once it has.
        is_over: True once the handler's context was left.
    """

    event: Event
    span: Span
    origin: Origin | None
    is_duplicate: bool = False
    answer: int | None = None
    began_at: int | None = None
    status: int | None = None
    is_over: bool = False

    def note_status(self, status: int) -> None:
        """
        Record the HTTP status the app answered with; 5xx makes Linq try again.
        """
        self.status = status
        with _ANSWERING:
            if self.span.is_recording():
                self.span.set_attribute(a.HTTP_RESPONSE_STATUS_CODE, status)
                if status >= 500:  # noqa: PLR2004  # Server errors alone, as for SERVER spans.
                    self.span.set_attribute(a.ERROR_TYPE, str(status))
                    self.span.set_status(Status(StatusCode.ERROR))


_under_way: ContextVar[Handling | None] = ContextVar("linq_otel_handling", default=None)


def find_under_way(event: Event) -> Handling | None:
    """
    Return the handler's run we are in, if it is of this very event.

    An app may be instrumented and use our middleware and our receiver too; a
    delivery that passes all of them is still one.
    """
    around = _under_way.get()
    if around is None or around.is_over or _names(around.event) != _names(event):
        return None
    return around


def current_event() -> Event | None:
    """
    Return the event whose handler we are in, or None.
    """
    around = _under_way.get()
    return None if around is None or around.is_over else around.event


def _names(event: Event) -> tuple[str | None, ...]:
    return event.event_id, event.event_type, event.linq_trace_id, event.message_id


class HandlerRun:
    """
    The run of the handler of *delivery* in its span: entered before it, left after it.

    The stage it reports is drawn on entering. Exceptions of the handler mark
    the span by their type, and pass through; a cancellation is no error.

    The span ends with the run, or earlier by :meth:`end`: once an app has
    answered, what it does in the background is no part of the answer, but runs
    in the same context.

    It is a class because each of the generators it once was, one around the
    other, cost more than a microsecond.

    Args:
        tracing: Draws the spans.
        delivery: What arrived, with what was looked up for it.
    """

    __slots__ = (
        "_attached",
        "_began",
        "_context",
        "_delivery",
        "_entered",
        "_event_type",
        "_handling",
        "_is_ended",
        "_span",
        "_tracing",
    )

    def __init__(self, tracing: Tracing, delivery: Delivery) -> None:
        self._tracing = tracing
        self._delivery = delivery
        self._is_ended = False

    def __enter__(self) -> Handling:
        """
        Start the span, and make it the current one.
        """
        tracing, delivery = self._tracing, self._delivery
        event = delivery.event
        ambient = trace.get_current_span()
        arrived_in = ambient.get_span_context()
        self._event_type = event_type = name_type(event)
        placement: Placement | None = None
        attributes: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        with _PLACING:
            facts = identify(event, event_type)
            attributes = describe(delivery, event_type, facts)
            if delivery.rejected is None and tracing.disclosure.is_on:
                attributes |= tracing.disclosure.of_event(event)
            placement = place(tracing, delivery, arrived_in)
        if placement is None:
            placement = Placement(get_current())
        self._span = span = tracing.start_process(
            a.PROCESS.format(event_type=event_type),
            placement.context,
            attributes,
            placement.links,
            placement.otel_trace_id,
            left_out=find_left_out(tracing, placement),
        )
        self._context = set_span_in_context(span)
        self._attached = None if span is trace.INVALID_SPAN else attach(self._context)
        try:
            process, origin, settings = span.get_span_context(), None, tracing.settings
            is_measured = tracing.meters.is_on
            if is_measured or settings.stage_events:
                with _REPORTING:
                    if is_measured:
                        count_delivery(tracing, delivery, event_type, self._context)
                    if settings.stage_events:
                        log_stage(tracing, delivery, self._context, facts)
            with _JOINING:
                link_back(tracing, ambient, process, placement)
                role = role_of(event)
                if role is Role.STAGE:
                    draw_stage(tracing, delivery, placement, arrived_in, process, facts)
                elif role is Role.INBOUND:
                    origin = origin_of_inbound(delivery, process)
            hook = settings.webhook_hook
            if hook is not None and span.is_recording():
                with _HOOKING:
                    hook(span, event)
            self._handling = Handling(event, span, origin, delivery.is_duplicate)
            self._entered = _under_way.set(self._handling)
            self._began = time.perf_counter() if is_measured else None
        except BaseException as error:
            try:
                self._end_span(error)
            finally:
                _detach(self._attached)
            raise
        return self._handling

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """
        Say how it went, and end the span, unless that was done; then leave its context.
        """
        try:
            self.end(error)
        finally:
            self.leave()

    def end(self, error: BaseException | None = None) -> None:
        """
        Say how it went, and end the span; its context stays the current one.
        """
        if self._is_ended:
            return
        self._is_ended = True
        try:
            self._report(error)
        finally:
            self._end_span(error)

    def leave(self) -> None:
        """
        Leave the context of the span, ended or not.
        """
        self._handling.is_over = True
        _leave(self._entered, self._context, self._attached)

    def resumed(self) -> Resumed:
        """
        Return what makes the context of the span the current one again, for a part of its answer.
        """
        return Resumed(self._handling, None if self._attached is None else self._context)

    def _report(self, error: BaseException | None) -> None:
        tracing, event_type, context = self._tracing, self._event_type, self._context
        try:
            if isinstance(error, Exception):
                report_exception(tracing, event_type, context, error)
        finally:
            if self._began is not None:
                with _MEASURING:
                    seconds, status = time.perf_counter() - self._began, self._handling.status
                    report_run(
                        tracing, event_type, context, seconds=seconds, status=status, error=error
                    )

    def _end_span(self, error: BaseException | None) -> None:
        # Each step is taken even where the one before it is interrupted.
        try:
            if isinstance(error, Exception):
                mark_error(self._span, error)
        finally:
            with _ENDING:
                self._span.end()


class Resumed:
    """
    The context of a handler that has returned, as the current one.

    Args:
        handling: Its run.
        context: Holds its span; None where nothing was attached.
    """

    __slots__ = ("_attached", "_context", "_entered", "_handling", "_was_over")

    def __init__(self, handling: Handling, context: Context | None) -> None:
        self._handling = handling
        self._context = context

    def __enter__(self) -> None:
        self._was_over, self._handling.is_over = self._handling.is_over, False
        self._attached = None if self._context is None else attach(self._context)
        self._entered = _under_way.set(self._handling)

    def __exit__(self, *_: object) -> None:
        self._handling.is_over = self._was_over
        _leave(self._entered, self._context, self._attached)


def _leave(
    entered: Token[Handling | None], context: Context | None, attached: Token[Context] | None
) -> None:
    if not leave(_under_way, entered, context, attached):
        report("webhook: context", "a handler was left in another context than entered")


def _detach(attached: Token[Context] | None) -> None:
    if attached is not None:
        detach(attached)
