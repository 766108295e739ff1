"""
The smallest thing spans can be exported to, for tests that ask little of it.

What must be read back whole goes to a receiver written by others instead.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


if TYPE_CHECKING:
    from collections.abc import Generator


class SpanSink(ThreadingHTTPServer):
    """
    Takes OTLP by HTTP on 127.0.0.1, and keeps the names of spans.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ExportHandler)
        self.names: list[str] = []

    @property
    def endpoint(self) -> str:
        """
        The value of ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        """
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def open_span_sink() -> Generator[SpanSink, None, None]:
    """
    Run a sink while the block lasts.
    """
    with SpanSink() as sink:
        thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()


class _ExportHandler(BaseHTTPRequestHandler):
    server: SpanSink

    def do_POST(self) -> None:
        """
        Take one export.
        """
        body = self.rfile.read(int(self.headers["Content-Length"]))
        export = ExportTraceServiceRequest.FromString(body)
        self.server.names += [
            span.name
            for resource_spans in export.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """
        Say nothing.
        """
