"""
A tracer that can be told which ids to use.

A span context with a trace id alone starts a new trace, and a span id cannot
be passed to ``start_span``. The SDK does ask its tracer's id generator, so
ours is set on our own tracer, never on the provider, where it would leak into
everybody's spans. Another vendor's tracer has no generator: its ids are random
and only the trace id, given by a parent, is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    ProxyTracerProvider,
    SpanKind,
    set_span_in_context,
)

from . import _attributes as a
from ._shield import report
from ._version import __version__


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Link, Span, SpanContext, Tracer, TracerProvider
    from opentelemetry.util.types import Attributes


SCOPE: Final = "linq_otel"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"


# Tracers that have OpenTelemetry's API only where they are asked to.
_VENDORS: Final = {
    # https://docs.datadoghq.com/tracing/trace_collection/custom_instrumentation/python/otel/
    "ddtrace": "set DD_TRACE_OTEL_ENABLED=true for ddtrace-run",
    # https://docs.newrelic.com/docs/apm/agents/manage-apm-agents/opentelemetry-api-support/
    "newrelic": "set NEW_RELIC_OPENTELEMETRY_ENABLED=true for the New Relic agent",
    # https://docs.sentry.io/platforms/python/integrations/otlp/
    "sentry_sdk": "pass OTLPIntegration() to sentry_sdk.init(integrations=…), "
    "from sentry_sdk.integrations.otlp",
}


# The trace id and the span id of the one span about to start; None is left to chance.
_next: ContextVar[tuple[int | None, int | None]] = ContextVar(
    "linq_otel_next_ids", default=(None, None)
)


class DerivedIds:
    """
    An id generator that gives out derived ids when asked to, random ones else.

    It has the three methods of the SDK's ``IdGenerator``, without importing it.

    Args:
        wrapped: Gives out the random ones.
        sampler: The tracer's, if it is known.

    Attributes:
        keeps_attributes: True if spans have every attribute they were started with.
    """

    def __init__(self, wrapped: Any, sampler: object = None) -> None:
        self.wrapped = wrapped
        self.keeps_attributes = _keeps_attributes(sampler)

    def generate_trace_id(self) -> int:
        """
        Return the trace id asked for, or a random one.
        """
        otel_trace_id, _ = _next.get()
        return int(self.wrapped.generate_trace_id()) if otel_trace_id is None else otel_trace_id

    def generate_span_id(self) -> int:
        """
        Return the span id asked for, or a random one.
        """
        _, span_id = _next.get()
        return int(self.wrapped.generate_span_id()) if span_id is None else span_id

    def is_trace_id_random(self) -> bool:
        """
        Tell whether the W3C random flag may be set: not for a given trace id.
        """
        if _next.get()[0] is not None:
            return False
        is_random = getattr(self.wrapped, "is_trace_id_random", None)
        return bool(is_random and is_random())


class TracerSource:
    """
    Finds the tracer, as late as possible: apps set their provider when they like.

    Args:
        provider: The provider to use; the global one if None.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = None
        self._is_reported = False

    def get(self) -> Tracer | None:
        """
        Return our tracer, or None while the process has no provider at all.
        """
        if self._tracer is None:
            provider = self._provider or trace.get_tracer_provider()
            if isinstance(provider, ProxyTracerProvider):
                if not self._is_reported:
                    self._is_reported = True
                    _report_missing()
                return None
            self._tracer = _own_tracer(provider)
        return self._tracer

    @property
    def is_recording(self) -> bool:
        """
        True if spans are recorded: there is a provider, and it is not switched off.
        """
        tracer = self.get()
        return tracer is not None and not isinstance(tracer, NoOpTracer)

    @property
    def derives_ids(self) -> bool:
        """
        True if span ids can be derived: the tracer is the SDK's.
        """
        return isinstance(getattr(self.get(), "id_generator", None), DerivedIds)

    def is_sampled(self, otel_trace_id: int) -> bool:
        """
        Ask the provider's sampler about a message's trace, as a root.

        Every process with the same sampler answers alike, so a message is
        drawn whole or not at all.
        """
        # An explicit empty context: None would mean the current span's decision.
        return self._asks(Context(), otel_trace_id, a.ANCHOR, SpanKind.INTERNAL)

    def follows(self, parent: SpanContext, name: str, kind: SpanKind) -> bool:
        """
        Tell whether the sampler decides about a child as *parent* says: not all do.
        """
        context = set_span_in_context(NonRecordingSpan(parent), Context())
        return self._asks(context, parent.trace_id, name, kind) == parent.trace_flags.sampled

    def _asks(self, context: Context, otel_trace_id: int, name: str, kind: SpanKind) -> bool:
        sampler = getattr(self.get(), "sampler", None)
        if sampler is None:
            return True
        return bool(sampler.should_sample(context, otel_trace_id, name, kind).decision.is_sampled())


def find_vendor_advice() -> str | None:
    """
    Say how the vendor's tracer in this process gives it a TracerProvider; None without one.
    """
    return next((advice for name, advice in _VENDORS.items() if name in sys.modules), None)


def _report_missing() -> None:
    # Switched off on purpose, there is nothing to complain of.
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    advice = find_vendor_advice() or (
        "call linq_otel.export.configure('jaeger') before instrument(), "
        "or start the app with opentelemetry-instrument"
    )
    report("provider: none", f"no TracerProvider is set, and no span is recorded: {advice}")


def start_span(  # noqa: PLR0913  # The API's own parameters, and two ids.
    tracer: Tracer,
    name: str,
    context: Context | None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = None,
    links: Sequence[Link] = (),
    start_time: int | None = None,
    otel_trace_id: int | None = None,
    span_id: int | None = None,
) -> Span:
    """
    Start a span, with the ids given; *otel_trace_id* counts for a root alone.

    No *context* means the current one.
    """
    token = _next.set((otel_trace_id, span_id))
    try:
        span = tracer.start_span(name, context, kind, attributes, links, start_time)
    finally:
        _next.reset(token)
    generator = getattr(tracer, "id_generator", None)
    if not (isinstance(generator, DerivedIds) and generator.keeps_attributes):
        _restore_attributes(span, attributes)
    return span


def _keeps_attributes(sampler: object) -> bool:
    """
    Tell whether *sampler* is known to answer every attribute of the span it is asked about.

    A sampler may only add attributes (specification, "Trace SDK", "Sampling
    Result"). The SDK takes its answer for all there are, and its own composite
    sampler answers none of a span's (1.45). Those of its sampling module do.
    """
    if type(sampler).__module__ != "opentelemetry.sdk.trace.sampling":
        return False
    parts = vars(sampler).values()
    return all(_keeps_attributes(part) for part in parts if hasattr(part, "should_sample"))


def _restore_attributes(span: Span, attributes: Attributes) -> None:
    """
    Give *span* the attributes it was started with, if its sampler answered none of them.
    """
    kept = getattr(span, "attributes", None)
    if attributes and isinstance(kept, Mapping) and span.is_recording():
        # None of them: where the SDK limits how many there are, some may be gone for good.
        names = cast("Mapping[str, object]", kept).keys()
        if names.isdisjoint(attributes):
            span.set_attributes(attributes)


def _own_tracer(provider: TracerProvider) -> Tracer:
    # Any: whether this is the SDK's Tracer is found out without importing the SDK.
    tracer: Any = provider.get_tracer(SCOPE, __version__, schema_url=SCHEMA_URL)
    generator = getattr(tracer, "id_generator", None)
    if generator is not None and not isinstance(generator, DerivedIds):
        tracer.id_generator = DerivedIds(generator, getattr(tracer, "sampler", None))
    return cast("Tracer", tracer)
