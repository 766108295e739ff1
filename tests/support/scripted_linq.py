"""
A Linq that says exactly what a test wrote down: fixed trace ids, and answers the real one avoids.

`linq_otel.testing.LinqSimulator` plays Linq as it is. Here the n-th request is answered by the n-th
reply, so that a test can state a whole trace with its ids.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast


if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


CHAT_ID = "11111111-2222-4333-8444-555555555555"
MESSAGE_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
OF_THE_REQUEST = "of the request"
SOON = {"retry-after-ms": "1"}

SENT: dict[str, Any] = {
    "chat_id": CHAT_ID,
    "message": {
        "id": MESSAGE_ID,
        "created_at": "2026-02-03T04:05:06.789Z",
        "delivery_status": "pending",
        "is_read": False,
        "parts": [],
    },
}


def nth_trace_id(n: int) -> str:
    """
    Return the Linq trace id of the n-th request, the first being 1.
    """
    return f"{n:02x}" * 16


def refusal(code: int, message: str = "refused", **more: object) -> dict[str, object]:
    """
    Return an error body as Linq documents it.
    """
    doc_url = f"https://docs.linqapp.com/error/{code}"
    return {
        "success": False,
        "error": {"code": code, "message": message, "doc_url": doc_url, **more},
    }


@dataclass(frozen=True)
class Reply:
    """
    One answer; `hang` holds it back until the server closes, `drop` hangs up instead.

    `chunked` sends the body in chunks of 16 bytes.
    """

    status: int = 202
    body: object = field(default_factory=lambda: SENT)
    linq_trace_id: str | None = OF_THE_REQUEST
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    chunked: bool = False


@dataclass(frozen=True)
class Request:
    """
    What a client sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedLinq(ThreadingHTTPServer):
    """
    Answers what it was told to, and then accepts everything.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.arrived = threading.Event()
        self.closing = threading.Event()
        self._replies: deque[Reply] = deque()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def base_url(self) -> str:
        """
        What an SDK client takes for its base URL.
        """
        return f"http://127.0.0.1:{self.server_port}/api/partner"

    def script(self, *replies: Reply) -> None:
        """
        Answer the next requests with `replies`, in this order.
        """
        self._replies.extend(replies)

    def take(self, request: Request) -> tuple[Reply, str | None]:
        """
        Note `request`; return its reply and Linq trace id.
        """
        with self._lock:
            self.requests.append(request)
            reply = self._replies.popleft() if self._replies else Reply()
            chosen = reply.linq_trace_id
            if chosen == OF_THE_REQUEST:
                chosen = nth_trace_id(len(self.requests))
        self.arrived.set()
        return reply, chosen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join(10)
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """
        Say nothing of clients that went away.
        """


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 10

    def answer(self) -> None:
        linq = cast("ScriptedLinq", self.server)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply, linq_trace_id = linq.take(Request(self.command, self.path, headers, body))
        if reply.hang:
            linq.closing.wait(5)
        if reply.hang or reply.drop:
            self.close_connection = True
            return
        with suppress(OSError):
            self._write(reply, linq_trace_id)

    def _write(self, reply: Reply, linq_trace_id: str | None) -> None:
        is_text = isinstance(reply.body, str)
        content = str(reply.body).encode() if is_text else json.dumps(reply.body).encode()
        if reply.body is None:
            content = b""
        self.send_response(reply.status)
        if linq_trace_id is not None:
            self.send_header("X-Trace-ID", linq_trace_id)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(_in_chunks(content) if reply.chunked else content)

    do_BREW = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # The base's names.

    def log_message(self, *_: object) -> None:
        pass


def _in_chunks(content: bytes, size: int = 16) -> bytes:
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))
