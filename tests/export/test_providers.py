from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from linq_otel.export._checks import get_transport
from linq_otel.export._destinations import exports_to
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.export import Export
    from support.otlp_sinks import Sink

    Start = Callable[..., Export]


TRACES_ALONE = {"metrics": False, "logs": False}


@pytest.fixture
def own(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    """
    A provider of the app's, with an export and a name of its own.
    """
    provider = TracerProvider(resource=Resource({"service.name": "app"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


class TestAppsProvider:
    def test_keeps_its_export(
        self, own: TracerProvider, exporter: InMemorySpanExporter, sink: Sink, start: Start
    ) -> None:
        """The app's export goes on; ours gets the same spans, under the app's name."""
        export = start("otlp", endpoint=sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        own.get_tracer("t").start_span("s").end()
        assert export.flush(5)
        assert export.tracer_provider is own
        assert [span.name for span in exporter.get_finished_spans()] == ["s"]
        assert sink.span_names == ["s"]
        assert sink.full[0].resources == [{"service.name": "app"}]

    @pytest.mark.parametrize("compression", ["none", "gzip"])
    def test_wire(
        self,
        own: TracerProvider,
        sink: Sink,
        start: Start,
        compression: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Headers of code and environment arrive, compressed or not."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Team=a%20b")
        headers = {"x-team": "no", "x-more": "c"}
        export = start(
            "otlp", endpoint=sink.endpoint, headers=headers, tracer_provider=own, **TRACES_ALONE
        )
        own.get_tracer("t").start_span("s").end()
        assert export.flush(5)
        (arrival,) = sink.full
        assert arrival.span_names == ["s"]
        assert {name: arrival.headers[name] for name in headers} == {"x-team": "a b", "x-more": "c"}

    def test_is_not_ended(
        self, own: TracerProvider, exporter: InMemorySpanExporter, http_sink: Sink, start: Start
    ) -> None:
        """Our shutdown leaves the app's provider running, with our part in it."""
        start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE).shutdown()
        own.get_tracer("t").start_span("late").end()
        own.force_flush()
        assert [span.name for span in exporter.get_finished_spans()] == ["late"]
        assert http_sink.span_names == ["late"]

    def test_ends_our_part(self, own: TracerProvider, http_sink: Sink, start: Start) -> None:
        """The app's own shutdown sends what ours still held."""
        start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        own.get_tracer("t").start_span("last").end()
        own.shutdown()
        assert http_sink.span_names == ["last"]

    def test_other_vendor(self, http_sink: Sink, start: Start, vendor: object) -> None:
        """Beside one that takes no export, ours is private, and says whom to give it to."""
        export = start(
            "otlp",
            endpoint=http_sink.endpoint,
            tracer_provider=vendor,
            service_name="shop",
            **TRACES_ALONE,
        )
        assert export.tracer_provider is not None
        export.tracer_provider.get_tracer("t").start_span("s").end()
        assert export.flush(5)
        assert http_sink.span_names == ["s"]
        assert (
            f"  traces: to {http_sink.endpoint}/v1/traces, by a private provider, as the app's "
            "own takes no other export: pass it to instrument()"
        ) in export.explain().splitlines()

    def test_metrics(self, http_sink: Sink, start: Start) -> None:
        """A meter provider gets another reader, where its SDK takes one later."""
        own = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
        export = start(
            "otlp", endpoint=http_sink.endpoint, meter_provider=own, traces=False, logs=False
        )
        provider = export.meter_provider
        assert (provider is own) == hasattr(own, "add_metric_reader")
        assert provider is not None
        provider.get_meter("m").create_counter("messages").add(2)
        assert export.flush(5)
        export.shutdown(5)
        names = [
            metric.name
            for group in http_sink.full[0].message.resource_metrics
            for scoped in group.scope_metrics
            for metric in scoped.metrics
        ]
        assert names == ["messages"]
        own.shutdown()

    def test_logs(self, http_sink: Sink, start: Start) -> None:
        """A logger provider gets another processor."""
        own = LoggerProvider(shutdown_on_exit=False)
        export = start(
            "otlp", endpoint=http_sink.endpoint, logger_provider=own, traces=False, metrics=False
        )
        assert export.logger_provider is own
        assert (export.tracer_provider, export.meter_provider) == (None, None)
        own.shutdown()


class TestTwice:
    def test_same_place(self, own: TracerProvider, http_sink: Sink, start: Start) -> None:
        """What is exported to a place is not exported there again."""
        first = start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        again = start("jaeger", endpoint=http_sink.endpoint, tracer_provider=own)
        own.get_tracer("t").start_span("once").end()
        assert (first.is_running, again.is_running) == (True, False)
        assert first.flush(5)
        assert again.flush(5)
        assert http_sink.span_names == ["once"]
        assert (
            f"  traces: to {http_sink.endpoint}/v1/traces, by the app's own provider, which "
            "exports there already: nothing is added"
        ) in again.explain().splitlines()

    def test_other_place(
        self, own: TracerProvider, http_sink: Sink, grpc_sink: Sink, start: Start
    ) -> None:
        """Two places get everything, once each."""
        one = start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        two = start(
            "otlp",
            endpoint=grpc_sink.endpoint,
            protocol="grpc",
            tracer_provider=own,
            **TRACES_ALONE,
        )
        own.get_tracer("t").start_span("s").end()
        assert one.flush(5)
        assert two.flush(5)
        assert (http_sink.span_names, grpc_sink.span_names) == (["s"], ["s"])

    @pytest.mark.parametrize(
        ("theirs", "ours", "is_same"),
        [
            ("http://localhost:4318", "http://127.0.0.1:4318/v1/traces", True),
            ("http://localhost:4317", "http://localhost:4318/v1/traces", True),
            ("http://localhost:4318", "http://collector:4318/v1/traces", False),
            ("http://localhost:5318", "http://localhost:6318/v1/traces", False),
            ("https://api.honeycomb.io", "https://api.honeycomb.io:443", True),
        ],
    )
    def test_places(self, theirs: str, ours: str, is_same: bool) -> None:  # noqa: FBT001
        """Both ports of OTLP at a host are one receiver, under any name of this host."""
        (target,) = make_plan(Wishes("jaeger", theirs), {}).targets
        exporter = get_transport(target.protocol).make_exporter(target)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        assert exports_to(provider, ours) is is_same
        provider.shutdown()

    def test_unreadable(self, own: TracerProvider, vendor: object) -> None:
        """Exports elsewhere, and providers nobody can look into, are no reason to hold back."""
        assert exports_to(own, "http://localhost:4318/v1/traces") is False
        assert exports_to(vendor, "http://localhost:4318/v1/traces") is False


class TestOwnProvider:
    def test_resource(
        self, sink: Sink, start: Start, vendor: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A provider made for the export says which service it is, and which instance."""
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=2,team=orders")
        export = start(
            "otlp",
            endpoint=sink.endpoint,
            tracer_provider=vendor,
            service_name="shop",
            service_version="1",
            resource_attributes={"deployment.environment.name": "test"},
            **TRACES_ALONE,
        )
        assert export.tracer_provider is not None
        tracer = export.tracer_provider.get_tracer("t")
        for _ in range(2):
            tracer.start_span("s").end()
            assert export.flush(5)
        first, second = (arrival.resources for arrival in sink.full)
        assert first == second
        (resource,) = first
        assert resource.pop("service.instance.id")
        assert resource.pop("telemetry.sdk.version")
        assert resource.pop("telemetry.distro.version")
        assert resource == {
            "service.name": "shop",
            "service.version": "2",
            "team": "orders",
            "deployment.environment.name": "test",
            "telemetry.distro.name": "linq-otel",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
        }

    def test_changes(self, http_sink: Sink, start: Start, vendor: object) -> None:
        """Datadog gets counts as changes; whoever says otherwise by a variable is heard."""
        export = start(
            "datadog",
            endpoint=http_sink.endpoint,
            meter_provider=vendor,
            traces=False,
            logs=False,
        )
        assert export.meter_provider is not None
        counter = export.meter_provider.get_meter("m").create_counter("messages")
        for count in (2, 3):
            counter.add(count)
            assert export.flush(5)
        export.shutdown(5)
        values = [
            (point.as_int, metric.sum.aggregation_temporality)
            for arrival in http_sink.full
            for group in arrival.message.resource_metrics
            for scoped in group.scope_metrics
            for metric in scoped.metrics
            for point in metric.sum.data_points
        ]
        assert values == [(2, 1), (3, 1)]  # 1 is delta.


class TestFailures:
    def test_explained_once(
        self,
        own: TracerProvider,
        http_sink: Sink,
        start: Start,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A key that is refused is explained in one line, however many exports fail."""
        http_sink.status = 401
        export = start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        for _ in range(3):
            own.get_tracer("t").start_span("s").end()
            assert not export.flush(5)
        lines = [r.getMessage() for r in caplog.records if r.name == "linq_otel"]
        assert lines == [
            (
                "traces are not exported: the OTLP endpoint refused the key (401): type the right "
                "key: headers={'authorization': …} or OTEL_EXPORTER_OTLP_HEADERS (logged once)"
            )
        ]

    def test_wrong_protocol(
        self,
        own: TracerProvider,
        grpc_sink: Sink,
        start: Start,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """HTTP to a port of gRPC is explained likewise."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        export = start("otlp", endpoint=grpc_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        own.get_tracer("t").start_span("s").end()
        assert not export.flush(10)
        (line,) = [r.getMessage() for r in caplog.records if r.name == "linq_otel"]
        assert line == (
            f"traces are not exported: what listens at {grpc_sink.endpoint}/v1/traces speaks no "
            "http/protobuf (BadStatusLine): type protocol='grpc', or the port where "
            "http/protobuf is spoken, which is mostly 4318 (logged once)"
        )

    def test_what_passes_is_not_explained(
        self,
        own: TracerProvider,
        http_sink: Sink,
        start: Start,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An endpoint that is short of room is left to the exporter, which tries again."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        http_sink.status = 413
        export = start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        own.get_tracer("t").start_span("s").end()
        http_sink.status = 429
        export.flush(10)
        assert [r.getMessage() for r in caplog.records if r.name == "linq_otel"] == []

    def test_flush_is_bounded(self, own: TracerProvider, http_sink: Sink, start: Start) -> None:
        """A flush takes no longer than was said, and says that it did not end."""
        http_sink.gate.clear()
        export = start("otlp", endpoint=http_sink.endpoint, tracer_provider=own, **TRACES_ALONE)
        own.get_tracer("t").start_span("s").end()
        assert export.flush(0.2) is False
        http_sink.gate.set()
        assert export.flush(5) is True
