"""
What is said of a delivery beside its spans: numbers, and log events.

Spans of a life that is not sampled are not drawn, and a late one may be
refused; what is counted here is whole.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import _attributes as a
from ._lifecycle import Role, context_under, find_sender, get_stage, role_of, stage_times
from ._log_events import PROCESS_EXCEPTION
from ._shield import shield, type_name


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from ._placements import Delivery
    from ._tracing import Tracing


def count_delivery(tracing: Tracing, delivery: Delivery, event_type: str, context: Context) -> None:
    """
    Count *delivery*, whose handler is about to run in *context*.

    Args:
        tracing: Holds the meters.
        delivery: What arrived, with what was looked up for it.
        event_type: Its type, one of a bounded number.
        context: Holds its ``process`` span.
    """
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


def log_stage(
    tracing: Tracing, delivery: Delivery, context: Context, facts: Mapping[str, Any]
) -> None:
    """
    Tell the log the stage that *delivery* reports, if it does, for the first time.

    Args:
        tracing: Holds the log.
        delivery: What arrived, with what was looked up for it.
        context: Holds its ``process`` span.
        facts: What its spans say of it.
    """
    event = delivery.event
    if delivery.is_duplicate or delivery.rejected is not None:
        return
    if role_of(event) is not Role.STAGE:
        return
    sender = find_sender(event, delivery.origin)
    if sender is not None:
        # It is about the send; where that is not known, it is the handler's.
        context = context_under(sender)
    moment = stage_times(event, delivery.origin, time.time_ns()).moment
    tracing.log_events.note_stage(get_stage(event), moment, facts, context)


def report_exception(tracing: Tracing, event_type: str, context: Context, error: Exception) -> None:
    """
    Tell the log what a handler raised.

    Args:
        tracing: Holds the log.
        event_type: Of the event handled, one of a bounded number.
        context: Holds its ``process`` span.
        error: What it raised.
    """
    facts = {a.EVENT_TYPE: event_type, a.ERROR_TYPE: type_name(error)}
    tracing.log_events.note_exception(PROCESS_EXCEPTION, error, facts, context)


def report_run(  # noqa: PLR0913  # What is measured, and of what.
    tracing: Tracing,
    event_type: str,
    context: Context,
    *,
    seconds: float,
    status: int | None,
    error: BaseException | None,
) -> None:
    """
    Measure a handler that has returned, or raised.

    Args:
        tracing: Holds the meters.
        event_type: Of the event handled, one of a bounded number.
        context: Holds its ``process`` span.
        seconds: How long it took.
        status: The HTTP status it answered with, if it has.
        error: What it raised, if it has; a cancellation is no error.
    """
    error_type = None
    if isinstance(error, Exception):
        error_type = type_name(error)
    elif status is not None and status >= 500:  # noqa: PLR2004  # As for the span.
        error_type = str(status)
    tracing.meters.note_handler(event_type, seconds, error_type, context)


def report_refusal(tracing: Tracing, outcome: str) -> None:
    """
    Count a delivery that is told nobody: it cannot be read, or is refused for the app.
    """
    with shield("counting a refused delivery"):
        if tracing.meters.is_on:
            tracing.meters.note_delivery(a.OTHER, outcome)


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
