"""
An endpoint on loopback that records webhooks, for a tunnel or Linq's CLI to forward to.

It answers 200 at once to what it has recorded, as a handler should, and keeps at
most as many bytes as a webhook may have. A page in a browser cannot write into the
recording: what names another host than this one, without a tunnel's word for it, or
comes from a page is refused.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from ._samples import Samples, read_delivery


if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from typing_extensions import Self


__all__ = ["Listener"]

_MOST_BYTES: Final = 1024 * 1024
_MOST_KEPT: Final = 10_000
_MOST_LINE: Final = 200
_MOST_BYTES_KEPT: Final = 256 * _MOST_BYTES
_SECONDS: Final = 10.0
_HOST: Final = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
# ngrok, cloudflared and the others send the first.
_OF_TUNNELS: Final = ("x-forwarded-for", "x-forwarded-host", "forwarded", "cf-connecting-ip")


class Listener:
    """
    Records what is posted to it.

    Args:
        port: Where to listen on 127.0.0.1; 0 takes one that is free.
        note: Called with each webhook as it arrives, in a thread of its own,
            one at a time. If it raises an OSError, listening ends with that.
        tell: Called with one line for each kind of request that is refused.

    Raises:
        OSError: If the port is taken.

    """

    def __init__(
        self,
        port: int,
        note: Callable[[Samples, dict[str, Any]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._parts: list[Samples] = []
        self._size = 0
        self._answered = 0
        self._note = note
        self._tell = tell
        self._told: set[str] = set()
        self._error: OSError | None = None
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
        Return once *count* webhooks have arrived, 10,000 at most, or *seconds* have passed.

        Raises:
            OSError: If a webhook could not be noted.
        """
        count = min(count or _MOST_KEPT, _MOST_KEPT)
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._arrived:
            while self._answered < count:
                if self._error is not None:
                    raise self._error
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return
                # In steps, so that Ctrl-C is heard on every platform.
                self._arrived.wait(0.5 if left is None else min(left, 0.5))

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """
        Keep one webhook; False if there is no more room, or it could not be noted.
        """
        now = time.time()
        found = read_delivery("", body, headers=headers, received_at=now)
        return self._keep(found, _build_record(headers, body, now), len(body))

    def take_unread(self, why: str) -> None:
        """
        Keep that a webhook came whose body could not be read.
        """
        self._keep(Samples(unread=(("", why),)), None)

    def tell_once(self, why: str) -> None:
        """
        Tell why requests are refused, once for each reason.
        """
        with self._arrived:
            if why not in self._told:
                self._told.add(why)
                self._tell(f"? refused: {why}")

    def note_answered(self) -> None:
        """
        Count one request whose sender has its answer: now the process may end.
        """
        with self._arrived:
            self._answered += 1
            self._arrived.notify_all()

    def _keep(self, found: Samples, record: dict[str, Any] | None, size: int = 0) -> bool:
        with self._arrived:
            self._size += size
            is_full = len(self._parts) >= _MOST_KEPT or self._size > _MOST_BYTES_KEPT
            if is_full or self._error is not None:
                return False
            found = _name(found, f"webhook {len(self._parts) + 1}")
            self._parts.append(found)
            try:
                self._note(found, record or {})
            except OSError as error:
                self._error = error
                self._arrived.notify_all()
            return self._error is None


def _name(found: Samples, place: str) -> Samples:
    return replace(
        found,
        deliveries=tuple(replace(each, place=place) for each in found.deliveries),
        unread=tuple((place, why) for _, why in found.unread),
    )


def _build_record(headers: dict[str, str], body: bytes, now: float) -> dict[str, Any]:
    try:
        return {"received_at": now, "headers": headers, "body": body.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(body).decode()
        return {"received_at": now, "headers": headers, "body_base64": encoded}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    listener: Listener

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        Say nothing: a caller may be gone before its answer.
        """


class _UnreadableError(Exception):
    """
    A body that cannot be read: the status to answer, and why.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    # So that a careful client is told to go on with its body.
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """
        Take a webhook.
        """
        server: Any = self.server
        listener: Listener = server.listener
        refusal = _find_refusal(self.headers)
        if refusal is not None:
            listener.tell_once(refusal)
            self._answer(403)
            return
        try:
            body = self._read_body()
        except _UnreadableError as error:
            listener.take_unread(str(error))
            self._answer(error.status)
        else:
            # Before the answer, so that who waits for it has its webhooks in order.
            is_kept = listener.take(_keep(dict(self.headers.items())), body)
            self._answer(200 if is_kept else 503)
        listener.note_answered()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its name.
        """
        Say nothing: lines of requests hold paths, and those may hold secrets.
        """

    def _answer(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("content-length", "0")
        self.send_header("connection", "close")
        self.end_headers()

    def _read_body(self) -> bytes:
        coding = (self.headers.get("transfer-encoding") or "").strip().lower()
        length = (self.headers.get("content-length") or "0").strip()
        try:
            if coding == "chunked":
                return self._read_chunks()
            if coding:
                raise _UnreadableError(501, "its body comes in a transfer coding that is not known")
            if not (length.isascii() and length.isdecimal()):
                raise _UnreadableError(400, "its Content-Length is no number")
            return self._read(int(length))
        except OSError:
            raise _UnreadableError(400, "its body ended early") from None

    def _read(self, size: int, before: int = 0) -> bytes:
        if before + size > _MOST_BYTES:
            raise _UnreadableError(413, "its body is larger than 1 MiB")
        body = self.rfile.read(size)
        if len(body) < size:
            raise _UnreadableError(400, "its body ended early")
        return body

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            digits = self.rfile.readline(_MOST_LINE).partition(b";")[0].strip()
            if not digits or digits.strip(b"0123456789abcdefABCDEF"):
                raise _UnreadableError(400, "its body is not well chunked")
            size = int(digits, 16)
            body += self._read(size, len(body))
            if size == 0:
                return body
            if self.rfile.readline(_MOST_LINE).strip():
                raise _UnreadableError(400, "its body is not well chunked")


def _find_refusal(headers: Message) -> str | None:
    """
    Return why a request is refused: a page in a browser has sent it, or it names another host.

    A browser adds an Origin to every POST, also where a name of a stranger leads here (DNS
    rebinding). Tunnels pass the public name on, and say so.
    """
    site = headers.get("sec-fetch-site", "none").strip().lower()
    if headers.get("origin") is not None or site != "none":
        return "a page in a browser sent it"
    hosts = headers.get_all("host", [])
    is_near = all(_HOST.fullmatch(host.strip().lower()) for host in hosts) and len(hosts) < 2  # noqa: PLR2004  # Two.
    if is_near or any(name in headers for name in _OF_TUNNELS):
        return None
    return (
        "it names another host than this one, and no tunnel says that it passed it on "
        "(X-Forwarded-For): let yours do so, or write Host anew (ngrok http --host-header=rewrite)"
    )


def _keep(headers: dict[str, str]) -> dict[str, str]:
    # What an endpoint is called with besides is nobody's business: cookies, tokens of a tunnel.
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith(("webhook-", "x-webhook-", "content-type"))
    }
