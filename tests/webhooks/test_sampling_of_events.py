from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

from support import payloads as p
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext


class RootsAsked(Sampler):
    """
    Keeps what it was asked, and lets only roots of Linq's trace be.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[SpanContext, str, str]] = []

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any
    ) -> SamplingResult:
        """
        Answer like a parent-based sampler over a ratio of all.
        """
        from opentelemetry.trace import get_current_span  # noqa: PLC0415

        parent = get_current_span(parent_context).get_span_context()
        self.asked.append((parent, f"{trace_id:032x}", name))
        return ParentBased(TraceIdRatioBased(1.0)).should_sample(
            parent_context, trace_id, name, *args, **kwargs
        )

    def get_description(self) -> str:
        """
        Return its name.
        """
        return "RootsAsked"


def desk_with(sampler: Sampler, **options: object) -> Desk:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Desk(provider, exporter, options)


# The ratio samples by the low half of the id: this one is under one half, the other is not.
LOW, HIGH = "a" * 16 + "0" * 15 + "1", "a" * 16 + "f" * 16


HALF = ParentBased(TraceIdRatioBased(0.5))


class TestSampling:
    def test_the_origin_s_decision_is_taken(self, desk: Desk) -> None:
        """A life its sender did not sample is not drawn by a receiver that samples all."""
        sender = desk_with(ALWAYS_OFF)
        sender.send()
        receiver = Desk(desk.provider, desk.exporter, store=sender.store)
        receiver.stage("sent")
        assert [span.name for span in receiver.spans] == ["POST /hook"]
        assert receiver.one("POST /hook")["links"] == []
        assert sender.spans == ()

    def test_a_sampled_origin_wins_over_the_receiver_s_ratio(self) -> None:
        """The sender drew the anchor, so the rest is drawn too, whatever the ratio says."""
        sender = desk_with(ParentBased(TraceIdRatioBased(1.0)))
        sender.send(linq_trace_ids=(HIGH,))
        receiver = desk_with(ParentBased(ALWAYS_OFF))
        receiver.store.save(sender.store.find(f"message:{p.MESSAGE_ID}")[1])
        receiver.stage("sent", trace_id=HIGH)
        assert [span.name for span in receiver.spans] == ["message sent", "process message.sent"]

    @pytest.mark.parametrize(("linq_trace_id", "is_drawn"), [(LOW, True), (HIGH, False)])
    def test_without_an_origin_the_sampler_decides_by_the_life_s_own_id(
        self, linq_trace_id: str, *, is_drawn: bool
    ) -> None:
        """Every process with the same ratio answers alike, sender or not."""
        sender, receiver = desk_with(HALF), desk_with(HALF)
        sender.send(linq_trace_ids=(linq_trace_id,))
        receiver.stage("sent", trace_id=linq_trace_id)
        drawn = [span.name for span in receiver.spans if span.name != "POST /hook"]
        assert drawn == (["message sent", "process message.sent"] if is_drawn else [])
        anchors = [span.name for span in sender.spans if span.name == "linq message"]
        assert anchors == (["linq message"] if is_drawn else [])

    def test_without_an_origin_the_sampler_is_asked_as_for_a_root(self) -> None:
        """The webhook's own SERVER span is no parent of the life."""
        sampler = RootsAsked()
        desk = desk_with(sampler)
        desk.stage("sent")
        asked = [(ctx.is_valid, name) for ctx, t, name in sampler.asked if t == p.LINQ_TRACE_ID]
        assert asked[0] == (False, "linq message")

    def test_an_unsampled_server_span_does_not_take_the_life_with_it(self) -> None:
        """The ambient span's decision is about another trace."""
        desk = desk_with(HALF)
        from opentelemetry.trace import (  # noqa: PLC0415
            NonRecordingSpan,
            SpanContext,
            TraceFlags,
            use_span,
        )

        unsampled = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(0))
        body = p.body_of("message.sent", trace_id=LOW)
        with (
            use_span(NonRecordingSpan(unsampled)),
            desk.receiver.process(p.headers_of(body), body),
        ):
            pass
        assert [span.name for span in desk.spans] == ["message sent", "process message.sent"]
        assert desk.one("process message.sent")["links"] == []
