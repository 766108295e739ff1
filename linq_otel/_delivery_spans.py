"""
What the spans of a webhook say, and what they are linked to.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from . import _attributes as a
from ._event_types import EVENT_TYPES
from ._lifecycle import Lifecycle, StageTimes, get_stage, stage_times
from ._origins import Origin, format_traceparent
from ._placements import link_to
from ._times import format_time_ns


if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

    from ._events import Event
    from ._placements import Delivery, Placement
    from ._tracing import Tracing


_KNOWN_TYPES: Final = frozenset(EVENT_TYPES)
_MOST_UNKNOWN_TYPES: Final = 200
_unknown_types: set[str] = set()


def find_left_out(tracing: Tracing, placement: Placement) -> SpanContext | None:
    """
    Return the anchor that the handler hangs under though nobody drew it, if it does.
    """
    lifecycle = placement.lifecycle
    if lifecycle is None or lifecycle.sampled is not False or placement.is_late:
        return None
    if tracing.settings.join == "link":
        return None
    return lifecycle.span_context(sampled=False)


def link_back(tracing: Tracing, ambient: Span, process: SpanContext, placement: Placement) -> None:
    """
    Link the webhook's SERVER span to the life its handler runs in.
    """
    lifecycle = placement.lifecycle
    if lifecycle is None or not ambient.is_recording():
        return
    if process.trace_id != ambient.get_span_context().trace_id:
        for link in link_to(process, a.LINK_PROCESS):
            ambient.add_link(link.context, link.attributes)
    elif (
        tracing.settings.stages
        and lifecycle.sampled
        and lifecycle.otel_trace_id != process.trace_id
    ):
        ambient.add_link(lifecycle.span_context(sampled=True), {a.LINK: a.LINK_LIFECYCLE})


def draw_stage(  # noqa: PLR0913, PLR0917  # All that is known by then.
    tracing: Tracing,
    delivery: Delivery,
    placement: Placement,
    arrived_in: SpanContext,
    process: SpanContext,
    facts: dict[str, Any],
) -> None:
    """
    Draw the stage that *delivery* reports, where its message's life is drawn at all.
    """
    event, lifecycle = delivery.event, placement.lifecycle
    if lifecycle is None or not lifecycle.sampled:
        return
    stage = get_stage(event)
    now = time.time_ns()
    own = stage_times(event, delivery.origin, now)
    times = tracing.late.fit(own)
    attributes = {**facts, a.STAGE_NAME: stage}
    if event.error_code is not None:
        attributes[a.ERROR_CODE] = event.error_code
    if own.clamped:
        attributes[a.CLAMPED] = True
    if placement.is_late:
        # Its own trace is closed: it is told where its webhook is.
        lifecycle = Lifecycle(process.trace_id, process.span_id, process.trace_flags.sampled)
        times = StageTimes(now, now + 1_000, own.moment)
    if times != own:
        attributes[a.LATE] = True
    if times.clamped:
        attributes[a.STAGE_TIME] = format_time_ns(times.moment)
    tracing.draw_stage(
        lifecycle,
        stage,
        times,
        attributes,
        # Elsewhere the same span whoever draws it; here its trace has no other way back.
        links=link_to(arrived_in, a.LINK_WEBHOOK) if tracing.settings.join == "link" else (),
        context=placement.context if placement.is_under_anchor else None,
        error=str(event.error_code or stage) if stage == "failed" else None,
    )


def origin_of_inbound(delivery: Delivery, process: SpanContext) -> Origin | None:
    """
    Return the origin of a message that came to us: its handler's span is its root.
    """
    event = delivery.event
    if (
        delivery.rejected is not None
        or (delivery.found is not None and delivery.found[0].startswith("message:"))
        or not process.is_valid
    ):
        return None
    now = time.time_ns()
    return Origin(
        traceparent=format_traceparent(process),
        tracestate=process.trace_state.to_header(),
        lifecycle=format_traceparent(process),
        linq_trace_ids=(event.linq_trace_id,) if event.linq_trace_id else (),
        message_id=event.message_id,
        chat_id=event.chat_id,
        requested_at=event.created_at or now,
        accepted_at=now,
    )


def describe(delivery: Delivery, event_type: str, facts: dict[str, Any]) -> dict[str, Any]:
    """
    Return what the ``process`` span says of *delivery*, whose *facts* its stage says too.
    """
    event = delivery.event
    found: dict[str, Any] = {
        a.MESSAGING_SYSTEM: "linq",
        a.MESSAGING_OPERATION_NAME: "process",
        a.MESSAGING_OPERATION_TYPE: "process",
    }
    if event.verified is not None:
        found[a.VERIFIED] = event.verified
    if delivery.rejected is not None:
        # A stranger wrote the rest.
        found[a.REJECTED] = delivery.rejected
        found[a.EVENT_TYPE] = event_type
        return found
    found[a.ORIGIN] = delivery.found_by
    if event.event_id is not None:
        found[a.MESSAGING_MESSAGE_ID] = event.event_id
    if event.webhook_version is not None:
        found[a.WEBHOOK_VERSION] = event.webhook_version
    if event.subscription_id is not None:
        found[a.SUBSCRIPTION_ID] = event.subscription_id
    if delivery.is_duplicate:
        found[a.DUPLICATE] = True
    found.update(facts)
    return found


def identify(event: Event, event_type: str) -> dict[str, Any]:
    """
    Return the ids of *event*, which every span of it says, and its bounded *event_type*.
    """
    facts = {
        a.EVENT_ID: event.event_id,
        a.EVENT_TYPE: event_type,
        a.LINQ_TRACE_ID: event.linq_trace_id,
        a.MESSAGE_ID: event.message_id,
        a.CHAT_ID: event.chat_id,
        a.CHAT_IS_GROUP: event.is_group or None,
        a.SERVICE: event.service,
    }
    return {key: value for key, value in facts.items() if value is not None}


def name_type(event: Event) -> str:
    """
    Return the type of *event*, or ``_OTHER`` where it would be one of an unbounded number.

    A type that Linq has yet to invent counts if Linq signed it, and then up to
    200 of them: without a secret, or a good signature, a stranger may have made
    it up.
    """
    event_type = event.event_type
    if event_type in _KNOWN_TYPES or event_type in _unknown_types:
        return event_type
    if event.verified is not True or len(_unknown_types) >= _MOST_UNKNOWN_TYPES:
        return a.OTHER
    _unknown_types.add(event_type)
    return event_type
