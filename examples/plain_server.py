"""
Take Linq's webhooks without any framework: headers and a body are enough.

::

    export LINQ_WEBHOOK_SECRET=whsec_...
    python examples/plain_server.py

Linq's webhooks go to any path of ``http://127.0.0.1:8000``, or of another ``PORT``.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel.webhooks import WebhookReceiver


receiver = WebhookReceiver()


class WebhookHandler(BaseHTTPRequestHandler):
    """
    Answers one delivery.
    """

    def do_POST(self) -> None:
        """
        Run the handler inside the life of the message that the event is about.
        """
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with receiver.process(self.headers.items(), body) as event:
            if event is not None:
                print(event.event_type, event.message_id, flush=True)
        # No event: nobody who knows the secret signed this.
        self.send_response(401 if event is None else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    """
    Serve until told to stop, then send the last spans.
    """
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").partition("/")[0]
    (exporter,) = entry_points(group="opentelemetry_traces_exporter", name=f"otlp_proto_{protocol}")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter.load()()))
    trace.set_tracer_provider(provider)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit())
    try:
        with HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), WebhookHandler) as http:
            http.serve_forever()
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
