"""
What of a WSGI request concerns us: its headers, and its body read ahead, to be read again.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from ._signatures import KEPT


if TYPE_CHECKING:
    from ._endpoint import Endpoint
    from ._signatures import LinqHeaders

    Environ = dict[str, Any]


# Text that is all digits need not be a number: "²" is one, and so is what is too long for one.
_LENGTH: Final = re.compile(r"\d{1,18}", re.ASCII)

_VARIABLES: Final = tuple((f"HTTP_{name.upper().replace('-', '_')}", name) for name in KEPT)


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def find_headers(endpoint: Endpoint, environ: Environ) -> LinqHeaders | None:
    """
    Return the headers that concern us, or None if this request is no delivery.
    """
    path = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1", "replace").decode(errors="replace")
    headers = ((name, environ[variable]) for variable, name in _VARIABLES if variable in environ)
    whole = environ.get("SCRIPT_NAME", "") + path
    return endpoint.find_headers(environ.get("REQUEST_METHOD", ""), headers, path, whole)


def read_body(environ: Environ, limit: int) -> bytes | None:
    """
    Return the body, and leave an equal stream in its place; None if it is too long or broke off.

    Its length is ``CONTENT_LENGTH``, or where the stream ends if the server
    says that it does (``wsgi.input_terminated``, for chunked bodies). What is
    declared longer than *limit* is not touched.
    """
    expected = _length_of(environ)
    if expected is None or expected > limit:
        return None
    source: _Input = environ["wsgi.input"]
    is_open_ended = expected < 0
    body, is_broken = _read(source, limit + 1 if is_open_ended else expected)
    if is_broken or len(body) > limit:
        environ["wsgi.input"] = io.BufferedReader(_Replayed(body, source))
        return None
    environ["wsgi.input"] = io.BytesIO(body)
    return body if is_open_ended or len(body) == expected else None


def parse_length(declared: str) -> int | None:
    """
    Parse the length a request says its body has; None if it makes no sense.
    """
    return int(declared) if _LENGTH.fullmatch(declared) else None


def _length_of(environ: Environ) -> int | None:
    """
    Return the length of the body, -1 if it lasts until its end, None if it makes no sense.
    """
    declared = environ.get("CONTENT_LENGTH")
    if declared:
        return parse_length(declared)
    return -1 if environ.get("wsgi.input_terminated") else 0


def _read(source: _Input, size: int) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        while len(body) < size and (piece := source.read(size - len(body))):
            body += piece
    except OSError:
        # The client is gone; the app will meet the same error when it reads.
        return bytes(body), True
    return bytes(body), False


class _Replayed(io.RawIOBase):
    """
    What was read, and then the rest of the stream it was read from.
    """

    def __init__(self, read: bytes, rest: _Input) -> None:
        self._read = io.BytesIO(read)
        self._rest = rest

    def readable(self) -> bool:
        """
        Return True: it is for reading.
        """
        return True

    def readinto(self, buffer: Any, /) -> int:
        """
        Fill *buffer*, and return with how much.
        """
        view = memoryview(buffer).cast("B")
        piece = self._read.read(len(view)) or self._rest.read(len(view))
        view[: len(piece)] = piece
        return len(piece)
