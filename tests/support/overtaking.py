"""
A webhook endpoint over real HTTP, and what was drawn of the one message it was told about.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from support.timing import Timing, timed


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from linq_otel.webhooks import WebhookReceiver


WHOLE_LIFE = [
    "linq message",
    "message accepted",
    "message delivered",
    "message read",
    "message sent",
]


@dataclass(frozen=True, order=True)
class Drawn:
    """
    One span, its ids in hex.
    """

    name: str
    otel_trace_id: str
    span_id: str
    parent_id: str | None


@dataclass
class Endpoint:
    """
    Where webhooks go.

    Attributes:
        url: Its own.
        receiver: What handles them; set before the first comes.
        began: When the handling of each event began, by its type, in seconds.
        took: How long the join held each of them up.
    """

    url: str
    receiver: WebhookReceiver | None = None
    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, Timing] = field(default_factory=dict)


@contextmanager
def open_endpoint(provider: TracerProvider) -> Iterator[Endpoint]:
    """
    Listen on a free port while the block runs; each request is in a SERVER span.
    """
    tracer = provider.get_tracer("server")
    endpoint = Endpoint("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            began = time.monotonic()
            assert endpoint.receiver is not None
            headers = dict(self.headers.items())
            with (
                tracer.start_as_current_span("POST /hook", kind=SpanKind.SERVER),
                ExitStack() as handling,
            ):
                with timed() as timing:
                    event = handling.enter_context(endpoint.receiver.process(headers, body))
                if event is not None:
                    endpoint.began[event.event_type] = began
                    endpoint.took[event.event_type] = timing
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join(10)


def drawn(spans: Iterable[ReadableSpan]) -> list[Drawn]:
    """
    Return what is compared of each span.
    """
    return [
        Drawn(
            span.name,
            f"{span.context.trace_id:032x}",
            f"{span.context.span_id:016x}",
            f"{span.parent.span_id:016x}" if span.parent else None,
        )
        for span in spans
    ]


def read_life(spans: Iterable[Drawn]) -> tuple[str, list[str], list[str]]:
    """
    Return trace, span names and parents of the one life among *spans*; the anchor's is left out.

    Raises:
        ValueError: If there is none, or more than one.
    """
    life = sorted(span for span in spans if span.name in WHOLE_LIFE)
    (trace,) = {span.otel_trace_id for span in life}
    (anchor,) = (span for span in life if span.name == "linq message")
    names = {anchor.span_id: "linq message"}
    parents = [names.get(s.parent_id or "", "?") for s in life if s is not anchor]
    return trace, [span.name for span in life], parents
