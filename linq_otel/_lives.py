"""
How a sender begins a message's life.

As soon as Linq has answered, the sender decides which trace the life is drawn
in, draws its anchor and its first stage, links both ways, and hands back the
origin that lets every webhook find the same trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import _attributes as a
from ._lifecycle import Lifecycle, app_lifecycle, derive_lifecycle, fit_stage
from ._origins import Origin, format_traceparent, parse_traceparent


if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

    from ._operations import Operation
    from ._tracing import Tracing


@dataclass(slots=True)  # Not frozen: it lives as long as one call, and costs a third.
class SendFacts:
    """
    What is known of one call; times are Unix nanoseconds.

    ``linq_trace_id`` is that of the attempt that was accepted, ``linq_trace_ids``
    those of every attempt.
    """

    operation: Operation
    sender: SpanContext
    linq_trace_id: str | None
    linq_trace_ids: tuple[str, ...]
    message_id: str | None
    chat_id: str | None
    idempotency_key: str | None
    began_at: int
    answered_at: int | None

    def origin(self, anchor: SpanContext | None) -> Origin:
        """
        Write these facts down, with the life's *anchor* if it is decided.
        """
        return Origin(
            traceparent=format_traceparent(self.sender),
            tracestate=self.sender.trace_state.to_header(),
            lifecycle=format_traceparent(anchor) if anchor else "",
            linq_trace_ids=self.linq_trace_ids,
            message_id=self.message_id,
            chat_id=self.chat_id,
            idempotency_key=self.idempotency_key,
            requested_at=self.began_at,
            accepted_at=self.answered_at,
        )

    def attributes(self) -> dict[str, Any]:
        """
        What every span of the life says of it.
        """
        found: dict[str, Any] = {a.OPERATION: self.operation.name}
        if self.linq_trace_id is not None:
            found[a.LINQ_TRACE_ID] = self.linq_trace_id
        if self.message_id is not None:
            found[a.MESSAGE_ID] = self.message_id
        if self.chat_id is not None:
            found[a.CHAT_ID] = self.chat_id
        return found


def early_origin(tracing: Tracing, facts: SendFacts) -> Origin | None:
    """
    Return the origin known before the answer, under the idempotency key alone.

    Where the app's own trace is used, the life is known already; elsewhere it
    waits for the ids in the answer.
    """
    if not facts.sender.is_valid:
        return None
    lifecycle = _choose(tracing, facts) if tracing.settings.join == "app" else None
    if lifecycle is None:
        return facts.origin(None)
    return facts.origin(lifecycle.span_context(sampled=bool(lifecycle.sampled)))


def unsettled_origin(facts: SendFacts) -> Origin | None:
    """
    Return the origin of an accepted message whose life is not decided yet.
    """
    return facts.origin(None) if facts.sender.is_valid else None


def begin_life(tracing: Tracing, span: Span, facts: SendFacts) -> Origin | None:
    """
    Draw the anchor and the accepted stage, link *span* to them, and return the origin.

    A call that starts no life has an origin all the same: its events are
    linked to it by their Linq trace id, and by that alone, for the message it
    names was sent by another call.
    """
    if not facts.sender.is_valid:
        return None
    if not facts.operation.starts_life:
        return replace(facts, message_id=None).origin(None)
    lifecycle = _choose(tracing, facts)
    if lifecycle is None:
        return facts.origin(None)
    if lifecycle.sampled is not False:
        # The anchor's own decision: a sampler that counts, or reads attributes, is asked once.
        lifecycle = _draw(tracing, lifecycle, facts)
    lifecycle = tracing.decide(lifecycle)
    anchor = lifecycle.span_context(sampled=bool(lifecycle.sampled))
    if lifecycle.sampled and tracing.settings.stages:
        span.add_link(anchor, {a.LINK: a.LINK_LIFECYCLE})
    return facts.origin(anchor)


def link_earlier_life(tracing: Tracing, span: Span, earlier: Origin) -> None:
    """
    Link a replayed send to the life its message has already.
    """
    span.set_attribute(a.REPLAY, True)  # noqa: FBT003  # The API's signature.
    anchor = parse_traceparent(earlier.lifecycle) if earlier.lifecycle else None
    if anchor is not None and anchor.trace_flags.sampled and tracing.settings.stages:
        span.add_link(anchor, {a.LINK: a.LINK_LIFECYCLE})


def _choose(tracing: Tracing, facts: SendFacts) -> Lifecycle | None:
    join = tracing.settings.join
    if join != "app":
        return derive_lifecycle(join, facts.linq_trace_id, facts.message_id)
    key = facts.idempotency_key or facts.message_id or facts.linq_trace_id
    return app_lifecycle(facts.sender, key) if key else None


def _draw(tracing: Tracing, lifecycle: Lifecycle, facts: SendFacts) -> Lifecycle:
    attributes = facts.attributes()
    lifecycle = tracing.draw_anchor(lifecycle, facts.sender, facts.began_at, attributes)
    answered = facts.answered_at or facts.began_at
    times = fit_stage(facts.began_at, answered, floor=facts.began_at)
    tracing.draw_stage(lifecycle, "accepted", times, {**attributes, a.STAGE_NAME: "accepted"})
    return lifecycle
