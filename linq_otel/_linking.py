"""
Links and attributes for spans the app makes itself.

The ids an app has in its hands name a message's life, because every process
derives it alike; so a span can be linked to it with nothing installed and
nothing stored. What cannot be named without guessing is not linked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _attributes as a
from ._delivery_spans import name_type
from ._events import parse_id, parse_lower_id
from ._lifecycle import (
    Lifecycle,
    Role,
    carried_lifecycle,
    derive_lifecycle,
    find_sender,
    role_of,
)
from ._origins import parse_traceparent
from ._placements import link_to


if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span, SpanContext

    from ._events import Event
    from ._lifecycle import Join
    from ._origins import Origin
    from ._tracing import Tracing


@dataclass(frozen=True, slots=True)
class Target:
    """
    What a span is to be linked to, by whatever of it is known.

    Attributes:
        linq_trace_id: As Linq wrote it.
        message_id: The message.
        event: A webhook event about it.
        origin: Where it came from.
    """

    linq_trace_id: str | None = None
    message_id: str | None = None
    event: Event | None = None
    origin: Origin | None = None

    @property
    def is_trusted(self) -> bool:
        """
        False if it came with an event that failed verification: a stranger wrote its ids.
        """
        return self.event is None or self.event.verified is not False


def find_links(tracing: Tracing, target: Target) -> list[Link]:
    """
    Return the links to *target*: its life first, then the span that sent it.
    """
    if not target.is_trusted:
        return []
    lifecycle, origin = _find_life(tracing.settings.join, target), target.origin
    links: tuple[Link, ...] = ()
    # Without stages no anchor is drawn; an inbound message has its handler's span for one.
    is_inbound = origin is not None and origin.lifecycle == origin.traceparent
    if lifecycle is not None and (tracing.settings.stages or is_inbound):
        sampled = bool(tracing.decide(lifecycle).sampled)
        links += link_to(lifecycle.span_context(sampled=sampled), a.LINK_LIFECYCLE)
    sender = None if is_inbound else _find_sender(target)
    if sender is not None:
        links += link_to(sender, a.LINK_CAUSE if lifecycle is None else a.LINK_SEND)
    return list(links)


def describe_target(target: Target) -> dict[str, Any]:
    """
    Return what is known of *target* as span attributes.
    """
    event, origin = target.event, target.origin
    if event is not None and not target.is_trusted:
        return {a.VERIFIED: False, a.EVENT_TYPE: name_type(event)}
    facts: dict[str, Any] = {}
    for more in (_describe_origin(origin), _describe_event(event), _describe_ids(target)):
        facts.update({key: value for key, value in more.items() if value is not None})
    return facts


def enrich(tracing: Tracing, span: Span, target: Target) -> None:
    """
    Give a recording *span* the attributes and links of *target*, each link once.
    """
    if not span.is_recording():
        return
    span.set_attributes(describe_target(target))
    linked = [span.get_span_context(), *(link.context for link in getattr(span, "links", ()))]
    known = {(other.trace_id, other.span_id) for other in linked}
    for link in find_links(tracing, target):
        if (link.context.trace_id, link.context.span_id) not in known:
            span.add_link(link.context, link.attributes)


def _find_sender(target: Target) -> SpanContext | None:
    if target.event is not None:
        return find_sender(target.event, target.origin)
    return target.origin.sender if target.origin is not None else None


def _find_life(join: Join, target: Target) -> Lifecycle | None:
    event, origin = target.event, target.origin
    role = role_of(event) if event is not None else None
    is_named = bool(target.linq_trace_id or target.message_id)
    if role is Role.AMBIENT and not is_named:
        return None
    anchor = parse_traceparent(origin.lifecycle) if origin and origin.lifecycle else None
    if anchor is not None:
        return Lifecycle(anchor.trace_id, anchor.span_id, anchor.trace_flags.sampled)
    carried = carried_lifecycle(join, event) if event is not None else None
    if carried is not None:
        return carried
    if is_named:
        return _find_named_life(join, target)
    if event is not None and role is Role.STAGE:
        return derive_lifecycle(join, event.linq_trace_id, event.message_id)
    return None


def _find_named_life(join: Join, target: Target) -> Lifecycle | None:
    event = target.event
    linq_trace_id = target.linq_trace_id or (event.linq_trace_id if event else None)
    message_id = parse_lower_id(target.message_id) or (event.message_id if event else None)
    if linq_trace_id is None and join != "message":
        # The life is drawn in the trace of an id we were not given.
        return None
    return derive_lifecycle(join, linq_trace_id, message_id)


def _describe_origin(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {}
    return {
        a.LINQ_TRACE_ID: origin.linq_trace_ids[-1] if origin.linq_trace_ids else None,
        a.MESSAGE_ID: origin.message_id,
        a.CHAT_ID: origin.chat_id,
    }


def _describe_event(event: Event | None) -> dict[str, Any]:
    if event is None:
        return {}
    return {
        a.EVENT_ID: event.event_id,
        a.EVENT_TYPE: name_type(event),
        a.WEBHOOK_VERSION: event.webhook_version,
        a.SUBSCRIPTION_ID: event.subscription_id,
        a.VERIFIED: event.verified,
        a.LINQ_TRACE_ID: event.linq_trace_id,
        a.MESSAGE_ID: event.message_id,
        a.CHAT_ID: event.chat_id,
        a.SERVICE: event.service,
    }


def _describe_ids(target: Target) -> dict[str, Any]:
    return {
        a.LINQ_TRACE_ID: parse_id(target.linq_trace_id),
        a.MESSAGE_ID: parse_lower_id(target.message_id),
    }
