"""
A way for spans to leave: an OTLP exporter, a wire, and a receiver that can be asked what it got.

The same test runs over every way there is: gRPC and HTTP, compressed and not, straight to the test
agent or through rotel.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from support.otlp_spans import ReceivedSpan, parse_batches


if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from support.otlp_processes import Receiver


_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Way:
    """
    One combination of protocol, compression, and whether rotel stands in between.
    """

    protocol: Literal["grpc", "http/protobuf"]
    compression: Literal["none", "gzip"]
    is_relayed: bool = False

    def __str__(self) -> str:
        """
        Answer the name of the way, as pytest shows it: ``rotel-grpc-gzip``.
        """
        through = "rotel-" if self.is_relayed else ""
        return f"{through}{self.protocol.partition('/')[0]}-{self.compression}"


DIRECT_WAYS = (
    Way("grpc", "none"),
    Way("grpc", "gzip"),
    Way("http/protobuf", "none"),
    Way("http/protobuf", "gzip"),
)
RELAYED_WAYS = tuple(Way(way.protocol, way.compression, is_relayed=True) for way in DIRECT_WAYS)
ALL_WAYS = DIRECT_WAYS + RELAYED_WAYS


class OtlpRoute:
    """
    Exporters set to *way*, from here to *entry*, and what has arrived at *agent*.
    """

    def __init__(self, way: Way, entry: Receiver, agent: Receiver) -> None:
        self.way = way
        self._entry = entry
        self._agent = agent
        self._providers: list[TracerProvider] = []

    def provider(self, service_name: str) -> TracerProvider:
        """
        Answer a new provider that exports this way; the route shuts it down.
        """
        provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
        provider.add_span_processor(BatchSpanProcessor(self.exporter()))
        self._providers.append(provider)
        return provider

    def exporter(self) -> SpanExporter:
        """
        Answer a new exporter of this way; who asks must shut it down.
        """
        gzip = self.way.compression == "gzip"
        if self.way.protocol == "grpc":
            return GrpcSpanExporter(
                endpoint=self._entry.grpc_endpoint,
                insecure=True,
                timeout=_TIMEOUT_SECONDS,
                compression=grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression,
            )
        return HttpSpanExporter(
            endpoint=f"{self._entry.http_endpoint}/v1/traces",
            timeout=_TIMEOUT_SECONDS,
            compression=Compression.Gzip if gzip else Compression.NoCompression,
        )

    def environment(self) -> dict[str, str]:
        """
        Answer the variables that make a child process's exporter take this way.

        No compression is said by leaving the variable out: the gRPC exporter for Python refuses
        the specification's ``none``.
        """
        is_grpc = self.way.protocol == "grpc"
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": (
                self._entry.grpc_endpoint if is_grpc else self._entry.http_endpoint
            ),
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.way.protocol,
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(_TIMEOUT_SECONDS),
        }
        if self.way.compression == "gzip":
            variables["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"
        return variables

    def spans(self, *, at_least: int = 1, within_s: float = 5.0) -> list[ReceivedSpan]:
        """
        Answer every span that has arrived, by start time.

        Flushes the route's providers first, then waits until *at_least* spans are there, but no
        longer than *within_s* seconds: rotel gathers spans before it passes them on.
        """
        arrived = [span for batch in self.batches(at_least, within_s) for span in batch]
        return sorted(arrived, key=lambda span: (span.start_ns, span.otel_trace_id, span.span_id))

    def batches(self, at_least: int = 1, within_s: float = 5.0) -> list[list[ReceivedSpan]]:
        """
        Answer the spans as `spans` does, but by export, in order of arrival.
        """
        for provider in self._providers:
            provider.force_flush()
        deadline = time.monotonic() + within_s
        batches = self._read()
        while sum(map(len, batches)) < at_least and time.monotonic() < deadline:
            time.sleep(0.02)
            batches = self._read()
        return batches

    def close(self) -> None:
        """
        Shut the providers down, sending what they still hold.
        """
        while self._providers:
            self._providers.pop().shutdown()

    def _read(self) -> list[list[ReceivedSpan]]:
        return parse_batches(self._agent.read("/test/session/traces"))
