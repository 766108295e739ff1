"""
Which lives are drawn, and by whose tracer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from support.lives import (
    CALL,
    FIRST,
    REQUEST,
    get_origin,
    hashed,
    ids,
    parent_of,
)
from support.scripted_linq import MESSAGE_ID, Reply
from support.sending import send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


class TestSampling:
    @pytest.fixture
    def provider(self, exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
        """Yield a provider that samples the lower half of all trace ids."""
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.5)))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield provider
        provider.shutdown()

    @staticmethod
    def send_under(client: LinqAPIV3, *, sampled: bool) -> None:
        """Send inside a trace of which somebody else has decided."""
        context = trace.SpanContext(
            0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(int(sampled))
        )
        with trace.use_span(trace.NonRecordingSpan(context)):
            send(client)

    @pytest.mark.parametrize(
        ("linq_trace_id", "sampled"),
        [
            ("ff" * 8 + "7f" + "ff" * 7, True),
            ("00" * 8 + "80" + "00" * 7, False),
            ("ff" * 16, False),
        ],
    )
    def test_ratio(
        self,
        *,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        store: MemoryStore,
        linq_trace_id: str,
        sampled: bool,
    ) -> None:
        """The provider's sampler is asked of the life's own trace, whatever the app's is."""
        linq.script(Reply(linq_trace_id=linq_trace_id))
        self.send_under(client, sampled=True)
        names = {CALL, REQUEST} | ({"linq message", "message accepted"} if sampled else set())
        assert {s.name for s in finished()} == names
        lifecycle = get_origin(store, f"message:{MESSAGE_ID}").lifecycle
        assert lifecycle[-2:] == ("01" if sampled else "00")
        links = [link.context.is_valid for link in by_name(finished(), CALL).links]
        assert links == ([True] if sampled else [])

    def test_unsampled_sender(
        self, instrumented: None, client: LinqAPIV3, finished: Finished
    ) -> None:
        """A life may be sampled though its sender is not; no link leads to what is not there."""
        self.send_under(client, sampled=False)
        assert [s.name for s in finished()] == ["linq message", "message accepted"]
        assert by_name(finished(), "linq message").links == ()

    @pytest.mark.parametrize("sampled", [True, False])
    def test_app(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        sampled: bool,
    ) -> None:
        """With `app` the life is sampled as the app's trace is."""
        start(join="app")
        linq.script(Reply(linq_trace_id="01" * 16 if not sampled else "ff" * 16))
        self.send_under(client, sampled=sampled)
        names = {CALL, REQUEST, "linq message", "message accepted"} if sampled else set()
        assert {s.name for s in finished()} == names


class _Vendor(trace.TracerProvider):
    """
    Another vendor's provider: its tracers have no id generator and no sampler.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        tracer = self._provider.get_tracer(*args, **kwargs)

        class Tracer(trace.Tracer):
            start_span = staticmethod(tracer.start_span)
            start_as_current_span = staticmethod(tracer.start_as_current_span)

        return Tracer()


class TestOtherProvider:
    def test_trace(
        self, start: Start, client: LinqAPIV3, finished: Finished, provider: TracerProvider
    ) -> None:
        """Without an id generator the life is in its trace still, under the anchor's id."""
        start(tracer_provider=_Vendor(provider))
        send(client)
        anchor_id = hashed(8, "anchor", FIRST)
        for name in ("linq message", "message accepted"):
            span = by_name(finished(), name)
            assert (ids(span)[0], parent_of(span)) == (FIRST, anchor_id)

    def test_own_generator_alone(
        self, instrumented: None, client: LinqAPIV3, provider: TracerProvider
    ) -> None:
        """Our ids are our tracer's alone: the provider and its other tracers keep theirs."""
        before = provider.id_generator
        send(client)
        assert provider.id_generator is before
        assert provider.get_tracer("app").id_generator is before  # type: ignore[attr-defined]
