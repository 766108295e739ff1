from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider

from linq_otel.errors import ConfigurationError
from linq_otel.export import configure, configure_from_environment
from support.scripts import run_script
from support.timing import timed


if TYPE_CHECKING:
    from support.otlp_sinks import Sink


HONEYCOMB = """\
Export to Honeycomb
  traces: to https://api.eu1.honeycomb.io/v1/traces, by a provider made for it, now the global one
    chosen by: honeycomb's region 'eu'; http/protobuf by honeycomb's default
    headers: x-honeycomb-team (their values are not shown)
    compression: gzip
  metrics: not exported: metrics=False
  logs: not exported: OTEL_LOGS_EXPORTER=none
  service.name: shop
  The same without code:
    OTEL_EXPORTER_OTLP_ENDPOINT=https://api.eu1.honeycomb.io
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=<yours>
    OTEL_METRICS_EXPORTER=none
    OTEL_LOGS_EXPORTER=none
"""
DATADOG = """\
Export to the Datadog Agent
  traces: to http://localhost:4317, by a provider made for it, now the global one
    chosen by: datadog's default; grpc by protocol=
  metrics: to http://localhost:4317, by a provider made for it, now the global one
    chosen by: datadog's default; grpc by protocol=
  logs: not exported: logs=False
  service.name: unknown_service: type service_name=… or set OTEL_SERVICE_NAME
  spans older than 18 hours are not taken \
(https://docs.datadoghq.com/tracing/troubleshooting/)
  gRPC is not safe across a fork: under gunicorn --preload use http/protobuf
  The same without code:
    OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317
    OTEL_EXPORTER_OTLP_PROTOCOL=grpc
    OTEL_LOGS_EXPORTER=none
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta
"""
SWITCHED_OFF = """\
Export to Jaeger
  traces: not exported: OTEL_SDK_DISABLED=true
  metrics: not exported: OTEL_SDK_DISABLED=true
  logs: not exported: OTEL_SDK_DISABLED=true
"""


class TestGlobals:
    def test_none_yet(self, http_sink: Sink) -> None:
        """Where the app has no provider, what is made for the export becomes the global one."""
        code = """
            import sys
            from opentelemetry import metrics, trace
            from linq_otel.export import configure

            export = configure("otlp", endpoint=sys.argv[1], service_name="shop")
            assert trace.get_tracer_provider() is export.tracer_provider
            assert metrics.get_meter_provider() is export.meter_provider
            with trace.get_tracer("t").start_as_current_span("order"):
                metrics.get_meter("m").create_counter("orders").add(1)
            # Not flushed: what is held back leaves when the process ends.
        """
        assert run_script(code, http_sink.endpoint) == ""
        assert sorted(arrival.path for arrival in http_sink.full) == ["/v1/metrics", "/v1/traces"]
        instances = {a.resources[0]["service.instance.id"] for a in http_sink.full}
        assert len(instances) == 1
        assert {a.resources[0]["service.name"] for a in http_sink.full} == {"shop"}

    def test_beside_the_apps(self, http_sink: Sink, grpc_sink: Sink) -> None:
        """Where it has one, that stays the global one and exports where it did."""
        code = """
            import sys
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from linq_otel.export import configure

            own = TracerProvider()
            own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[1])))
            trace.set_tracer_provider(own)
            export = configure("jaeger", endpoint=sys.argv[2])
            assert export.tracer_provider is trace.get_tracer_provider() is own
            trace.get_tracer("t").start_span("order").end()
            print(export.explain().splitlines()[1].partition(", ")[2])
        """
        said = run_script(code, grpc_sink.endpoint, http_sink.endpoint)
        assert said == "beside what the app's own provider exports\n"
        assert (grpc_sink.span_names, http_sink.span_names) == (["order"], ["order"])

    def test_switched_off(self) -> None:
        """Where the environment switches everything off, nothing is made."""
        code = """
            import os, threading
            os.environ["OTEL_SDK_DISABLED"] = "true"
            from opentelemetry import trace
            from linq_otel.export import configure

            export = configure("jaeger")
            print(export.explain())
            assert (export.is_running, export.tracer_provider) == (False, None)
            assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
            assert export.flush() and threading.active_count() == 1
        """
        assert run_script(code) == SWITCHED_OFF

    def test_explains(self) -> None:
        """What was chosen is told with who chose it, and keys are not."""
        code = """
            import os
            os.environ["OTEL_LOGS_EXPORTER"] = "none"
            from linq_otel.export import configure

            key = "hcaik_01secret"
            export = configure(
                "honeycomb", api_key=key, region="eu", metrics=False, service_name="shop"
            )
            print(export.explain())
            assert key not in repr(export) + str(export._plan) + str(export._outlets)
        """
        assert run_script(code) == HONEYCOMB

    def test_explains_more(self) -> None:
        """Late spans, gRPC's trouble with forks, a missing name: what is worth knowing is told."""
        code = """
            from linq_otel.export import configure

            print(configure("datadog", protocol="grpc", logs=False).explain())
        """
        assert run_script(code) == DATADOG

    def test_signals_apart(self, http_sink: Sink) -> None:
        """Endpoints of single signals are enough, and are what would say the same without code."""
        code = """
            import os, sys
            os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = sys.argv[1] + "/v1/traces"
            os.environ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = "http://localhost:9/logs"
            os.environ["OTEL_LOGS_EXPORTER"] = "none"
            from opentelemetry import trace
            from linq_otel.export import configure
            from linq_otel.export._explaining import find_variables
            from linq_otel.export._plans import make_plan
            from linq_otel.export._wishes import Wishes

            export = configure()
            trace.get_tracer("t").start_span("order").end()
            print(export.flush())
            del os.environ["OTEL_LOGS_EXPORTER"]
            for name, value in find_variables(make_plan(Wishes(), os.environ)).items():
                print(name, value.replace(sys.argv[1], ""))
        """
        assert run_script(code, http_sink.endpoint).splitlines() == [
            "True",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT /v1/traces",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL http/protobuf",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT http://localhost:9/logs",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL http/protobuf",
            "OTEL_METRICS_EXPORTER none",
        ]
        assert http_sink.span_names == ["order"]

    def test_variable_of_the_sdk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the SDK refuses is a ConfigurationError that names the variable."""
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
        with pytest.raises(ConfigurationError) as caught:
            configure("jaeger", tracer_provider=TracerProvider())
        assert str(caught.value) == (
            "OpenTelemetry cannot export traces, as max_export_batch_size must be less than or "
            "equal to max_queue_size: correct OTEL_BSP_MAX_QUEUE_SIZE"
        )

    def test_documented(self) -> None:
        """The page on backends shows what is really said."""
        code = """
            from linq_otel.export import configure

            print(configure("jaeger").explain())
        """
        page = Path(__file__).parents[2].joinpath("docs/backends.md").read_text(encoding="utf-8")
        assert f"```\n{run_script(code)}```" in page


class TestForks:
    CODE = """
        import os, sys, time
        from opentelemetry import metrics, trace
        from linq_otel.export import configure

        export = configure(
            "otlp", endpoint=sys.argv[1], protocol=sys.argv[2], service_name="shop"
        )
        tracer = trace.get_tracer("t")
        counter = metrics.get_meter("m").create_counter("orders")
        tracer.start_span("held back by the parent").end()
        for number in range(2):
            if os.fork() == 0:
                counter.add(1)
                tracer.start_span(f"worker {number}").end()
                # As a worker of gunicorn ends: with what was to be called then.
                sys.exit()
        for _ in range(2):
            assert os.wait()[1] == 0
        tracer.start_span("parent").end()
    """

    def test_workers(self, http_sink: Sink) -> None:
        """Each worker exports what is its own, once, as an instance of its own."""
        run_script(self.CODE, http_sink.endpoint, "http/protobuf")
        names = {
            arrival.resources[0]["service.instance.id"]: arrival.span_names
            for arrival in http_sink.full
            if arrival.path == "/v1/traces"
        }
        assert sorted(names.values()) == [
            ["held back by the parent", "parent"],
            ["worker 0"],
            ["worker 1"],
        ]
        metrics = [
            arrival.resources[0]["service.instance.id"]
            for arrival in http_sink.full
            if arrival.path == "/v1/metrics"
        ]
        assert set(metrics) < set(names)
        assert len(metrics) == len(set(metrics)) == 2


class TestExit:
    def test_is_bounded(self, http_sink: Sink) -> None:
        """An endpoint that answers nothing keeps no process from ending."""
        http_sink.gate.clear()
        code = """
            import sys
            from opentelemetry import trace
            from linq_otel.export import _export, configure

            export = configure("otlp", endpoint=sys.argv[1], metrics=False, logs=False)
            trace.get_tracer("t").start_span("order").end()
            export.shutdown(0.3)
        """
        with timed() as timing:
            run_script(code, http_sink.endpoint)
        assert timing.net < 8

    def test_explains_at_the_end(self, http_sink: Sink) -> None:
        """A script that ends before anything was sent is told of a wrong key, too."""
        http_sink.status = 403
        code = """
            import logging, sys
            logging.basicConfig(stream=sys.stdout, format="%(name)s: %(message)s")
            from opentelemetry import trace
            from linq_otel.export import configure

            configure("otlp", endpoint=sys.argv[1], metrics=False, logs=False)
            trace.get_tracer("t").start_span("order").end()
        """
        said = run_script(code, http_sink.endpoint)
        assert [line for line in said.splitlines() if line.startswith("linq_otel: ")] == [
            (
                "linq_otel: traces are not exported: the OTLP endpoint refused the key (403): type "
                "the right key: headers={'authorization': …} or OTEL_EXPORTER_OTLP_HEADERS "
                "(logged once)"
            )
        ]


class TestConfigureFromEnvironment:
    def test_nothing_said(self) -> None:
        """Without the variable, nothing happens."""
        assert configure_from_environment() is None

    def test_said(self, http_sink: Sink) -> None:
        """With it, the export is that of the call."""
        code = """
            import os, sys
            os.environ["OTEL_PYTHON_LINQ_BACKEND"] = "jaeger"
            os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sys.argv[1]
            from opentelemetry import trace
            from linq_otel.export import configure_from_environment

            print(configure_from_environment().backend)
            trace.get_tracer("t").start_span("order").end()
        """
        assert run_script(code, http_sink.endpoint) == "jaeger\n"
        assert http_sink.span_names == ["order"]

    def test_mistake(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A mistake is one line in the log: the app starts."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_BACKEND", "honeycomb")
        assert configure_from_environment() is None
        assert [record.getMessage() for record in caplog.records] == [
            (
                "nothing is exported: Honeycomb needs a key: type api_key=… (or set "
                "HONEYCOMB_API_KEY); see https://docs.honeycomb.io/send-data/opentelemetry/ "
                "(logged once)"
            )
        ]
