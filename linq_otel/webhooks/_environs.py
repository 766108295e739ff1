"""
What of a WSGI request concerns us: its headers, and its body read ahead, to be read again.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from linq_otel._shield import shield

from ._signatures import KEPT


if TYPE_CHECKING:
    from ._endpoint import Endpoint
    from ._signatures import LinqHeaders

    Environ = dict[str, Any]


# Text that is all digits need not be a number: "²" is one, and so is what is too long for one.
_LENGTH: Final = re.compile(r"\d{1,18}", re.ASCII)

_VARIABLES: Final = tuple((f"HTTP_{name.upper().replace('-', '_')}", name) for name in KEPT)


_PIECE: Final = io.DEFAULT_BUFFER_SIZE


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def find_headers(endpoint: Endpoint, environ: Environ) -> LinqHeaders | None:
    """
    Return the headers that concern us, or None if this request is no delivery.
    """
    path = _decoded(environ.get("PATH_INFO", ""))
    headers = ((name, environ[variable]) for variable, name in _VARIABLES if variable in environ)
    whole = _decoded(environ.get("SCRIPT_NAME", "")) + path
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
    source: _Input = environ.get("wsgi.input") or io.BytesIO()
    is_open_ended = expected < 0
    body, error = _read(source, limit + 1 if is_open_ended else expected)
    if error is not None or len(body) > limit:
        environ["wsgi.input"] = io.BufferedReader(Replayed(body, source, error))
        return None
    _rewind(source, len(body))
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


def _decoded(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")


def _read(source: _Input, size: int) -> tuple[bytes, Exception | None]:
    body = bytearray()
    try:
        # In pieces as small as an app's: Werkzeug's server reads memory that is not its own where a
        # chunk breaks off, and a large piece took the process down.
        while len(body) < size and (piece := source.read(min(size - len(body), _PIECE))):
            body += piece
    except Exception as error:
        # The client is gone, or has sent what its server cannot read; servers have errors of
        # their own for it. The app will meet the same one when it reads.
        return bytes(body), error
    return bytes(body), None


def _rewind(source: _Input, length: int) -> None:
    """
    Leave a stream that can go back where it was: test clients read it again for a redirect.
    """
    seek: Any = getattr(source, "seek", None)
    seekable: Any = getattr(source, "seekable", None)
    with shield("rewinding the stream of a request"):
        if length and seek is not None and seekable is not None and seekable():
            seek(-length, io.SEEK_CUR)


class Replayed(io.RawIOBase):
    """
    What was read, and then the rest of the stream it was read from, or the error it ended with.

    A server's stream that has failed once may say that it has ended when it is
    asked again, and half a body would pass for a whole one.
    """

    def __init__(self, read: bytes, rest: _Input, error: Exception | None = None) -> None:
        self._read = io.BytesIO(read)
        self._rest = rest
        self._error = error

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
        piece = self._read.read(len(view))
        if not piece and self._error is not None:
            raise self._error
        piece = piece or self._rest.read(len(view))
        view[: len(piece)] = piece
        return len(piece)
