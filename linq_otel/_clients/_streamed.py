"""
Bodies that their callers read in parts, captured while they are read.

The methods of the response's class are replaced, so that one of a response is
bound as ever, and every way to read goes through it. The caller's own reads are
the only ones, and give what they always gave.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from linq_otel._shield import shield

from ._late import LateBodies


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from linq_otel._patching import Function, Patches

    from ._late import LateBody

    Replace = Callable[["StreamedBodies", Patches, Function], Function]


# No answer of Linq's that names a message is longer.
_MAX_BYTES: Final = 1024 * 1024


class StreamedBody:
    """
    The parts of one body that have been read.

    Attributes:
        is_read_in: True while a method that is captured runs, which may call another.
    """

    __slots__ = ("_late", "_length", "_parts", "is_read_in")

    def __init__(self, late: LateBody) -> None:
        self._late = late
        self._parts: list[bytes] = []
        self._length = 0
        self.is_read_in = False

    def add(self, part: object) -> bool:
        """
        Add what was read; False if this is no body that can be captured.
        """
        if not isinstance(part, bytes):
            return False
        self._parts.append(part)
        self._length += len(part)
        return self._length <= _MAX_BYTES

    def finish(self) -> bool:
        """
        Report the body if it is whole; False if it is not.
        """
        return bool(self._parts) and self._late.arrive(b"".join(self._parts))


class StreamedBodies(LateBodies[StreamedBody]):
    """
    The responses of one class whose bodies are unread.

    Args:
        patches: Replaces the methods, with the first response that is unread:
            every response of the app pays for them.
        module: The module of the class.
        owner: The class.
        reads: Its methods that read, each with what takes its place. One that
            this version of the library lacks is passed over.
        is_at_end: Tells whether nothing of a response is left to read.
    """

    def __init__(
        self,
        patches: Patches,
        module: str,
        owner: type,
        reads: Mapping[str, Replace],
        is_at_end: Callable[[Any], bool],
    ) -> None:
        super().__init__(self._watch)
        self._patches = patches
        self._module = module
        self._owner = owner
        self._reads = reads
        self._is_at_end = is_at_end

    def put_streamed(self, response: Any, late: LateBody) -> None:
        """
        Capture the body of *response* while its caller reads it.
        """
        self.put(response, StreamedBody(late))

    def begin(self, response: Any) -> StreamedBody | None:
        """
        Return the body of *response* if the method that now begins captures it.
        """
        body = self.find(response)
        return None if body is None or body.is_read_in else body

    def add(self, response: Any, body: StreamedBody, part: object) -> None:
        """
        Add what was read of *response*, and report the body once that is whole.
        """
        with shield("capturing a body"):
            if self.find(response) is body and (
                not body.add(part) or (self._is_at_end(response) and body.finish())
            ):
                self.take(response)

    def _watch(self) -> None:
        for name, replace in self._reads.items():
            if name in vars(self._owner):
                self._patches.weave(
                    self._module, self._owner.__name__, name, partial(replace, self)
                )


def capture_read(bodies: StreamedBodies, patches: Patches, read: Function) -> Function:
    """
    Capture what a method returns.
    """

    def captured(response: Any, *args: Any, **kwargs: Any) -> Any:
        body = bodies.begin(response) if patches.is_on else None
        if body is None:
            return read(response, *args, **kwargs)
        body.is_read_in = True
        try:
            part = read(response, *args, **kwargs)
        finally:
            body.is_read_in = False
        bodies.add(response, body, part)
        return part

    return captured


def capture_readinto(bodies: StreamedBodies, patches: Patches, read: Function) -> Function:
    """
    Capture what a method puts into the buffer it is given.
    """

    def captured(response: Any, buffer: Any, *args: Any, **kwargs: Any) -> Any:
        body = bodies.begin(response) if patches.is_on else None
        if body is None:
            return read(response, buffer, *args, **kwargs)
        body.is_read_in = True
        try:
            count = read(response, buffer, *args, **kwargs)
        finally:
            body.is_read_in = False
        bodies.add(response, body, bytes(memoryview(buffer).cast("B")[:count]))
        return count

    return captured


def capture_chunks(bodies: StreamedBodies, patches: Patches, read: Function) -> Function:
    """
    Capture what a generator function yields.
    """

    def captured(response: Any, *args: Any, **kwargs: Any) -> Generator[Any]:
        body = bodies.begin(response) if patches.is_on else None
        if body is None:
            yield from read(response, *args, **kwargs)
            return
        chunks = read(response, *args, **kwargs)
        try:
            while True:
                body.is_read_in = True
                try:
                    chunk = next(chunks)
                except StopIteration:
                    break
                finally:
                    body.is_read_in = False
                bodies.add(response, body, chunk)
                yield chunk
        finally:
            chunks.close()
        # Only now is it at its end.
        bodies.add(response, body, b"")

    return captured
