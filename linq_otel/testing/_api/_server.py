"""
The listening socket: one thread per connection, and a clean end for all of them.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from linq_otel.testing._api._handler import ApiHandler


if TYPE_CHECKING:
    from linq_otel.testing._world import World


logger = logging.getLogger(__name__)


class ApiServer(ThreadingHTTPServer):
    """
    Listens, one thread per connection, and can be closed while clients are connected.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], world: World) -> None:
        self.world = world
        self.closing = threading.Event()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._clients_lock = threading.Lock()
        super().__init__(address, ApiHandler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.02,), name="linq-simulator-api", daemon=True
        )
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """
        Serve a connection on a thread that can be found again.
        """
        address = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=address, daemon=True)
        with self._clients_lock:
            self._clients[request] = thread
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """
        Serve a connection and forget it.
        """
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._clients_lock:
                self._clients.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """
        Say nothing on stderr about clients that went away.
        """
        logger.debug("a connection ended early", exc_info=True)  # noqa: LOG014 - called from one

    def close(self) -> None:
        """
        Stop listening, hang up on everyone, and wait for the threads.
        """
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._clients_lock:
            clients = dict(self._clients)
        for client, thread in clients.items():
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            thread.join()
