"""
Looking at spans for as long as a block lasts, on the app's own provider where it has one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from linq_otel._everything import instrument, uninstrument
from linq_otel.errors import ConfigurationError
from linq_otel.instrumentor import LinqInstrumentor
from linq_otel.testing._spans._collected import LinqSpans
from linq_otel.testing._spans._collecting import Collection, attachments
from linq_otel.testing._spans._counted_ids import CountedIds
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor


if TYPE_CHECKING:
    from collections.abc import Generator


def find_provider() -> TracerProvider:
    """
    Return the app's tracer provider: the global one, which is made if there is none.

    A global provider of another make cannot be looked into; the one returned then is not global.
    """
    found = trace.get_tracer_provider()
    if isinstance(found, TracerProvider):
        return found
    provider = TracerProvider(shutdown_on_exit=False)
    if isinstance(found, trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)
    return provider


@contextmanager
def open_spans(
    tracer_provider: TracerProvider | None = None, **options: Any
) -> Generator[LinqSpans, None, None]:
    """
    Collect spans, with everything of this package instrumented, while the block lasts.

    An app that is instrumented already is left as it is, before and after.

    Args:
        tracer_provider: The provider to look at; by default the global one, which is made if there
            is none.
        **options: As for :func:`linq_otel.instrument`.

    Raises:
        ConfigurationError: An option is wrong, or there are any and the app is instrumented
            already.
    """
    provider = tracer_provider or find_provider()
    attachments.ids(provider)  # Now, as tracers keep the generator they are made with.
    collector, collection = attachments.collector(provider), Collection()
    collector.collections = (*collector.collections, collection)
    try:
        with _instrumented(provider, options):
            yield LinqSpans(provider, collection)
    finally:
        kept = (one for one in collector.collections if one is not collection)
        collector.collections = tuple(kept)


@contextmanager
def open_ids(tracer_provider: TracerProvider | None = None) -> Generator[CountedIds, None, None]:
    """
    Count OpenTelemetry ids from 1 while the block lasts.

    Args:
        tracer_provider: The provider whose spans get them; by default the global one, which is made
            if there is none. Tracers it has made before keep their ids.
    """
    switched = attachments.ids(tracer_provider or find_provider())
    before, switched.counted = switched.counted, CountedIds()
    try:
        yield switched.counted
    finally:
        switched.counted = before


@contextmanager
def _instrumented(provider: TracerProvider, options: dict[str, Any]) -> Generator[None, None, None]:
    instrumentors = (LinqInstrumentor(), LinqWebhooksInstrumentor())
    if any(one.is_instrumented_by_opentelemetry for one in instrumentors):
        if options:
            names = ", ".join(sorted(options))
            raise ConfigurationError(f"instrumented already, so that {names} would not count")
        yield
        return
    instrument(tracer_provider=provider, **options)
    try:
        yield
    finally:
        uninstrument()
