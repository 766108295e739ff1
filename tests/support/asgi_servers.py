"""
A real uvicorn on loopback whose app can be exchanged between tests, and raw HTTP to talk to it.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import uvicorn


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class Reply:
    """
    What a client got back; headers in order, without the date.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Stage:
    """
    The ASGI app uvicorn runs: it passes everything on to *app*.
    """

    port: int
    app: Any = None
    errors: list[BaseException] = field(default_factory=list)
    _ended: dict[int, threading.Event] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """
        Serve one connection, keeping what the app raised.
        """
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.errors.append(error)
            raise
        finally:
            ended = self._ended.get(scope["client"][1])
            if ended is not None:
                ended.set()

    def post(
        self,
        path: str,
        body: bytes | Iterable[bytes],
        headers: Sequence[tuple[str, str]] = (),
        method: str = "POST",
    ) -> Reply:
        """
        Send one request; a body in pieces is sent chunked.

        Returns when the app has returned too, which is later than the answer.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        ours = connection.sock.getsockname()[1]
        ended = self._ended[ours] = threading.Event()
        try:
            connection.putrequest(method, path)
            for name, value in headers:
                connection.putheader(name, value)
            is_whole = isinstance(body, bytes)
            name, value = (
                ("Content-Length", str(len(body)))
                if isinstance(body, bytes)
                else ("Transfer-Encoding", "chunked")
            )
            connection.putheader(name, value)
            connection.endheaders(body, encode_chunked=not is_whole)
            answer = connection.getresponse()
            kept = tuple(item for item in answer.getheaders() if item[0] != "date")
            reply = Reply(answer.status, kept, answer.read())
            ended.wait(5)
            return reply
        finally:
            del self._ended[ours]
            connection.close()


@contextmanager
def open_stage() -> Iterator[Stage]:
    """
    Run uvicorn in a thread while the block lasts.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stage = Stage(listener.getsockname()[1])
    server = uvicorn.Server(
        uvicorn.Config(stage, lifespan="off", ws="none", log_config=None, http="h11")
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield stage
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
