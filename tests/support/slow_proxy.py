"""
A way to a server on which it takes long to connect, as with TLS over a long line.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK


if TYPE_CHECKING:
    from collections.abc import Generator


class SlowProxy:
    """
    Passes on bytes both ways, once a connection has waited its time.

    Args:
        port: Where the server listens.
        pause: Seconds until a connection reaches it.

    Attributes:
        port: Where the proxy listens.
        connections: How many were opened.
    """

    def __init__(self, port: int, pause: float) -> None:
        self.connections = 0
        self._server_port = port
        self._pause = pause
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        _run(self._accept)

    def close(self) -> None:
        """
        Take no more connections; those there are end with their clients.
        """
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                _run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        time.sleep(self._pause)
        with suppress(OSError):
            server = socket.create_connection((LOOPBACK, self._server_port))
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _run(_pass_on, client, server)
            _pass_on(server, client)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def _run(target: object, *args: object) -> None:
    assert callable(target)
    threading.Thread(target=target, args=args, daemon=True).start()


@contextmanager
def open_slow_proxy(port: int, pause: float) -> Generator[SlowProxy, None, None]:
    """
    Stand before the server at *port* while the block lasts.
    """
    proxy = SlowProxy(port, pause)
    try:
        yield proxy
    finally:
        proxy.close()
