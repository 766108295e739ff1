"""
What a variant really did: the spans it made, counted, or written down to be made again.

A variant that is broken is fast. So each is held to the number of spans it should have made, and
the bare SDK makes exactly those that ours made, with their attributes and links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import Link, set_span_in_context


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, Tracer


NOWHERE: Final = Context()


class Tally(SpanProcessor):
    """
    Counts spans that ended, and drops them.
    """

    def __init__(self) -> None:
        self.spans = 0

    def on_end(self, span: ReadableSpan) -> None:
        """
        Count one.
        """
        self.spans += 1


def open_provider(*, sampled: bool = True, **options: Any) -> tuple[TracerProvider, Tally]:
    """
    Return a provider whose spans are counted.
    """
    tally = Tally()
    sampler = ALWAYS_ON if sampled else ALWAYS_OFF
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False, **options)
    provider.add_span_processor(tally)
    return provider, tally


def record(work: Callable[[TracerProvider], object]) -> list[ReadableSpan]:
    """
    Return the spans *work* makes of the provider it is given, in the order they began.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    work(provider)
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


class Copy:
    """
    Makes spans like *recorded* ones with nothing but the SDK, as cheaply as it can be done.

    Each is started with all of its attributes, under its parent, and has as many links.
    """

    def __init__(self, recorded: Sequence[ReadableSpan]) -> None:
        spans = _parents_first(list(recorded))
        places = {span.context.span_id: place for place, span in enumerate(spans)}
        self.spans = len(spans)
        self.attributes = sum(len(span.attributes or ()) for span in spans)
        self.links = sum(len(span.links) for span in spans)
        self._plan = [
            (
                span.name,
                span.kind,
                dict(span.attributes or {}),
                places.get(span.parent.span_id) if span.parent else None,
                [(link.context, dict(link.attributes or {})) for link in span.links],
            )
            for span in spans
        ]

    def make(self, tracer: Tracer) -> None:
        """
        Make each span once.
        """
        made: list[Span] = []
        for name, kind, attributes, parent, links in self._plan:
            context = NOWHERE if parent is None else set_span_in_context(made[parent], NOWHERE)
            linked = [Link(target, given) for target, given in links]
            made.append(tracer.start_span(name, context, kind, attributes, linked))
        for span in reversed(made):
            span.end()


def _parents_first(spans: list[ReadableSpan]) -> list[ReadableSpan]:
    """
    Return *spans* so that each comes after its parent: late ones have the times of payloads.
    """
    ids = {span.context.span_id for span in spans}
    ordered: list[ReadableSpan] = []
    placed: set[int] = set()
    while spans:
        ready = [
            span
            for span in spans
            if not span.parent or span.parent.span_id not in ids or span.parent.span_id in placed
        ]
        ordered += ready
        placed |= {span.context.span_id for span in ready}
        spans = [span for span in spans if span.context.span_id not in placed]
    return ordered
