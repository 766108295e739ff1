from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import NoOpTracerProvider
from opentelemetry.trace import TracerProvider as ApiTracerProvider

from linq_otel import LinqInstrumentor
from linq_otel.doctor import _providers, examine
from linq_otel.doctor._findings import tell
from support.findings import in_environment, pick


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.sampling import SamplingResult as Result

    from linq_otel.doctor import Finding


JAEGER = "linq_otel.export.configure('jaeger') before instrument()"
DETECTED = "export OTEL_SERVICE_NAME=shop"
OF_SDK = "instrument(tracer_provider=…) with a TracerProvider of the SDK"


class OtherVendor(ApiTracerProvider):
    """A provider that has nothing of the SDK's."""

    def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
        """Return a tracer that takes no id generator."""
        return NoOpTracerProvider().get_tracer("other")


class OwnSampler(Sampler):
    """A sampler the doctor has never heard of."""

    def should_sample(self, *args: Any, **kwargs: Any) -> Result:
        """Record everything."""
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        """Say what no other sampler says."""
        return "Ours"


@pytest.fixture
def quiet(exporter: InMemorySpanExporter) -> Iterator[list[TracerProvider]]:
    """Shut down every provider that the test puts here."""
    made: list[TracerProvider] = []
    yield made
    for each in made:
        each.shutdown()


def live(provider: ApiTracerProvider, **environ: str) -> list[Finding]:
    return examine(environ=environ, is_live=True, tracer_provider=provider)


class TestProvider:
    def test_unseen(self) -> None:
        """Without an app, only the environment is known, and that is said."""
        assert in_environment("otel.provider", "otel.ids") == [
            ("otel.provider.unseen", "note", "linq-otel doctor --import yourapp.main:app")
        ]

    def test_missing(self) -> None:
        """An app without a provider loses every span."""
        assert pick(examine(environ={}, is_live=True), "otel.provider") == [
            (
                "otel.provider.missing",
                "problem",
                (
                    "linq_otel.export.configure('jaeger') before instrument(), "
                    "or opentelemetry-instrument python app.py"
                ),
            )
        ]

    def test_of_the_sdk(self, provider: TracerProvider) -> None:
        """The SDK's takes derived ids."""
        assert [f for f in live(provider) if f.code in {"otel.provider", "otel.ids"}] == [
            tell("otel.provider", "the provider is opentelemetry.sdk.trace.TracerProvider"),
            tell("otel.ids", "span ids are derived: a webhook delivered twice writes one span"),
        ]

    def test_of_another_vendor(self) -> None:
        """Another vendor's does not, and is left in peace."""
        assert pick(live(OtherVendor()), "otel.provider", "otel.ids", "otel.proc", "export") == [
            ("otel.provider.foreign", "warning", f"{OF_SDK}, or leave it as it is"),
            ("otel.ids.random", "warning", OF_SDK),
        ]

    def test_disabled(self) -> None:
        """One variable switches everything off, whatever the code says."""
        assert in_environment("otel.disabled", OTEL_SDK_DISABLED="True") == [
            ("otel.disabled", "problem", "unset OTEL_SDK_DISABLED")
        ]

    def test_instrumentors_left_out(self) -> None:
        """Another leaves ours out."""
        variable = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
        assert in_environment("otel.instr", **{variable: "redis, linq"}) == [
            ("otel.instrumentor.off", "warning", f"take linq out of {variable}")
        ]

    def test_of_the_instrumented_app(self, provider: TracerProvider) -> None:
        """What the app gave to `instrument()` is what is examined."""
        LinqInstrumentor().instrument(tracer_provider=provider, join="app")
        try:
            found = examine(environ={})
        finally:
            LinqInstrumentor().uninstrument()
        assert [f.title for f in found if f.code in {"otel.ids", "linq.seams"}] == [
            "span ids are derived: a webhook delivered twice writes one span",
            "all 10 methods are patched",
        ]
        assert [f.code for f in found if f.area == "Webhooks" and f.code.startswith("join")] == [
            "join.unshared"
        ]

    def test_two(self, provider: TracerProvider, quiet: list[TracerProvider]) -> None:
        """One given to `instrument()` and another that is global part each trace."""
        quiet.append(
            TracerProvider(
                sampler=TraceIdRatioBased(0.25), resource=Resource({"service.name": "shop"})
            )
        )
        trace.set_tracer_provider(quiet[0])
        found = live(provider)
        assert [f for f in found if f.code == "otel.provider.two"] == [
            tell(
                "otel.provider.two",
                "instrument() was given a TracerProvider (InMemorySpanExporter, no "
                "service.name), and another one is global (no exporter, service.name shop, "
                "sampler TraceIdRatioBased{0.25})",
                detail="The spans of linq_otel go by the first, those of the app and its "
                "frameworks by the second: each backend gets a part of a trace.",
                remedy="instrument() without tracer_provider=, or with the global one",
            )
        ]
        assert [f.title for f in found if f.code.startswith("otel.sampler")] == [
            "the provider's sampler records every trace",
            "the global provider's sampler records 0.25 of all traces",
        ]

    def test_one_wrapped(self, provider: TracerProvider) -> None:
        """One that is given is the global one, if that is a wrapper of it."""

        class Wrapper(ApiTracerProvider):
            def __init__(self, wrapped: TracerProvider) -> None:
                self.provider = wrapped

            def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
                return self.provider.get_tracer(*args, **kwargs)

        trace.set_tracer_provider(Wrapper(provider))
        assert [c for c, _, _ in pick(live(provider), "otel.provider")] == ["otel.provider"]

    def test_idle(
        self,
        provider: TracerProvider,
        quiet: list[TracerProvider],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """One that was refused, since another had been set, is told; what is not set up is not."""
        exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces")
        quiet += [TracerProvider(), TracerProvider(sampler=ALWAYS_OFF), TracerProvider()]
        quiet[0].add_span_processor(BatchSpanProcessor(exporter))
        ended = TracerProvider()
        ended.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://h/v1")))
        ended.shutdown()
        monkeypatch.setattr(_providers, "list_instances", lambda _: [*quiet, ended, provider])
        found = [f for f in live(provider) if f.code == "otel.provider.idle"]
        assert [(f.title, f.severity, f.remedy) for f in found] == [
            (
                (
                    "a TracerProvider is set up that is neither global nor given to instrument(): "
                    f"{what}, no service.name{more}"
                ),
                "warning",
                "trace.set_tracer_provider(…) before configure(), which adds its export to it",
            )
            for what, more in (
                ("OTLPSpanExporter to http://127.0.0.1:9/v1/traces", ""),
                ("no exporter", ", sampler AlwaysOffSampler"),
            )
        ]


class TestProcessors:
    def test_none(self, quiet: list[TracerProvider]) -> None:
        """A provider without a processor exports nothing."""
        quiet.append(TracerProvider())
        assert pick(live(quiet[0]), "otel.processor") == [
            ("otel.processor.none", "problem", JAEGER)
        ]

    def test_in_memory(self, provider: TracerProvider) -> None:
        """A simple processor is right where spans stay in the process; nobody can ask it."""
        assert pick(live(provider), "otel.processor", "export") == [
            ("otel.processor", "ok", ""),
            ("export.other", "note", ""),
        ]


class TestSampler:
    @pytest.mark.parametrize(
        ("sampler", "expected"),
        [
            (None, [("otel.sampler", "ok", "")]),
            (TraceIdRatioBased(1.0), [("otel.sampler", "ok", "")]),
            (
                ParentBased(TraceIdRatioBased(0.25)),
                [
                    (
                        "otel.sampler.ratio",
                        "warning",
                        (
                            "export OTEL_TRACES_SAMPLER=parentbased_always_on, or the same "
                            "OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG=0.25 "
                            "where webhooks arrive"
                        ),
                    )
                ],
            ),
            (
                ALWAYS_OFF,
                [
                    (
                        "otel.sampler.off",
                        "problem",
                        "export OTEL_TRACES_SAMPLER=parentbased_always_on",
                    )
                ],
            ),
            (OwnSampler(), [("otel.sampler.custom", "note", "")]),
        ],
    )
    def test_of_the_provider(
        self, quiet: list[TracerProvider], sampler: Sampler | None, expected: list[object]
    ) -> None:
        """The provider's sampler is judged by what it says of itself."""
        quiet.append(TracerProvider(sampler=sampler))
        assert pick(live(quiet[0]), "otel.sampler") == expected

    @pytest.mark.parametrize(
        ("name", "argument", "codes"),
        [
            ("always_on", "", ["otel.sampler"]),
            ("parentbased_always_off", "", ["otel.sampler.off"]),
            ("traceidratio", "0.1", ["otel.sampler.ratio"]),
            ("traceidratio", "0", ["otel.sampler.off"]),
            ("traceidratio", "a tenth", ["otel.sampler", "otel.sampler.invalid"]),
            ("sometimes", "", ["otel.sampler.invalid"]),
            ("", "0.1", []),
        ],
    )
    def test_of_the_environment(self, name: str, argument: str, codes: list[str]) -> None:
        """Without an app, the variables are."""
        variables = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
        assert [c for c, _, _ in in_environment("otel.sampler", **variables)] == codes


class TestService:
    def test_named(self, quiet: list[TracerProvider]) -> None:
        """A resource names the service."""
        quiet.append(TracerProvider(resource=Resource({"service.name": "shop"})))
        assert [f.title for f in live(quiet[0]) if f.code == "otel.service"] == [
            "service.name is shop"
        ]

    def test_unknown(self, quiet: list[TracerProvider]) -> None:
        """What the SDK makes up is no name."""
        quiet.append(TracerProvider(resource=Resource({"service.name": "unknown_service:x"})))
        assert pick(live(quiet[0]), "otel.service") == [
            ("otel.service.unknown", "warning", DETECTED)
        ]

    def test_of_the_environment(self) -> None:
        """The environment may name it in either of two variables; else its export says nothing."""
        off = {"OTEL_TRACES_EXPORTER": "none", "OTEL_PYTHON_LINQ_BACKEND": "jaeger"}
        assert [
            [c for c, _, _ in in_environment("otel.service", **environ)]
            for environ in (
                {"OTEL_SERVICE_NAME": "shop"},
                {"OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=shop"},
                {**off, "OTEL_SDK_DISABLED": "true"},
                {},
            )
        ] == [["otel.service"], ["otel.service"], ["otel.service.unknown"], ["otel.service.unset"]]


class TestPropagators:
    def test_w3c(self) -> None:
        """The default is right."""
        assert in_environment("otel.prop") == [("otel.propagators", "ok", "")]

    def test_others(self) -> None:
        """Without W3C's, the app's own services are not joined."""
        before = get_global_textmap()
        set_global_textmap(CompositePropagator([]))
        try:
            found = in_environment("otel.prop")
        finally:
            set_global_textmap(before)
        assert found == [
            (
                "otel.propagators.other",
                "warning",
                "export OTEL_PROPAGATORS=tracecontext,baggage",
            )
        ]


class TestSimple:
    def test_to_an_endpoint(self, quiet: list[TracerProvider]) -> None:
        """An export in the request that ends a span makes that request wait."""

        class SlowExporter(InMemorySpanExporter):
            """Stands for any that is not in memory."""

        quiet.append(TracerProvider())
        quiet[0].add_span_processor(SimpleSpanProcessor(SlowExporter()))
        assert pick(live(quiet[0]), "otel.processor") == [
            (
                "otel.processor.simple",
                "warning",
                "provider.add_span_processor(BatchSpanProcessor(SlowExporter(…)))",
            )
        ]
