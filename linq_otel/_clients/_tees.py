"""
Overhearing a body while its caller reads it.

The caller's own reads are the only ones, and give what they always gave. A
response that nobody reads, or that is longer than an answer of Linq's can be,
is let go.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from linq_otel._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ._late import LateBody


_LONGEST: Final = 1024 * 1024


class _Overheard:
    """
    The parts of one body as they are read.
    """

    __slots__ = ("_late", "_length", "_parts")

    def __init__(self, late: LateBody) -> None:
        self._late: LateBody | None = late
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: object) -> None:
        if self._late is None:
            return
        data = part.encode() if isinstance(part, str) else part
        if not isinstance(data, bytes) or self._length + len(data) > _LONGEST:
            self.give_up()
            return
        self._parts.append(data)
        self._length += len(data)

    def finish(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            late.arrive(b"".join(self._parts))

    def give_up(self) -> None:
        self._late = None
        self._parts.clear()


def overhear_reads(response: Any, late: LateBody, is_at_end: Callable[[Any], bool]) -> None:
    """
    Overhear ``response.read``, in as many parts as the caller likes.

    Args:
        response: A file-like response.
        late: Told of the whole body.
        is_at_end: Tells whether nothing is left to read.
    """
    overheard = _Overheard(late)
    read = _method_of(response, "read")
    # Not the response itself: in a circle, it would be closed later than it is.
    owner = weakref.ref(response)

    def tee(*args: Any, **kwargs: Any) -> Any:
        here = owner()
        part = read(here, *args, **kwargs)
        with shield("overhearing a body"):
            overheard.add(part)
            if is_at_end(here):
                overheard.finish()
        return part

    response.read = tee


def overhear_chunks(response: Any, late: LateBody) -> None:
    """
    Overhear ``response.iter_content``, through which requests reads everything.
    """
    overheard = _Overheard(late)
    iter_content = _method_of(response, "iter_content")
    owner = weakref.ref(response)

    def tee(*args: Any, **kwargs: Any) -> Iterator[Any]:
        return _tee_chunks(iter_content(owner(), *args, **kwargs), overheard)

    response.iter_content = tee


def _tee_chunks(chunks: Iterator[Any], overheard: _Overheard) -> Generator[Any]:
    try:
        for chunk in chunks:
            with shield("overhearing a body"):
                overheard.add(chunk)
            yield chunk
        with shield("overhearing a body"):
            overheard.finish()
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def _method_of(response: object, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(type(response), name)
    return found
