"""
What is said of a delivery beside its spans: numbers, and log events.

Spans of a life that is not sampled are not drawn, and a late one may be
refused; what is counted here is whole.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import set_span_in_context

from . import _attributes as a
from ._lifecycle import Role, context_under, find_sender, get_stage, role_of, stage_times
from ._log_events import PROCESS_EXCEPTION
from ._shield import shield, type_name


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from ._placements import Delivery
    from ._tracing import Tracing


def report_delivery(
    tracing: Tracing, delivery: Delivery, event_type: str, span: Span, facts: Mapping[str, Any]
) -> None:
    """
    Count *delivery*, whose handler is about to run in *span*.

    Args:
        tracing: Holds the meters and the log.
        delivery: What arrived, with what was looked up for it.
        event_type: Its type, one of a bounded number.
        span: Its ``process`` span.
        facts: What its spans say of it.
    """
    if tracing.meters.is_on:
        _count(tracing, delivery, event_type, set_span_in_context(span))
    if tracing.settings.stage_events and not delivery.is_duplicate:
        _log_stage(tracing, delivery, span, facts)


@contextmanager
def reported_run(
    tracing: Tracing, event_type: str, span: Span, find_status: Callable[[], int | None]
) -> Generator[None]:
    """
    Time a handler, and report what it raises; the exception passes through.

    Args:
        tracing: Holds the meters and the log.
        event_type: Of the event handled, one of a bounded number.
        span: Its ``process`` span.
        find_status: Returns the HTTP status it answered with, once it has.
    """
    is_measured = tracing.meters.is_on
    began = time.perf_counter()
    error_type = None
    try:
        yield
    except Exception as error:
        error_type = type_name(error)
        facts = {a.EVENT_TYPE: event_type, a.ERROR_TYPE: error_type}
        tracing.log_events.note_exception(
            PROCESS_EXCEPTION, error, facts, set_span_in_context(span)
        )
        raise
    finally:
        with shield("measuring a handler"):
            if is_measured:
                status = find_status() or 0
                if error_type is None and status >= 500:  # noqa: PLR2004  # As for the span.
                    error_type = str(status)
                seconds = time.perf_counter() - began
                tracing.meters.note_handler(
                    event_type, seconds, error_type, set_span_in_context(span)
                )


def report_refusal(tracing: Tracing, outcome: str) -> None:
    """
    Count a delivery that is told nobody: it cannot be read, or is refused for the app.
    """
    with shield("counting a refused delivery"):
        if tracing.meters.is_on:
            tracing.meters.note_delivery(a.OTHER, outcome)


def _count(tracing: Tracing, delivery: Delivery, event_type: str, context: Context) -> None:
    meters, event = tracing.meters, delivery.event
    role = role_of(event)
    meters.note_delivery(event_type, _outcome(delivery, role))
    if delivery.rejected is not None:
        return
    if role in {Role.STAGE, Role.MEMBER}:
        meters.note_join(event_type, delivery.found_by, is_mismatch=_is_mismatch(delivery))
    if delivery.is_duplicate:
        return
    if event.created_at is not None:
        meters.note_lag(event_type, event.created_at, context)
    if role is Role.INBOUND:
        tracing.replies.note_arrival(event)
    elif role is Role.STAGE:
        accepted_at = delivery.origin.accepted_at if delivery.origin else None
        moment = stage_times(event, delivery.origin, time.time_ns()).moment
        meters.note_stage(event, get_stage(event), accepted_at, moment, context)
        tracing.unsent.note_sent(event.message_id)


def _outcome(delivery: Delivery, role: Role) -> str:
    if delivery.rejected is not None:
        return "unverified"
    if delivery.is_duplicate:
        return "duplicate"
    is_orphan = role is Role.STAGE and delivery.found_by == "none"
    return "orphan" if is_orphan else "new"


def _is_mismatch(delivery: Delivery) -> bool:
    own, origin = delivery.event.linq_trace_id, delivery.origin
    if own is None or origin is None or not origin.linq_trace_ids:
        return False
    return own.lower() not in {each.lower() for each in origin.linq_trace_ids}


def _log_stage(tracing: Tracing, delivery: Delivery, span: Span, facts: Mapping[str, Any]) -> None:
    event = delivery.event
    if delivery.rejected is not None or role_of(event) is not Role.STAGE:
        return
    sender = find_sender(event, delivery.origin)
    # It is about the send; where that is not known, it is the handler's.
    context = set_span_in_context(span) if sender is None else context_under(sender)
    moment = stage_times(event, delivery.origin, time.time_ns()).moment
    tracing.log_events.note_stage(get_stage(event), moment, facts, context)
