"""
Where the span of a webhook's handler hangs.

A delivery that verified (or that no secret was given for) may join the life of
the message it names. One that did not joins nothing: no id of it picks a
trace, and its handler runs in the trace it arrived in.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link

from . import _attributes as a
from ._lifecycle import (
    Lifecycle,
    Role,
    context_under,
    derive_lifecycle,
    find_lifecycle,
    find_sender,
    role_of,
)
from ._origins import Origin, parse_traceparent


if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from ._events import Event
    from ._tracing import Tracing


Found = tuple[str, Origin]
"""A store key that hit, and the origin kept under it."""


# Neither is frozen: what is costs twice as much to make, and nobody else sees them.
@dataclass(slots=True)
class Delivery:
    """
    One delivery with all that was looked up for it.

    Attributes:
        event: What was delivered.
        found: Where its message came from, if that is known.
        replied: As *found*, for the message an inbound one replies to.
        is_duplicate: True if the event was delivered before.
        rejected: Why it did not verify; None if it did, or no secret is set.
    """

    event: Event
    found: Found | None = None
    replied: Found | None = None
    is_duplicate: bool = False
    rejected: str | None = None

    @property
    def origin(self) -> Origin | None:
        """
        Where its message came from, if that is known.
        """
        return self.found[1] if self.found else None

    @property
    def found_by(self) -> str:
        """
        How that is known: the kind of the store key that hit, ``carrier``, or ``none``.
        """
        if self.found is not None:
            return self.found[0].partition(":")[0]
        return "carrier" if self.event.traceparent else "none"


@dataclass(slots=True)
class Placement:
    """
    Where the ``process`` span hangs.

    Attributes:
        context: Holds its parent; empty for a root.
        links: What it is linked to.
        otel_trace_id: The trace of which it is the root, if it is one.
        lifecycle: The life it belongs to, if it belongs to one.
        is_late: True if that life takes no more spans, and is joined by links.
        is_under_anchor: True if that parent is the anchor of that life.
    """

    context: Context
    links: tuple[Link, ...] = ()
    otel_trace_id: int | None = None
    lifecycle: Lifecycle | None = None
    is_late: bool = False
    is_under_anchor: bool = False


def place(tracing: Tracing, delivery: Delivery, ambient: SpanContext) -> Placement:
    """
    Decide where the handler of *delivery* runs.

    Args:
        tracing: Holds the options and the sampler.
        delivery: What was delivered.
        ambient: The span it arrived in: the webhook's SERVER span.
    """
    if delivery.rejected is not None:
        return Placement(get_current())
    role, origin = role_of(delivery.event), delivery.origin
    if role is Role.INBOUND:
        return _place_inbound(tracing, delivery, ambient)
    sender = find_sender(delivery.event, origin)
    lifecycle = None
    if role is Role.STAGE or (role is Role.MEMBER and origin is not None and origin.lifecycle):
        lifecycle = find_lifecycle(tracing.settings.join, delivery.event, origin)
    if lifecycle is None:
        return Placement(get_current(), link_to(sender, a.LINK_CAUSE))
    late = tracing.late
    # Asked here too, because few backends close a life: to find when it began is not for nothing.
    is_late = late.action == "link" and late.is_closed(_began_at(delivery))
    return _place_in_life(tracing, tracing.decide(lifecycle), sender, ambient, is_late=is_late)


def _began_at(delivery: Delivery) -> int:
    event, origin = delivery.event, delivery.origin
    known = (origin.requested_at if origin else 0, event.sent_at, event.created_at)
    return next((time for time in known if time), time_ns())


def _place_in_life(
    tracing: Tracing,
    lifecycle: Lifecycle,
    sender: SpanContext | None,
    ambient: SpanContext,
    *,
    is_late: bool,
) -> Placement:
    settings = tracing.settings
    anchor = lifecycle.span_context(sampled=bool(lifecycle.sampled))
    links = link_to(sender, a.LINK_SEND)
    if settings.join == "link" or is_late:
        links += link_to(anchor, a.LINK_LIFECYCLE) if settings.stages else ()
        return Placement(get_current(), links, None, lifecycle, is_late)
    links += link_to(ambient, a.LINK_WEBHOOK)
    if settings.stages:
        context = context_under(anchor, Context())
        return Placement(context, links, None, lifecycle, is_under_anchor=True)
    # No anchor is drawn: hang under the sender if this is its trace, else be a root.
    if sender is not None and sender.trace_id == lifecycle.otel_trace_id:
        return Placement(context_under(sender, Context()), links, None, lifecycle)
    return Placement(Context(), links, lifecycle.otel_trace_id, lifecycle)


def _place_inbound(tracing: Tracing, delivery: Delivery, ambient: SpanContext) -> Placement:
    event, join = delivery.event, tracing.settings.join
    links = _link_to_life(delivery.replied, stages=tracing.settings.stages)
    if join == "link":
        return Placement(get_current(), links)
    lifecycle = derive_lifecycle(join, event.linq_trace_id, event.message_id)
    if lifecycle is None:
        return Placement(get_current(), links)
    links += link_to(ambient, a.LINK_WEBHOOK)
    root = parse_traceparent(delivery.origin.lifecycle) if delivery.origin else None
    if root is not None:
        # Delivered before: the first handler's span is the root already.
        return Placement(context_under(root, Context()), links, None, lifecycle)
    if not tracing.source.derives_ids:
        anchor = tracing.decide(lifecycle).span_context(sampled=True)
        return Placement(context_under(anchor, Context()), links, None, lifecycle)
    return Placement(Context(), links, lifecycle.otel_trace_id, lifecycle)


def link_to(span: SpanContext | None, meaning: str) -> tuple[Link, ...]:
    """
    Link to *span*, if it is one and a backend will have it.
    """
    if span is None or not span.is_valid or not span.trace_flags.sampled:
        return ()
    return (Link(span, {a.LINK: meaning}),)


def _link_to_life(found: Found | None, *, stages: bool) -> tuple[Link, ...]:
    if found is None:
        return ()
    origin = found[1]
    # Without stages no anchor is drawn: the sender stands for the life.
    anchor = parse_traceparent((stages and origin.lifecycle) or origin.traceparent)
    return link_to(anchor, a.LINK_REPLY_TO)
