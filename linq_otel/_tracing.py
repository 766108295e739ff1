"""
The only place that starts a span.

What is drawn is decided elsewhere: :mod:`._calls` follows a call of the API,
:mod:`._deliveries` a webhook. Here stands how each span is drawn, and the two
things they share: the settings and the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from . import _attributes as a
from ._disclosure import Disclosure
from ._forks import renew_if_changed
from ._keeping import OriginKeeper
from ._late import choose_late_policy
from ._lifecycle import Lifecycle, StageTimes, context_under
from ._log_events import LogEvents
from ._meters import meters_of
from ._replies import Replies
from ._shield import shield, type_name
from ._tracer import TracerSource, start_span
from ._unsent import Unsent


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Span, SpanContext
    from opentelemetry.util.types import Attributes

    from ._settings import Settings
    from .stores import Store


_STARTING: Final = shield("starting the process span")


class Tracing:
    """
    Draws spans with one tracer; its origins are in one store.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.meters = meters_of(settings.meter_provider)
        self.origins = OriginKeeper(store, self.meters, settings.store_timeout)
        self.source = TracerSource(settings.tracer_provider)
        self.log_events = LogEvents(settings.logger_provider)
        self.late = choose_late_policy(settings.late, settings.late_after)
        self.disclosure = Disclosure(settings.handle_key, content=settings.capture_content)
        self.replies = Replies(self.meters, self.origins)
        self.unsent = Unsent(self.origins, settings.stuck_after)
        self.meters.watch_stuck(self.unsent)

    def close(self) -> None:
        """
        Stop what goes on in the background; the store stays open.
        """
        self.origins.close()
        self.unsent.close()

    def start_call(self, name: str, kind: SpanKind, attributes: Attributes, start: int) -> Span:
        """
        Start the span of one call of the API, under the current span.
        """
        renew_if_changed()
        tracer = self.source.get()
        if tracer is None:
            return trace.INVALID_SPAN
        return start_span(tracer, name, None, kind=kind, attributes=attributes, start_time=start)

    def start_attempt(self, name: str, context: Context, attributes: Attributes) -> Span:
        """
        Start the span of one request on the wire, under its call.
        """
        tracer = self.source.get()
        if tracer is None:
            return trace.INVALID_SPAN
        return start_span(tracer, name, context, kind=SpanKind.CLIENT, attributes=attributes)

    def draw_anchor(
        self, lifecycle: Lifecycle, sender: SpanContext, at: int, attributes: Attributes
    ) -> Lifecycle:
        """
        Draw the root of a message's life; returns *lifecycle* with the decision.

        It is sent once and lasts a nanosecond, so that whatever comes late hangs
        under a span that exists and is not contradicted by time. Jaeger calls a
        span that ends where it starts one of negative duration.
        """
        tracer = self.source.get()
        if tracer is None or not self.settings.stages:
            return lifecycle
        links = [Link(sender, {a.LINK: a.LINK_SEND})] if sender.trace_flags.sampled else []
        span = start_span(
            tracer,
            a.ANCHOR,
            self._anchor_context(lifecycle, sender),
            attributes=attributes,
            links=links,
            start_time=at,
            otel_trace_id=lifecycle.otel_trace_id,
            span_id=lifecycle.anchor_id,
        )
        span.end(at + 1)
        return lifecycle.decided(span.get_span_context().trace_flags.sampled)

    def draw_stage(  # noqa: PLR0913  # A stage is these six facts.
        self,
        lifecycle: Lifecycle,
        stage: str,
        times: StageTimes,
        attributes: Attributes,
        *,
        links: Sequence[Link] = (),
        context: Context | None = None,
        error: str | None = None,
    ) -> None:
        """
        Draw one stage of a message's life; drawn again, it is the same span.

        Its *context* holds the anchor of *lifecycle*, where one is there already.
        """
        tracer = self.source.get()
        if tracer is None or not self.settings.stages or not lifecycle.sampled:
            return
        span = start_span(
            tracer,
            a.STAGE.format(stage=stage),
            context or context_under(lifecycle.span_context(sampled=True), Context()),
            attributes=attributes,
            links=links,
            start_time=times.start,
            span_id=lifecycle.stage_id(stage),
        )
        if error is not None:
            span.set_attribute(a.ERROR_TYPE, error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(times.end)

    def start_process(  # noqa: PLR0913  # A span's own five facts, and one against it.
        self,
        name: str,
        context: Context,
        attributes: Attributes,
        links: Sequence[Link],
        otel_trace_id: int | None,
        *,
        left_out: SpanContext | None = None,
    ) -> Span:
        """
        Start the span of a webhook's handler, under *context* or as the root of a trace.

        Where its life is *left out*, no sampler draws it: it would hang under
        an anchor that nobody drew. The handler is in the life's trace still,
        and so are the logs it writes.
        """
        with _STARTING:
            renew_if_changed()
            if left_out is not None:
                context, otel_trace_id = context_under(left_out, Context()), None
                if not self.source.follows(left_out, name, SpanKind.CONSUMER):
                    return trace.NonRecordingSpan(left_out)
            tracer = self.source.get()
            if tracer is not None:
                return start_span(
                    tracer,
                    name,
                    context,
                    kind=SpanKind.CONSUMER,
                    attributes=attributes,
                    links=links,
                    otel_trace_id=otel_trace_id,
                )
        return trace.INVALID_SPAN

    def decide(self, lifecycle: Lifecycle) -> Lifecycle:
        """
        Return *lifecycle* with a sampling decision, asking the sampler if it has none.
        """
        if lifecycle.sampled is not None:
            return lifecycle
        return lifecycle.decided(self.source.is_sampled(lifecycle.otel_trace_id))

    def _anchor_context(self, lifecycle: Lifecycle, sender: SpanContext) -> Context:
        if lifecycle.otel_trace_id == sender.trace_id:
            return context_under(sender, Context())
        if self.source.derives_ids:
            return Context()
        # Without an id generator, only a parent can name the trace.
        return context_under(self.decide(lifecycle).span_context(sampled=True), Context())


def mark_error(span: Span, error: BaseException) -> None:
    """
    Set ERROR and ``error.type`` on *span*, and nothing of the error's text.
    """
    with shield("marking an error"):
        if span.is_recording():
            span.set_attribute(a.ERROR_TYPE, type_name(error))
            span.set_status(Status(StatusCode.ERROR))
