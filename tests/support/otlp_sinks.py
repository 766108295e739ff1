"""
OTLP receivers of our own, for what no real one does on request: refuse, and keep every header.

Real HTTP and real gRPC on 127.0.0.1, in threads of this process.
"""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


if TYPE_CHECKING:
    from collections.abc import Generator


_REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
}


@dataclass(frozen=True)
class Arrival:
    """
    One export as it arrived: where to, with which headers, and what it holds.
    """

    path: str
    headers: dict[str, str]
    message: Any

    @property
    def resources(self) -> list[dict[str, str]]:
        """
        The texts of each resource it names.
        """
        name = next(f.name for f in self.message.DESCRIPTOR.fields)
        groups = getattr(self.message, name)
        return [
            {pair.key: pair.value.string_value for pair in group.resource.attributes}
            for group in groups
        ]

    @cached_property
    def spans(self) -> list[Any]:
        """
        Its spans, in order; none of metrics or logs.
        """
        return [
            span
            for group in getattr(self.message, "resource_spans", ())
            for scoped in group.scope_spans
            for span in scoped.spans
        ]

    @property
    def span_names(self) -> list[str]:
        """
        The names of its spans, in order.
        """
        return [span.name for span in self.spans]

    @cached_property
    def otel_trace_ids(self) -> set[str]:
        """
        The traces its spans are of, in hex.
        """
        return {span.trace_id.hex() for span in self.spans}


@dataclass
class Sink:
    """
    What has arrived, and what is answered: a status of HTTP, or a code of gRPC.
    """

    endpoint: str = ""
    status: int = 200
    code: grpc.StatusCode = grpc.StatusCode.OK
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def full(self) -> list[Arrival]:
        """
        The exports that hold something: an empty one only asks who is there.
        """
        return [arrival for arrival in self.arrivals if arrival.message.ByteSize()]

    @property
    def span_names(self) -> list[str]:
        """
        The names of all spans that were taken, in order of arrival.
        """
        return [name for arrival in self.full for name in arrival.span_names]


@contextmanager
def open_http_sink() -> Generator[Sink]:
    """
    Take OTLP over HTTP while the block lasts; it answers once its gate is open, which it is.
    """
    sink = Sink()
    sink.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            sink.gate.wait(10)
            if sink.status < 300:
                request = _REQUESTS[self.path.rpartition("/")[2]].FromString(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink.arrivals.append(Arrival(self.path, headers, request))
            self.send_response(sink.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its name.
            """
            Say nothing.
            """

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def service(self, handler_call_details: Any) -> Any:
        service = handler_call_details.method.split("/")[1]
        if service not in _SERVICES:
            return None

        def take(body: bytes, context: Any) -> bytes:
            if self.sink.code is not grpc.StatusCode.OK:
                context.abort(self.sink.code, "no")
            headers = dict(context.invocation_metadata())
            message = _REQUESTS[_SERVICES[service]].FromString(body)
            self.sink.arrivals.append(Arrival(service, headers, message))
            return b""

        return grpc.unary_unary_rpc_method_handler(take)


@contextmanager
def open_grpc_sink() -> Generator[Sink]:
    """
    Take OTLP over gRPC while the block lasts.
    """
    sink = Sink()
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers((_Handlers(sink),))
        port = server.add_insecure_port("127.0.0.1:0")
        sink.endpoint = f"http://127.0.0.1:{port}"
        server.start()
        try:
            yield sink
        finally:
            server.stop(0).wait(5)
