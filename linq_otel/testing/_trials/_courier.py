"""
One POST to somebody's endpoint, and everything there is to say about how it was answered.

Unlike the simulator's own deliveries, which only need to know whether to try again. No redirect is
followed: Linq documents none, and a signed webhook must not end up at an address nobody named.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit


if TYPE_CHECKING:
    from collections.abc import Mapping


MOST_READ = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back.

    Attributes:
        status: The HTTP status, if there was one.
        seconds: Real seconds until then.
        failure: Why there was none: ``refused``, ``host``, ``tls``, ``unreached``, ``timeout`` or
            ``broken``.
        detail: The reason in the system's words.
    """

    status: int | None
    seconds: float
    failure: str = ""
    detail: str = ""

    @property
    def is_unreachable(self) -> bool:
        """
        Whether the endpoint has not even heard of it.
        """
        return self.failure in {"refused", "host", "tls", "unreached"}

    @property
    def is_success(self) -> bool:
        """
        Whether Linq takes it for delivered: a 2xx.
        """
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP

    @property
    def is_retried(self) -> bool:
        """
        Whether Linq tries again: on 5xx, 429, a timeout or a refused connection.
        """
        if self.status is None:
            return self.failure in {"refused", "unreached", "timeout", "broken"}
        return self.status >= 500 or self.status == 429  # noqa: PLR2004 - HTTP


class Courier:
    """
    Posts to one URL, each time over a connection of its own.

    Args:
        url: ``http`` or ``https``.
        time_limit: Seconds an answer may take.
    """

    def __init__(self, url: str, time_limit: float) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        self._place = parts.netloc
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._time_limit = time_limit

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """
        Post once.
        """
        connection = self._connect()
        begun = time.perf_counter()
        name = _name_unreached
        try:
            connection.connect()
            name = _name_unanswered
            status = self._ask(connection, headers, body)
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, time.perf_counter() - begun, name(error), _explain(error))
        finally:
            connection.close()
        seconds = time.perf_counter() - begun
        if seconds > self._time_limit:  # Each part came in time, and the whole did not.
            return Answer(None, seconds, "timeout")
        return Answer(status, seconds)

    def _ask(
        self, connection: http.client.HTTPConnection, headers: Mapping[str, str], body: bytes
    ) -> int:
        connection.request("POST", self._target, body=body, headers=dict(headers))
        response = connection.getresponse()
        response.read(MOST_READ)
        return response.status

    def _connect(self) -> http.client.HTTPConnection:
        make = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return make(self._place, timeout=self._time_limit)


def _name_unreached(error: Exception) -> str:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (socket.gaierror, "host"),
        (ssl.SSLError, "tls"),
        (ConnectionRefusedError, "refused"),
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "unreached")


def _name_unanswered(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else "broken"


def _explain(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
