"""
An endpoint that takes every webhook and does nothing with it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Generator


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """
        Take one.
        """
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """
        Say nothing.
        """


@contextmanager
def open_webhook_sink() -> Generator[str]:
    """
    Yield the address of an endpoint that lasts as long as the block.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/webhooks/linq"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
