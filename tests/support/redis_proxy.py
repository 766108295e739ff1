"""
A way to a Redis server on which an answer can be lost.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK


if TYPE_CHECKING:
    from collections.abc import Generator


_SECONDS = 10.0


class LossyProxy:
    """
    Passes on what a client asks and what the server answers, one exchange at a time.

    Attributes:
        requests: What was asked, one item for what came at once.
        losing: What must be in a request for its answer to be lost.
        times: How many answers are yet to be lost; the connection is closed with each.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[bytes] = []
        self.losing = b""
        self.times = 0
        self._server_port = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = [self._listener]

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"redis://{LOOPBACK}:{self._listener.getsockname()[1]}/0"

    def start(self) -> None:
        """
        Take connections.
        """
        self._run(self._accept)

    def close(self) -> None:
        """
        End all connections.
        """
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(_SECONDS)

    def _run(self, target: object, *args: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self._server_port), _SECONDS)
                self._sockets += [client, server]
                self._run(self._pass_on, client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, suppress(OSError):
            while request := client.recv(65_536):
                self.requests.append(request)
                server.sendall(request)
                answer = server.recv(65_536)
                if self.times and self.losing in request:
                    self.times -= 1
                    return
                client.sendall(answer)


@contextmanager
def open_lossy_proxy(port: int) -> Generator[LossyProxy, None, None]:
    """
    Stand before the server at *port* while the block lasts.
    """
    proxy = LossyProxy(port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
