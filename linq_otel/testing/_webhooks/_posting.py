"""
One HTTP POST to an endpoint, over a connection that is kept where that is safe.
"""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit


if TYPE_CHECKING:
    from collections.abc import Mapping


_Kept = dict[tuple[str, str], http.client.HTTPConnection]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What came of a try; no status means no answer.
    """

    status: int | None
    is_lost: bool = False

    @property
    def is_retried(self) -> bool:
        """
        Whether Linq tries again: on 5xx, 429, a timeout, a refused connection.
        """
        if self.status is None:
            return not self.is_lost
        return self.status >= 500 or self.status == 429  # noqa: PLR2004 - HTTP


class Postman:
    """
    Keeps one connection per thread and endpoint.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._own = threading.local()
        self._all: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self._closed = False

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """
        Deliver once.
        """
        if self._closed:
            return Outcome(None, is_lost=True)
        parts = urlsplit(url)
        connection = self._take(parts.scheme, parts.netloc)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", target, body=body, headers=dict(headers))
            response = connection.getresponse()
            response.read()
        except socket.gaierror:
            connection.close()
            return Outcome(None, is_lost=True)
        except (OSError, http.client.HTTPException):
            connection.close()
            return Outcome(None)
        return Outcome(response.status)

    def release(self) -> None:
        """
        Close the calling thread's connections.
        """
        for connection in self._kept().values():
            with self._lock:
                self._all.discard(connection)
            connection.close()
        self._kept().clear()

    def interrupt(self) -> None:
        """
        Wake every thread that waits for an answer.
        """
        with self._lock:
            self._closed = True
            for connection in self._all:
                _shut(connection)

    def close(self) -> None:
        """
        Close every connection; nothing may be under way.
        """
        for connection in self._all:
            connection.close()

    def _kept(self) -> _Kept:
        if not hasattr(self._own, "kept"):
            self._own.kept = _Kept()
        return cast("_Kept", self._own.kept)

    def _take(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        kept = self._kept()
        if (scheme, netloc) not in kept:
            make = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            kept[scheme, netloc] = make(netloc, timeout=self._timeout)
            with self._lock:
                self._all.add(kept[scheme, netloc])
        connection = kept[scheme, netloc]
        if scheme == "https" or not _is_alive(connection):
            connection.close()
        return connection


def _is_alive(connection: http.client.HTTPConnection) -> bool:
    """
    Whether the other side has neither closed nor said anything unasked.
    """
    sock = connection.sock
    if sock is None:
        return False
    timeout = sock.gettimeout()
    try:
        sock.settimeout(0)
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        sock.settimeout(timeout)
    return False


def _shut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
