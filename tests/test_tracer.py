from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracerProvider,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from linq_otel._tracer import SCHEMA_URL, SCOPE, DerivedIds, TracerSource, start_span
from linq_otel._version import __version__
from support.scripts import run_script


if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Span, Tracer


OTEL_TRACE_ID = 0x2EFF5DF5A0C94E1B8D7F6A5B4C3D2E1F
SPAN_ID = 0x163F724CA0DBC42E


def own_tracer(provider: trace.TracerProvider) -> Tracer:
    tracer = TracerSource(provider).get()
    assert tracer is not None
    return tracer


def generator_of(tracer: Any) -> object:
    return tracer.id_generator


def ids(span: Span) -> tuple[int, int]:
    context = span.get_span_context()
    return context.trace_id, context.span_id


def parent(flags: int = 1) -> Context:
    span = SpanContext(OTEL_TRACE_ID, 7, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(span), Context())


class TestStartSpan:
    def test_root_with_given_ids(self, provider: TracerProvider) -> None:
        """A root takes the trace and the span id it is given."""
        span = start_span(
            own_tracer(provider), "a", Context(), otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID
        )
        assert ids(span) == (OTEL_TRACE_ID, SPAN_ID)

    def test_child_with_a_given_id(self, provider: TracerProvider) -> None:
        """A child's trace is its parent's, whatever trace id is given."""
        span = start_span(own_tracer(provider), "a", parent(), otel_trace_id=5, span_id=SPAN_ID)
        assert ids(span) == (OTEL_TRACE_ID, SPAN_ID)

    def test_given_trace_alone(self, provider: TracerProvider) -> None:
        """Two roots of one trace have span ids of their own."""
        tracer = own_tracer(provider)
        first, second = (
            start_span(tracer, "a", Context(), otel_trace_id=OTEL_TRACE_ID) for _ in range(2)
        )
        assert ids(first)[0] == ids(second)[0] == OTEL_TRACE_ID
        assert ids(first)[1] != ids(second)[1]

    def test_ids_are_used_once(self, provider: TracerProvider) -> None:
        """The span after it has random ids again."""
        tracer = own_tracer(provider)
        start_span(tracer, "a", Context(), otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID)
        later = ids(tracer.start_span("b", Context()))
        assert later[0] != OTEL_TRACE_ID
        assert later[1] != SPAN_ID

    def test_ids_are_forgotten_after_a_failure(self, provider: TracerProvider) -> None:
        """A span that could not be started leaves no ids behind."""
        tracer = own_tracer(provider)
        nonsense: Any = object()
        with pytest.raises(AttributeError):
            start_span(tracer, "a", nonsense, otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID)
        assert ids(tracer.start_span("b", Context()))[1] != SPAN_ID

    def test_all_that_it_is_told(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Kind, attributes, links and time reach the span."""
        link = trace.Link(SpanContext(1, 2, is_remote=True))
        span = start_span(
            own_tracer(provider),
            "a",
            Context(),
            kind=SpanKind.CONSUMER,
            attributes={"linq.link": "send"},
            links=[link],
            start_time=5,
            span_id=SPAN_ID,
        )
        span.end(9)
        (seen,) = exporter.get_finished_spans()
        assert (seen.kind, seen.attributes, list(seen.links), seen.start_time, seen.end_time) == (
            SpanKind.CONSUMER,
            {"linq.link": "send"},
            [link],
            5,
            9,
        )


class TestProvider:
    def test_others_keep_random_ids(self, provider: TracerProvider) -> None:
        """A tracer of the same provider is not touched, made before ours or after."""
        before = provider.get_tracer("app")
        own_tracer(provider)
        after = provider.get_tracer("another")
        generators = [provider.id_generator, generator_of(before), generator_of(after)]
        assert [isinstance(generator, DerivedIds) for generator in generators] == [False] * 3

    def test_others_during_ours(self, exporter: InMemorySpanExporter) -> None:
        """A span another instrumentation starts while ours starts has random ids."""

        class Curious(SpanProcessor):
            def on_start(self, span: Any, parent_context: Context | None = None) -> None:
                if span.name == "ours":
                    app.start_span("theirs", Context()).end()

        provider = TracerProvider()
        provider.add_span_processor(Curious())
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        app = provider.get_tracer("app")
        start_span(
            own_tracer(provider), "ours", Context(), otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID
        )
        (theirs,) = exporter.get_finished_spans()
        assert theirs.context.trace_id != OTEL_TRACE_ID
        assert theirs.context.span_id != SPAN_ID
        provider.shutdown()

    def test_asked_twice(self, provider: TracerProvider) -> None:
        """Two sources on one provider do not wrap its generator twice."""
        own_tracer(provider)
        generator = generator_of(own_tracer(provider))
        assert isinstance(generator, DerivedIds)
        assert not isinstance(generator.wrapped, DerivedIds)

    def test_scope(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        """Spans say who drew them, and by which conventions."""
        own_tracer(provider).start_span("a").end()
        (scope,) = [span.instrumentation_scope for span in exporter.get_finished_spans()]
        assert scope is not None
        assert (scope.name, scope.version, scope.schema_url) == (SCOPE, __version__, SCHEMA_URL)

    def test_generator_of_an_app(self) -> None:
        """A generator the app chose makes the ids that are not derived."""

        class Counting:
            def generate_trace_id(self) -> int:
                return 11

            def generate_span_id(self) -> int:
                return 12

            def is_trace_id_random(self) -> bool:
                return False

        generator: Any = Counting()
        provider = TracerProvider(id_generator=generator)
        tracer = own_tracer(provider)
        assert ids(tracer.start_span("a", Context())) == (11, 12)
        assert ids(start_span(tracer, "b", Context(), span_id=SPAN_ID)) == (11, SPAN_ID)
        provider.shutdown()

    def test_generator_of_an_older_sdk(self) -> None:
        """A generator that knows nothing of the random flag never sets it."""

        class Old:
            def generate_trace_id(self) -> int:
                return 11

            def generate_span_id(self) -> int:
                return 12

        assert not DerivedIds(Old()).is_trace_id_random()


class TestRandomFlag:
    def test_of_a_derived_trace(self, provider: TracerProvider) -> None:
        """A trace id that was derived is not announced as random."""
        tracer = own_tracer(provider)
        span = start_span(tracer, "a", Context(), otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID)
        assert span.get_span_context().trace_flags == TraceFlags.SAMPLED

    def test_of_a_random_trace(self, provider: TracerProvider) -> None:
        """A root of our own, with a derived span id or none, says what the SDK would say."""
        tracer = own_tracer(provider)
        expected = provider.get_tracer("app").start_span("a", Context()).get_span_context()
        for span in (tracer.start_span("a", Context()), start_span(tracer, "a", Context())):
            assert span.get_span_context().trace_flags == expected.trace_flags
        span = start_span(tracer, "a", Context(), span_id=SPAN_ID)
        assert span.get_span_context().trace_flags == expected.trace_flags

    @pytest.mark.parametrize("flags", [0x01, 0x03])
    def test_of_a_child(self, provider: TracerProvider, flags: int) -> None:
        """A child says what its parent said."""
        theirs = provider.get_tracer("app").start_span("a", parent(flags)).get_span_context()
        ours = start_span(own_tracer(provider), "a", parent(flags), span_id=SPAN_ID)
        assert ours.get_span_context().trace_flags == theirs.trace_flags


class Remembering(Sampler):
    """Samples everything, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        *args: Any,
        **kwargs: Any,
    ) -> SamplingResult:
        """Answer as the SDK's default does."""
        self.asked.append((parent_context, trace_id, name, *args))
        return ParentBased(TraceIdRatioBased(1)).should_sample(parent_context, trace_id, name)

    def get_description(self) -> str:
        """Name it."""
        return "remembering"


class TestIsSampled:
    def test_asked_as_a_root(self) -> None:
        """The question is about a root named ``linq message``, and nothing else."""
        sampler = Remembering()
        provider = TracerProvider(sampler=sampler)
        assert TracerSource(provider).is_sampled(OTEL_TRACE_ID)
        assert sampler.asked == [(Context(), OTEL_TRACE_ID, "linq message", SpanKind.INTERNAL)]
        provider.shutdown()

    @pytest.mark.parametrize("flags", [0, 1])
    @pytest.mark.parametrize("ratio", [0.0, 1.0])
    def test_ignores_the_ambient_span(self, flags: int, ratio: float) -> None:
        """The decision is the trace's own, whatever request is under way."""
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)))
        ambient = SpanContext(9, 9, is_remote=True, trace_flags=TraceFlags(flags))
        with trace.use_span(NonRecordingSpan(ambient)):
            assert TracerSource(provider).is_sampled(OTEL_TRACE_ID) is (ratio == 1)
        provider.shutdown()

    def test_every_process_answers_alike(self) -> None:
        """Two providers with one ratio decide each trace the same way, and not all alike."""
        providers = [TracerProvider(sampler=TraceIdRatioBased(0.5)) for _ in range(2)]
        answers = [
            [TracerSource(provider).is_sampled(n * 2**56) for n in range(256)]
            for provider in providers
        ]
        assert answers[0] == answers[1]
        assert set(answers[0]) == {True, False}
        for provider in providers:
            provider.shutdown()

    def test_nothing_is_sampled(self) -> None:
        """A sampler that is off is off."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        assert not TracerSource(provider).is_sampled(OTEL_TRACE_ID)
        provider.shutdown()


class VendorTracer(trace.Tracer):
    """A tracer that is not the SDK's: it has neither generator nor sampler."""

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:
        """Start a span whose id it alone chooses."""
        found = trace.get_current_span(context).get_span_context()
        return NonRecordingSpan(SpanContext(found.trace_id or 11, 12, is_remote=False))

    def start_as_current_span(self, *_: Any, **__: Any) -> Any:
        """Nobody here calls it."""
        raise NotImplementedError


class VendorProvider(trace.TracerProvider):
    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        """Return its own tracer."""
        return VendorTracer()


class TestOtherProviders:
    def test_vendor(self) -> None:
        """Another vendor's tracer keeps its ids, and the trace a parent names."""
        source = TracerSource(VendorProvider())
        tracer = source.get()
        assert tracer is not None
        assert not source.derives_ids
        assert source.is_sampled(OTEL_TRACE_ID)
        root = start_span(tracer, "a", Context(), otel_trace_id=OTEL_TRACE_ID, span_id=SPAN_ID)
        child = start_span(tracer, "a", parent(), span_id=SPAN_ID)
        assert (ids(root), ids(child)) == ((11, 12), (OTEL_TRACE_ID, 12))

    def test_no_op(self) -> None:
        """A provider that draws nothing is asked, and draws nothing."""
        source = TracerSource(NoOpTracerProvider())
        tracer = source.get()
        assert tracer is not None
        assert not start_span(tracer, "a", Context(), span_id=SPAN_ID).is_recording()

    def test_sdk(self, provider: TracerProvider) -> None:
        """The SDK's own tracer can be told ids."""
        assert TracerSource(provider).derives_ids

    def test_api_alone(self) -> None:
        """Without any provider there is no tracer, no derived ids and no SDK."""
        code = """
            import sys
            from linq_otel._tracer import TracerSource

            source = TracerSource()
            print(source.get(), source.derives_ids, "opentelemetry.sdk" in sys.modules)
        """
        assert run_script(code) == "None False False\n"

    def test_provider_set_later(self) -> None:
        """A provider the app sets after the first question is found by the next."""
        code = """
            from linq_otel._tracer import TracerSource
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider

            source = TracerSource()
            before = source.get()
            trace.set_tracer_provider(TracerProvider())
            print(before, source.get() is source.get(), source.derives_ids)
        """
        assert run_script(code) == "None True True\n"

    def test_disabled_sdk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``OTEL_SDK_DISABLED`` draws nothing and breaks nothing."""
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        source = TracerSource(TracerProvider())
        tracer = source.get()
        assert tracer is not None
        assert not start_span(tracer, "a", Context(), span_id=SPAN_ID).is_recording()
        assert not source.derives_ids
