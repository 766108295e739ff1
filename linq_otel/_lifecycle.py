"""
The trace a message's life is drawn in, and what each event means for it.

Pure: nothing here starts a span or asks a store. A lifecycle is decided by
the sender as soon as Linq has answered, and found in the stored origin by
everybody else; a process that finds none derives the same one from the event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, get_args

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from ._ids import derive_otel_trace_id, derive_span_id, parse_linq_trace_id
from ._origins import parse_traceparent


if TYPE_CHECKING:
    from opentelemetry.context import Context

    from ._events import Event
    from ._origins import Origin


Join = Literal["linq", "app", "message", "link"]
JOINS: Final[tuple[str, ...]] = get_args(Join)

_MICROSECOND = 1_000
# https://www.w3.org/TR/trace-context-2/#random-trace-id-flag; the oldest API has no name for it.
_RANDOM = 0x02


class Role(Enum):
    """
    What an event is to the message it names.
    """

    STAGE = "stage"
    """A stage of an outbound message's life."""
    INBOUND = "inbound"
    """An inbound message: a life of its own begins."""
    MEMBER = "member"
    """A reaction, edit or vote: part of the life, where its origin is known."""
    AMBIENT = "ambient"
    """About no message: it stays in the trace it arrived in."""


STAGE_NAMES: Final = ("sent", "delivered", "read", "failed")
"""What a webhook may say of a message that was accepted."""
STUCK_AFTER: Final = 300.0
"""Seconds without the news that is due next after which a message counts as stuck."""

_STAGES: Final = {
    f"{family}.{stage}": stage for family in ("message", "poll") for stage in STAGE_NAMES
}
_INBOUND: Final = frozenset({"message.received", "poll.received"})
_MEMBERS: Final = frozenset({
    "message.edited",
    "poll.reaction.added",
    "poll.updated",
    "poll.vote.added",
    "poll.vote.removed",
    "reaction.added",
    "reaction.removed",
})  # fmt: skip


ROLES: Final = {
    **dict.fromkeys(_STAGES, Role.STAGE),
    **dict.fromkeys(_INBOUND, Role.INBOUND),
    **dict.fromkeys(_MEMBERS, Role.MEMBER),
}
"""The event types this module has an opinion on, and what each is to its message."""


@dataclass(slots=True)  # Not frozen: each message has two of them, made in half the time.
class Lifecycle:
    """
    Where a message's life is drawn.

    Attributes:
        otel_trace_id: The trace.
        anchor_id: The span everything late hangs under.
        sampled: The sender's decision; None where the sampler must be asked.
        is_random: True if the trace id is known to be random, as W3C's flag says.
    """

    otel_trace_id: int
    anchor_id: int
    sampled: bool | None = None
    is_random: bool = False
    _decided: SpanContext | None = field(default=None, init=False, repr=False, compare=False)

    def span_context(self, *, sampled: bool) -> SpanContext:
        """
        Return the anchor's span context with the decision *sampled*.
        """
        if sampled is not self.sampled:
            return self._make_context(sampled=sampled)
        if self._decided is None:
            self._decided = self._make_context(sampled=sampled)
        return self._decided

    def _make_context(self, *, sampled: bool) -> SpanContext:
        flags = TraceFlags((TraceFlags.SAMPLED if sampled else 0) | _RANDOM * self.is_random)
        return SpanContext(self.otel_trace_id, self.anchor_id, is_remote=True, trace_flags=flags)

    def decided(self, sampled: bool) -> Lifecycle:  # noqa: FBT001  # The decision is what it is about.
        """
        Return it with the decision *sampled*.
        """
        return Lifecycle(self.otel_trace_id, self.anchor_id, sampled, self.is_random)

    def stage_id(self, stage: str) -> int:
        """
        Return the span id of *stage*, the same in every process.
        """
        return derive_span_id(
            "stage", f"{self.otel_trace_id:032x}", f"{self.anchor_id:016x}", stage
        )


def context_under(parent: SpanContext, base: Context | None = None) -> Context:
    """
    Return *base* (default: the current context) with *parent* as its span.
    """
    return set_span_in_context(NonRecordingSpan(parent), base)


def role_of(event: Event) -> Role:
    """
    Tell what *event* is to the message it names.
    """
    role = ROLES.get(event.event_type, Role.AMBIENT)
    # An inbound message is delivered and read too, but that is no stage of one of ours.
    return Role.MEMBER if role is Role.STAGE and event.direction == "inbound" else role


def get_stage(event: Event) -> str:
    """
    Return the stage *event* reports.

    Raises:
        KeyError: If its role is not ``STAGE``.
    """
    return _STAGES[event.event_type]


def derive_lifecycle(
    join: Join, linq_trace_id: str | None, message_id: str | None
) -> Lifecycle | None:
    """
    Derive the lifecycle both sides would name; None if no id can be trusted.

    A malformed Linq trace id falls back to the message id, and a missing
    message id to the Linq trace id.
    """
    otel_trace_id = parse_linq_trace_id(linq_trace_id)
    by_message = message_id is not None and (join == "message" or otel_trace_id is None)
    if by_message and message_id is not None:
        return Lifecycle(derive_otel_trace_id(message_id), derive_span_id("anchor", message_id))
    if otel_trace_id is None:
        return None
    return Lifecycle(otel_trace_id, derive_span_id("anchor", f"{otel_trace_id:032x}"))


def app_lifecycle(sender: SpanContext, key: str) -> Lifecycle:
    """
    Return the lifecycle that hangs under the sending span itself.

    Args:
        sender: The span that sent the message.
        key: The idempotency key (hashed) if the call had one, because it is
            known before the answer; the message id else.
    """
    return _follow(sender, derive_span_id("anchor", key))


def _follow(span: SpanContext, anchor_id: int) -> Lifecycle:
    flags = span.trace_flags
    return Lifecycle(span.trace_id, anchor_id, flags.sampled, is_random=bool(flags & _RANDOM))


def find_lifecycle(join: Join, event: Event, origin: Origin | None) -> Lifecycle | None:
    """
    Return the lifecycle *event* belongs to: the sender's choice, else derived.
    """
    if origin is not None and not _is_of(event, origin):
        origin = None
    anchor = parse_traceparent(origin.lifecycle) if origin and origin.lifecycle else None
    if anchor is not None:
        return _follow(anchor, anchor.span_id)
    carried = carried_lifecycle(join, event)
    return carried or derive_lifecycle(join, event.linq_trace_id, event.message_id)


def _is_of(event: Event, origin: Origin) -> bool:
    """
    False if *origin* is another message's of the same call.

    A try whose answer was lost, or said that it failed, may have sent a message
    all the same; its Linq trace id leads to the call, and the call's life is
    that of the message the answer named.
    """
    return None in {event.message_id, origin.message_id} or event.message_id == origin.message_id


def carried_lifecycle(join: Join, event: Event) -> Lifecycle | None:
    """
    Return the lifecycle that a stage's own key tells: the app's, where it carries the sender.
    """
    sender = event.sender if join == "app" and role_of(event) is Role.STAGE else None
    if sender is None or event.idempotency_key is None:
        return None
    return app_lifecycle(sender, event.idempotency_key)


def find_sender(event: Event, origin: Origin | None) -> SpanContext | None:
    """
    Return the span that sent *event*'s message: as it was kept, else as its key carries it.
    """
    kept = origin.sender if origin is not None else None
    return kept or event.sender


@dataclass(slots=True)  # As a lifecycle.
class StageTimes:
    """
    When a stage began and ended, Unix nanoseconds.

    Attributes:
        start: The moment of the stage before it.
        end: Its own moment, at least a microsecond after *start*: Jaeger warns
            of a late span of no length.
        moment: Its own moment as the payload has it.
    """

    start: int
    end: int
    moment: int

    @property
    def clamped(self) -> bool:
        """
        True if its moment had to be moved to fit it in after its anchor.
        """
        return self.end != self.moment


def stage_times(event: Event, origin: Origin | None, now: int) -> StageTimes:
    """
    Place a stage between the times of its payload, never before its anchor.
    """
    stage, accepted = get_stage(event), origin.accepted_at if origin else None
    if stage == "sent":
        own, before = event.sent_at, accepted
    elif stage == "delivered":
        own, before = event.delivered_at, event.sent_at or accepted
    elif stage == "read":
        own, before = event.read_at, event.delivered_at or event.sent_at or accepted
    else:
        own, before = event.failed_at, event.sent_at or accepted
    moment = own or event.created_at or now
    start = before or moment - _MICROSECOND
    return fit_stage(start, moment, floor=origin.requested_at if origin else 0)


def fit_stage(start: int, moment: int, *, floor: int) -> StageTimes:
    """
    Fit a stage in after *floor*, its end true to *moment* where that is possible.
    """
    end = max(moment, floor + _MICROSECOND)
    begin = max(min(start, end - _MICROSECOND), floor)
    return StageTimes(begin, end, moment)
