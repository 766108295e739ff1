"""
A real little webhook endpoint, and a client of the unmodified SDK.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from linq import LinqAPIV3

from linq_otel.testing import LinqSimulator


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Endpoint:
    """
    Answers ``statuses`` one after another, then 200, and keeps what it was sent.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    is_slow: bool = False


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """
    A webhook endpoint on a free port.
    """
    kept = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append((headers, body))
            if kept.is_slow:
                kept.release.wait(5)
            self.send_response(kept.statuses.pop(0) if kept.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield kept
        kept.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def linq() -> Iterator[LinqSimulator]:
    """
    A simulator in which waiting takes no time.
    """
    with LinqSimulator(seed=7, speed=0, delivery_timeout=0.3) as simulator:
        yield simulator


@pytest.fixture
def connect() -> Iterator[Callable[..., LinqAPIV3]]:
    """
    Open SDK clients that are closed afterwards.
    """
    opened: list[LinqAPIV3] = []

    def _connect(linq: LinqSimulator, **options: object) -> LinqAPIV3:
        settings = {"api_key": linq.api_key, "base_url": linq.base_url, **options}
        opened.append(LinqAPIV3(**settings))
        return opened[-1]

    yield _connect
    for client in opened:
        client.close()


@pytest.fixture
def client(linq: LinqSimulator, connect: Callable[..., LinqAPIV3]) -> LinqAPIV3:
    """
    The SDK's client of the simulator.
    """
    return connect(linq)
