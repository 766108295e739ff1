"""
How many spans, and how many bytes of OTLP, is one message?

::

    python benchmarks/volume.py --messages 500

sends messages with the SDK in one process, takes their webhooks with a FastAPI app in another, and
weighs what both of them export by OTLP. Each message is sent, delivered and read.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final


_ROOT = Path(__file__).resolve().parents[1]
# The processes are run as the tests run them.
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: E402  # The path.
    ExportTraceServiceRequest,
)

from linq_otel.testing import LinqSimulator  # noqa: E402  # As above.
from support.otlp_processes import LOOPBACK, find_free_ports, is_open  # noqa: E402  # As above.
from support.programs import EXAMPLES, open_program  # noqa: E402  # As above.


if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


_EVENTS: Final = ("message.sent", "message.delivered", "message.read")
_SENDER: Final = _ROOT / "tests" / "sampling" / "sender.py"


class Scales(ThreadingHTTPServer):
    """
    Takes OTLP by HTTP, and keeps what came: spans by service and name, and bytes.
    """

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _ExportHandler)
        self.spans: Counter[tuple[str, str]] = Counter()
        self.plain: Counter[str] = Counter()
        self.zipped: Counter[str] = Counter()

    def put(self, body: bytes) -> None:
        """
        Weigh one export.
        """
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            pairs = {
                each.key: each.value.string_value for each in resource_spans.resource.attributes
            }
            service = pairs["service.name"]
            for scope_spans in resource_spans.scope_spans:
                self.spans.update((service, span.name) for span in scope_spans.spans)
            self.plain[service] += len(body)
            self.zipped[service] += len(gzip.compress(body))


class _ExportHandler(BaseHTTPRequestHandler):
    server: Scales

    def do_POST(self) -> None:
        self.server.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def open_scales() -> Generator[Scales]:
    """
    Run the scales while the block lasts.
    """
    with Scales() as scales:
        thread = threading.Thread(target=scales.serve_forever)
        thread.start()
        try:
            yield scales
        finally:
            scales.shutdown()
            thread.join()


def live(messages: int, folder: Path, options: dict[str, str]) -> Scales:
    """
    Send *messages*, each to be read, and return what was exported.
    """
    (port,) = find_free_ports(1)
    with (
        open_scales() as scales,
        LinqSimulator(seed=7, scenario="read", speed=30, rate_limit=None) as linq,
    ):
        subscription = linq.subscribe(f"http://{LOOPBACK}:{port}/webhooks/linq", _EVENTS)
        shared = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{scales.server_address[1]}",
            "OTEL_PYTHON_LINQ_STORE": f"sqlite:///{folder / 'linq.db'}",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
            "LINQ_API_V3_API_KEY": linq.api_key,
            "LINQ_API_V3_BASE_URL": linq.base_url,
            "LINQ_WEBHOOK_SECRET": subscription.signing_secret,
            "PORT": str(port),
            **options,
        }
        of_app, of_sender = (shared | {"OTEL_SERVICE_NAME": name} for name in ("app", "sender"))
        app = [str(EXAMPLES / "fastapi_app.py")]
        with open_program("app", app, of_app, folder) as receiver:
            receiver.wait_until(lambda: is_open(LOOPBACK, port), "open port")
            command = [str(_SENDER), str(messages)]
            with open_program("sender", command, of_sender, folder) as sender:
                assert sender.wait() == 0, sender.complaints
            receiver.wait_for_lines(len(_EVENTS) * messages)
            receiver.stop()
        return scales


def report(scales: Scales, messages: int) -> None:
    """
    Print what one message is.
    """
    for (service, name), count in sorted(scales.spans.items()):
        print(f"  {service:8}{name:42}{count / messages:6.2f}")
    plain, zipped = scales.plain.total() / messages, scales.zipped.total() / messages
    spans = scales.spans.total() / messages
    print(f"  {spans:.2f} spans, {plain:.0f} bytes of OTLP, {zipped:.0f} with gzip, a message\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Weigh each setting in turn.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--messages", type=int, default=500)
    messages = parser.parse_args(arguments).messages
    os.environ["NO_PROXY"] = LOOPBACK
    for name, options in {
        "all stages": {},
        "stages=False": {"OTEL_PYTHON_LINQ_STAGES": "false"},
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}, {messages} messages")
            report(live(messages, Path(folder), options), messages)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
