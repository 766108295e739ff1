"""
What stands before the receivers, as before any fleet: each delivery goes to the next of them.

It notes which receiver answered what and when, and whether that is what the app itself answers.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from chaos.apps.answers import get_answer
from support.otlp_processes import LOOPBACK


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence


PATH = "/webhooks/linq"
_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Target:
    """
    A receiver that may be given deliveries: one run of its process, and where that listens.
    """

    run: str
    port: int


@dataclass(frozen=True, slots=True)
class Forward:
    """
    One delivery, to one run of a receiver; times are of the monotonic clock.

    Attributes:
        run: The run of a receiver that had it.
        headers: As Linq sent them, lower case.
        body: As Linq sent it.
        began: When it was handed over.
        ended: When it was answered, or the connection broke.
        status: The answer's status; None if it broke.
        is_as_due: True if the answer is the app's own, to the letter.
    """

    run: str
    headers: Mapping[str, str]
    body: bytes
    began: float
    ended: float
    status: int | None
    is_as_due: bool

    @property
    def event_id(self) -> str:
        """
        The event it reports, or claims to.
        """
        return self.headers["webhook-id"]


class Balancer(ThreadingHTTPServer):
    """
    Listens on 127.0.0.1 until its ``with`` block ends.

    Args:
        find_targets: Answers who may be given deliveries.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, find_targets: Callable[[], Sequence[Target]]) -> None:
        self.forwards: list[Forward] = []
        self._find_targets = find_targets
        self._turn = itertools.count()
        super().__init__((LOOPBACK, 0), _Handler)

    @property
    def url(self) -> str:
        """
        Where webhooks are to be delivered.
        """
        return f"http://{LOOPBACK}:{self.server_port}{PATH}"

    def forward(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """
        Hand a delivery over; one that was begun is never begun anew, only Linq may do so.
        """
        targets = self._find_targets()
        turn = next(self._turn)
        for number in range(len(targets)):
            target = targets[(turn + number) % len(targets)]
            with suppress(ConnectionRefusedError):
                return self._hand_over(target, headers, body)
        return 503, b""

    def _hand_over(
        self, target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        began = time.monotonic()
        status, content = _post(target.port, headers, body)
        lower = {name.lower(): value for name, value in headers.items()}
        is_as_due = status is not None and _is_as_due(lower, body, status, content)
        ended = time.monotonic()
        self.forwards.append(Forward(target.run, lower, body, began, ended, status, is_as_due))
        return status or 502, content

    def handle_error(self, *_: object) -> None:
        """
        Say nothing of connections that ended.
        """


def _post(port: int, headers: Mapping[str, str], body: bytes) -> tuple[int | None, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.connect()
        connection.request("POST", PATH, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    except ConnectionRefusedError:
        raise
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()


def _is_as_due(headers: Mapping[str, str], body: bytes, status: int, content: bytes) -> bool:
    try:
        return get_answer(headers, body) == (status, json.loads(content))
    except ValueError:
        return False


@contextmanager
def open_balancer(find_targets: Callable[[], Sequence[Target]]) -> Generator[Balancer, None, None]:
    """
    Run a balancer while the block lasts.
    """
    with Balancer(find_targets) as balancer:
        thread = threading.Thread(target=balancer.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield balancer
        finally:
            balancer.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Balancer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 30

    def do_POST(self) -> None:
        """
        Forward one delivery.
        """
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hop_by_hop = {"connection", "host", "accept-encoding", "content-length"}
        headers = {n: v for n, v in self.headers.items() if n.lower() not in hop_by_hop}
        status, content = self.server.forward(headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """
        Say nothing.
        """
