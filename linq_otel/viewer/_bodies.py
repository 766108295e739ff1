"""
Reads the body of a request, and unpacks it, without ever holding more than is good.

A few kilobytes can unpack to gigabytes, so the limit holds before and after; and the bodies of all
requests under way share one purse, so that many large ones do not add up.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Generator


MAX_BODY: Final = 16 * 2**20
"""Bytes of one body, before and after unpacking."""
_MAX_UNDER_WAY: Final = 64 * 2**20
_MOST_MEMBERS: Final = 16
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS
ENCODINGS: Final = ("gzip", "deflate")


class BodyError(Exception):
    """
    A body cannot be taken.

    Attributes:
        status: What HTTP calls it.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Purse:
    """
    How many bytes of requests under way are in memory.
    """

    def __init__(self, room: int = _MAX_UNDER_WAY) -> None:
        self._room = room

    @contextmanager
    def lend(self) -> Generator[Loan]:
        """
        Lend room to one request while the block lasts.
        """
        loan = Loan(self)
        try:
            yield loan
        finally:
            self._room += loan.bytes

    def take(self, size: int) -> bool:
        """
        Take *size* bytes; False if they are not there.
        """
        if size > self._room:
            return False
        self._room -= size
        return True


class Loan:
    """
    The room that one request has.
    """

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self.bytes = 0

    def check(self, size: int) -> None:
        """
        Raise at once what a body of *size* bytes would lead to.

        Raises:
            BodyError: It is too much for one request (413).
        """
        if size > MAX_BODY:
            raise BodyError(413, _TOO_LARGE)

    def grow(self, size: int) -> None:
        """
        Have *size* bytes more.

        Raises:
            BodyError: It is too much for one request (413), or for all of them now (503).
        """
        self.check(self.bytes + size)
        if not self._purse.take(size):
            raise BodyError(503, "too much is under way; try again in a moment")
        self.bytes += size


async def read_body(stream: AsyncIterable[bytes], loan: Loan) -> bytes:
    """
    Read a body to its end, as it came.

    Raises:
        BodyError: It is too large.
    """
    # One piece of memory: parts of a few bytes each would take ten times as much.
    body = bytearray()
    async for part in stream:
        loan.grow(len(part))
        body += part
    return bytes(body)


def unpack(body: bytes, encoding: str) -> bytes:
    """
    Undo the content encoding of *body*.

    Args:
        body: As it came.
        encoding: The header ``content-encoding``; empty if there was none.

    Raises:
        BodyError: It unpacks to too much (413), is damaged (400), or is packed in a way that is
            not known (415).
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in ENCODINGS:
        raise BodyError(415, f"content-encoding is not one of {', '.join(ENCODINGS)}")
    try:
        return _inflate(body, _GZIP_OR_ZLIB)
    except zlib.error as error:
        # Some call it deflate and leave zlib's frame out (RFC 9110, 8.4.1.2).
        if encoding == "gzip" or body[:1] == b"\x78":
            raise BodyError(400, f"the body is not {encoding}: {error}") from error
    try:
        return _inflate(body, _RAW)
    except zlib.error as error:
        raise BodyError(400, f"the body is not {encoding}: {error}") from error


def _inflate(body: bytes, window: int) -> bytes:
    if not body:
        return b""
    parts: list[bytes] = []
    room = MAX_BODY
    # What follows a member is copied, so that many small ones would take a time that grows with the
    # square of their number; exporters send one.
    for _ in range(_MOST_MEMBERS):
        inflating = zlib.decompressobj(window)
        part = inflating.decompress(body, room + 1)
        room -= len(part)
        if room < 0:
            raise BodyError(413, _TOO_LARGE)
        if not inflating.eof:
            raise zlib.error("it ends too early")
        parts.append(part)
        body = inflating.unused_data  # gzip may have several members.
        if not body:
            return b"".join(parts)
    raise BodyError(400, f"the body has more than {_MOST_MEMBERS} gzip members; send it as one")


_TOO_LARGE: Final = f"the body is larger than {MAX_BODY} bytes; export smaller batches"
