"""
What the demo's two processes share: a provider that writes OTLP JSON lines.
"""

from __future__ import annotations

import os
import time
from contextvars import ContextVar

import opentelemetry.sdk.trace as sdk
from opentelemetry import trace
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from ._demo_story import AGO, SPANS_FILE


ago: ContextVar[float] = ContextVar("linq_otel_demo_ago", default=0.0)
"""How many seconds the spans that begin and end in this context are put back."""


def put_clock_back() -> float:
    """
    Let spans begin as long ago as the parent says; returns the seconds.

    A message that is read three hours later is told in seconds. Were its spans dated as they come,
    the last of them would lie in the future.
    """
    seconds = float(os.environ.get(AGO, "0"))
    if seconds:
        real = time.time_ns

        def time_ns() -> int:
            return real() - round(ago.get() * 1e9)

        time.time_ns = time_ns
        sdk.time_ns = time_ns  # type: ignore[attr-defined]  # What the SDK has imported by name.
    return seconds


def provide(service_name: str) -> TracerProvider:
    """
    Make the global provider of this process.

    It writes to the file named by the parent, and to an OTLP endpoint if the
    standard variables name one.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(os.environ[SPANS_FILE])))
    if any(os.environ.get(f"OTEL_EXPORTER_OTLP{of}_ENDPOINT") for of in ("", "_TRACES")):
        provider.add_span_processor(BatchSpanProcessor(_otlp_exporter()))
    trace.set_tracer_provider(provider)
    return provider


def _otlp_exporter() -> SpanExporter:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocol) == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc  # noqa: PLC0415

        return grpc.OTLPSpanExporter()
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as http  # noqa: PLC0415

    return http.OTLPSpanExporter()
