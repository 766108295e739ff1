from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel.doctor import examine
from linq_otel.doctor._exports import read_exports
from linq_otel.doctor._findings import tell
from linq_otel.doctor._scene import look
from linq_otel.export import configure
from support.findings import in_environment, pick
from support.otlp_processes import find_free_ports
from support.otlp_sinks import open_grpc_sink, open_http_sink
from support.timing import timed


if TYPE_CHECKING:
    from linq_otel.doctor import Finding


KEY = "Bearer do-not-show-me"
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
OTHERS_OFF = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def live(provider: TracerProvider) -> list[Finding]:
    try:
        return [
            f
            for f in examine(environ={}, is_live=True, tracer_provider=provider)
            if f.code.startswith(("export", "otel.processor"))
        ]
    finally:
        provider.shutdown()


class TestEnvironment:
    def test_unset(self) -> None:
        """Nothing says where to export to."""
        assert in_environment("export") == [
            (
                "export.unset",
                "note",
                "export OTEL_PYTHON_LINQ_BACKEND=jaeger, or linq_otel.export.configure('jaeger')",
            )
        ]

    def test_of_one_signal(self) -> None:
        """The endpoint of one signal says where to, as it does to ``configure()``."""
        with open_http_sink() as sink:
            url = f"{sink.endpoint}/v1/traces"
            environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url, PROTOCOL: "http/protobuf"}
            found = examine(environ=environ, is_live=False)
        assert [f for f in found if f.area == "Export"] == [
            tell("export.endpoint", f"{url} takes traces by http")
        ]

    def test_answers(self) -> None:
        """An endpoint that takes all three signals is asked for each, with its header unseen."""
        with open_http_sink() as sink:
            environ = {
                BASE: sink.endpoint,
                PROTOCOL: "http/protobuf",
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
            }
            found = examine(environ=environ, is_live=False)
        assert [f for f in found if f.area == "Export"] == [
            *(
                tell("export.endpoint", f"{sink.endpoint}/v1/{signal} takes {signal} by http")
                for signal in ("traces", "metrics", "logs")
            ),
            tell("export.headers", "sent with each export: authorization (values not shown)"),
        ]
        assert [arrival.headers["authorization"] for arrival in sink.arrivals] == ["secret"] * 3
        assert sink.full == []

    def test_closed(self) -> None:
        """Where nobody listens, it is said what to type."""
        place = f"http://127.0.0.1:{find_free_ports(1)[0]}"
        variables = {BASE: place, **OTHERS_OFF}
        found = [f for f in examine(environ=variables, is_live=False) if f.area == "Export"]
        assert found == [
            tell(
                "export.failed",
                f"nothing listens at {place}/v1/traces (ConnectionRefusedError)",
                remedy=f"start it there, or type where it is as {BASE}",
            )
        ]

    def test_silent(self) -> None:
        """An endpoint that never answers is given up after two seconds."""
        with open_http_sink() as sink:
            sink.gate.clear()
            with timed() as timing:
                found = in_environment("export", **{BASE: sink.endpoint})
            sink.gate.set()
        assert [(code, severity) for code, severity, _ in found] == [
            ("export.failed", "problem")
        ] * 3
        assert timing.net < 6

    def test_contradiction(self) -> None:
        """Variables that contradict each other are a problem before anybody is asked."""
        variables = {BASE: "http://127.0.0.1:4317", PROTOCOL: "http/protobuf"}
        assert in_environment("export", **variables) == [
            (
                "export.invalid",
                "problem",
                "type http://127.0.0.1:4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
            )
        ]

    @pytest.mark.parametrize("backend", [{}, {BASE: "http://127.0.0.1:1"}])
    def test_off(self, backend: dict[str, str]) -> None:
        """The standard variable may switch traces off, which is what this is all about."""
        environ = {"OTEL_TRACES_EXPORTER": "none", **OTHERS_OFF, **backend}
        assert in_environment("export", **environ) == [
            ("export.off", "warning", "unset OTEL_TRACES_EXPORTER")
        ]

    def test_default_protocols(self) -> None:
        """
        Without a protocol `configure()` goes by the port, and the SDK's own exporter takes gRPC.

        An endpoint that takes one of them is not as it should be; which is meant is not known.
        """
        with open_http_sink() as http, open_grpc_sink() as grpc:
            by_http = examine(environ={BASE: http.endpoint, **OTHERS_OFF}, is_live=False)
            by_grpc = examine(environ={BASE: grpc.endpoint, **OTHERS_OFF}, is_live=False)
        assert [f for f in (*by_http, *by_grpc) if f.area == "Export"] == [
            tell(
                "export.protocol",
                f"{http.endpoint}/v1/traces takes traces by http, and not by grpc, which "
                f"opentelemetry-instrument takes where {PROTOCOL} is not set",
                detail=f"what listens at {http.endpoint} speaks no grpc (UNAVAILABLE).",
                remedy=f"export {PROTOCOL}=http/protobuf",
            ),
            tell(
                "export.protocol",
                f"{grpc.endpoint} takes traces by grpc, and not by http, which configure() takes "
                f"where {PROTOCOL} is not set",
                detail=f"what listens at {grpc.endpoint}/v1/traces speaks no http/protobuf "
                "(BadStatusLine).",
                remedy=f"export {PROTOCOL}=grpc",
            ),
        ]

    @pytest.mark.parametrize(
        ("environ", "packages"),
        [
            ({PROTOCOL: "http/protobuf"}, ()),
            ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, ()),
            ({"OTEL_TRACES_EXPORTER": "otlp_proto_http"}, ()),
            # Its distro takes HTTP.
            ({}, ("aws-opentelemetry-distro",)),
        ],
    )
    def test_one_protocol(self, environ: dict[str, str], packages: tuple[str, ...]) -> None:
        """Where both take the same, one is asked."""
        known = {BASE: "http://127.0.0.1:1", **OTHERS_OFF, **environ}
        exports = read_exports(look(known, {}, is_live=False), packages)
        assert [t.protocol for t in exports.targets] == ["http/protobuf"]
        assert exports.rivals == {}

    def test_without_code(self) -> None:
        """Where variables alone decide, variables alone are advised."""
        with open_http_sink() as sink:
            sink.status = 401
            environ = {BASE: sink.endpoint, PROTOCOL: "http/protobuf", **OTHERS_OFF}
            found = in_environment("export", **environ)
        assert found == [
            ("export.failed", "problem", "type the right key: OTEL_EXPORTER_OTLP_HEADERS")
        ]
        assert in_environment("export", OTEL_PYTHON_LINQ_BACKEND="honeycomb") == [
            (
                "export.invalid",
                "problem",
                "set HONEYCOMB_API_KEY; see https://docs.honeycomb.io/send-data/opentelemetry/",
            )
        ]


class TestProvider:
    def test_http(self) -> None:
        """The app's own exporter is asked, with its own headers."""
        with open_http_sink() as sink:
            provider = TracerProvider()
            exporter = HttpExporter(
                endpoint=f"{sink.endpoint}/v1/traces", headers={"authorization": KEY}
            )
            provider.add_span_processor(BatchSpanProcessor(exporter))
            found = live(provider)
        assert found == [
            tell("otel.processor", "spans go through BatchSpanProcessor → OTLPSpanExporter"),
            tell("export.endpoint", f"{sink.endpoint}/v1/traces takes traces by http"),
            tell("export.headers", "sent with each export: authorization (values not shown)"),
        ]
        assert [arrival.headers["authorization"] for arrival in sink.arrivals] == [KEY]

    def test_grpc(self) -> None:
        """So is one that speaks gRPC."""
        with open_grpc_sink() as sink:
            provider = TracerProvider()
            provider.add_span_processor(
                BatchSpanProcessor(GrpcExporter(endpoint=sink.endpoint, headers={"k": KEY}))
            )
            found = live(provider)
        assert found[1:] == [
            tell("export.endpoint", f"{sink.endpoint} takes traces by grpc"),
            tell("export.headers", "sent with each export: k (values not shown)"),
        ]
        assert [arrival.headers["k"] for arrival in sink.arrivals] == [KEY]

    def test_two(self) -> None:
        """Each of two exporters has its own answer."""
        closed = f"http://127.0.0.1:{find_free_ports(1)[0]}"
        with open_http_sink() as sink:
            provider = TracerProvider()
            for endpoint in (closed, sink.endpoint):
                exporter = HttpExporter(endpoint=f"{endpoint}/v1/traces")
                provider.add_span_processor(BatchSpanProcessor(exporter))
            found = live(provider)
        assert [(f.code, f.title) for f in found[1:]] == [
            ("export.endpoint", f"{sink.endpoint}/v1/traces takes traces by http"),
            (
                "export.failed",
                f"nothing listens at {closed}/v1/traces (ConnectionRefusedError)",
            ),
        ]

    def test_of_configure(self) -> None:
        """What `configure` has made is read through its wrapper."""
        with open_http_sink() as sink:
            provider = TracerProvider()
            export = configure(
                "otlp", endpoint=sink.endpoint, tracer_provider=provider, metrics=False, logs=False
            )
            found = live(provider)
            export.shutdown()
        assert [f.title for f in found] == [
            "spans go through BatchSpanProcessor → OTLPSpanExporter",
            f"{sink.endpoint}/v1/traces takes traces by http",
        ]

    def test_refused(self) -> None:
        """A key that is refused is a problem, and is not shown."""
        with open_http_sink() as sink:
            sink.status = 401
            provider = TracerProvider()
            exporter = HttpExporter(
                endpoint=f"{sink.endpoint}/v1/traces", headers={"authorization": KEY}
            )
            provider.add_span_processor(BatchSpanProcessor(exporter))
            found = live(provider)
        assert pick(found, "export.failed") == [
            (
                "export.failed",
                "problem",
                "type the right key: headers={'authorization': …} or OTEL_EXPORTER_OTLP_HEADERS",
            )
        ]
        assert KEY not in repr(found)
