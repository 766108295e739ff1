"""
An endpoint on loopback that records webhooks, for a tunnel or Linq's CLI to forward to.

It answers 200 to everything and at once, as a handler should, and keeps at
most as many bytes as a webhook may have.
"""

from __future__ import annotations

import base64
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from ._samples import Samples, read_delivery


if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


__all__ = ["Listener"]

_MOST_BYTES: Final = 1024 * 1024
_MOST_KEPT: Final = 10_000
_MOST_BYTES_KEPT: Final = 256 * _MOST_BYTES
_SECONDS: Final = 10.0


class Listener:
    """
    Records what is posted to it.

    Args:
        port: Where to listen on 127.0.0.1; 0 takes one that is free.
        note: Called with each webhook as it arrives, in a thread of its own,
            one at a time.

    Raises:
        OSError: If the port is taken.

    """

    def __init__(self, port: int, note: Callable[[Samples, dict[str, Any]], None]) -> None:
        self._parts: list[Samples] = []
        self._size = 0
        self._answered = 0
        self._note = note
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.listener = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="linq_otel_listen", daemon=True
        )

    @property
    def samples(self) -> Samples:
        """
        What has arrived, at most 10,000 of it and 256 MiB.
        """
        return Samples.of(self._parts)

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        """
        Begin to listen.
        """
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """
        Let go of the port.
        """
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def wait(self, count: int | None, seconds: float | None) -> None:
        """
        Return once *count* webhooks have arrived or *seconds* have passed; else never.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._arrived:
            while count is None or self._answered < count:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return
                # In steps, so that Ctrl-C is heard on every platform.
                self._arrived.wait(0.5 if left is None else min(left, 0.5))

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """
        Keep one request.
        """
        with self._arrived:
            now = time.time()
            self._size += len(body)
            if len(self._parts) >= _MOST_KEPT or self._size > _MOST_BYTES_KEPT:
                return
            place = f"webhook {len(self._parts) + 1}"
            found = read_delivery(place, body, headers=headers, received_at=now)
            self._parts.append(found)
            self._note(found, _build_record(headers, body, now))

    def note_answered(self) -> None:
        """
        Count one request whose sender has its answer: now the process may end.
        """
        with self._arrived:
            self._answered += 1
            self._arrived.notify_all()


def _build_record(headers: dict[str, str], body: bytes, now: float) -> dict[str, Any]:
    try:
        return {"received_at": now, "headers": headers, "body": body.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(body).decode()
        return {"received_at": now, "headers": headers, "body_base64": encoded}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    listener: Listener


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS

    def do_POST(self) -> None:
        """
        Take a webhook.
        """
        length = self.headers.get("content-length") or ""
        size = int(length) if length.isascii() and length.isdecimal() else 0
        is_small = size <= _MOST_BYTES
        server: Any = self.server
        if is_small:
            # Before the answer, so that who waits for it has its webhooks in order.
            server.listener.take(_keep(dict(self.headers.items())), self.rfile.read(size))
        self.send_response(200 if is_small else 413)
        self.send_header("content-length", "0")
        self.end_headers()
        self.close_connection = True
        server.listener.note_answered()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its name.
        """
        Say nothing: lines of requests hold paths, and those may hold secrets.
        """


def _keep(headers: dict[str, str]) -> dict[str, str]:
    # What an endpoint is called with besides is nobody's business: cookies, tokens of a tunnel.
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith(("webhook-", "x-webhook-", "content-type"))
    }
