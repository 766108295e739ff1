"""
The rows within a JSON document, one at a time, however large the document is.

The document is never held: the names that lead to the rows are read one by one, and each row as it
comes. Rows stand at the top, in a list, or at any depth of an object; one document may follow
another.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from linq_otel.integration_logs._fields._json_values import TOO_DEEP
from linq_otel.integration_logs._findings import UnusableError

from ._nested_rows import find_rows, is_har_entry, is_row


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader


_CHUNK: Final = 65_536
_SPACE: Final = " \t\r\n"
LISTS: Final = frozenset({"entries", "webhook_logs", "data", "logs", "rows", "results"})
"""Names under which a list holds the rows."""
HOLDERS: Final = frozenset({"log"})
"""Names under which an object holds such a list, as in a HAR."""
_HAR_LIST: Final = "entries"
_HAR_ENTRY: Final = 64_000_000
_DEPTH_AT_MOST: Final = 48
_Row: TypeAlias = "tuple[int, str, object]"


class _TooLongError(UnusableError):
    """
    A row is longer than a row may be.
    """


class JsonStream:
    """
    A window that moves over a text.
    """

    def __init__(self, stream: IO[str], reader: JsonReader, max_entry: int) -> None:
        self._stream = stream
        self._reader = reader
        self._max_entry: int = max_entry
        self._text = ""
        self._at = 0
        self._lines = 1
        self._is_over = False
        self._depth = 0

    @property
    def line(self) -> int:
        """
        The line the window stands on.
        """
        return self._lines

    def rows(self) -> Iterator[_Row]:
        """
        Yield line, the name of the list it stands in, and each row.

        Raises:
            UnusableError: The document cannot be followed any further.
        """
        while head := self._peek():
            if head == "[":
                yield from self._list("", is_ours=True)
            elif head == "{":
                yield from self._node("", is_ours=True)
            else:
                line = self._lines
                yield line, "", self._value()

    def _node(self, name: str, *, is_ours: bool) -> Iterator[_Row]:
        """
        Read an object that is a row, or holds rows at any depth.

        Args:
            name: Of the list it stands in.
            is_ours: True where a row is expected, so that anything else is told as well.
        """
        line, end, is_any = self._lines, 0, False
        value, error = None, None
        try:
            value, end = self._look_at_row()
        except _TooLongError:
            pass  # No row is that long, so this holds some.
        except UnusableError as caught:
            error = caught
        if error is None and end:
            is_one = is_row(value) or is_har_entry(value)
            holds_rows = not is_one and any(True for _ in find_rows(value))
            # What holds rows, or might, is read anew, to tell of each on which line it stands.
            is_read = not is_one and (
                "\n" in self._text[self._at : end] if holds_rows else is_ours and _is_holder(value)
            )
            if not is_read:
                self._advance(end)
                if is_one or holds_rows or is_ours:
                    yield line, name, value
                return
        try:
            for found in self._object():
                is_any = True
                yield found
        except UnusableError:
            if is_any or error is None:
                raise
        if error is not None and not is_any:
            # Nothing was found in it, so it is what it was taken for at first: a broken row.
            self._lines = line
            raise error

    def _look_at_row(self) -> tuple[object, int]:
        try:
            return self._look(_CHUNK)
        except _TooLongError:
            if self._is_wrapped():
                raise
            return self._look(self._max_entry)

    def _look(self, limit: int) -> tuple[object, int]:
        """
        Read the value that begins here without moving on.

        Raises:
            UnusableError: It is not JSON, or longer than *limit*.
        """
        while True:
            size = len(self._text) - self._at
            try:
                return self._reader.parse_from(self._text, self._at)
            except UnusableError:
                if size >= limit:
                    raise _TooLongError("", "a row is too long") from None
                if not self._fill(max(_CHUNK, 2 * size)):
                    raise

    def _is_wrapped(self) -> bool:
        """
        Tell whether the object that begins here holds rows, instead of being one.
        """
        self._fill(_CHUNK)
        head = self._text[self._at : self._at + _CHUNK]
        for name in (*LISTS, *HOLDERS):
            at = head.find(f'"{name}"')
            if at >= 0 and head.count("{", 0, at) - head.count("}", 0, at) == 1:
                after = head[at + len(name) + 2 :].lstrip().removeprefix(":").lstrip()[:1]
                if after == ("{" if name in HOLDERS else "["):
                    return True
        return False

    def _object(self) -> Iterator[_Row]:
        self._depth += 1
        if self._depth > _DEPTH_AT_MOST:
            raise UnusableError("", TOO_DEEP)
        self._take("{")
        while self._peek() != "}":
            name = str(self._value())
            self._take(":")
            head = self._peek()
            if head == "[":
                yield from self._list(name, is_ours=name in LISTS)
            elif head == "{":
                yield from self._node(name, is_ours=False)
            else:
                self._value()
            if self._peek() == ",":
                self._take(",")
        self._take("}")
        self._depth -= 1

    def _list(self, name: str, *, is_ours: bool) -> Iterator[_Row]:
        self._depth += 1
        if self._depth > _DEPTH_AT_MOST:
            raise UnusableError("", TOO_DEEP)
        self._take("[")
        usual: int = self._max_entry
        if name == _HAR_LIST:
            self._max_entry = max(usual, _HAR_ENTRY)  # A page's own scripts stand in a HAR too.
        while (head := self._peek()) != "]":
            if head == "{":
                yield from self._node(name, is_ours=is_ours)
            elif head == "[":
                yield from self._list(name, is_ours=is_ours)
            else:
                line, value = self._lines, self._value()
                if is_ours:
                    yield line, name, value
            if self._peek() == ",":
                self._take(",")
        self._take("]")
        self._depth -= 1
        self._max_entry = usual

    def _value(self) -> object:
        self._peek()
        while True:
            try:
                value, end = self._reader.parse_from(self._text, self._at)
            except _TooLongError:
                raise
            except UnusableError:
                if not self._fill(max(_CHUNK, 2 * (len(self._text) - self._at))):
                    raise
                continue
            # A number at the end of the window may go on beyond it.
            if end == len(self._text) and self._text[end - 1] not in '}]"' and self._fill_more():
                continue
            self._advance(end)
            return value

    def _fill_more(self) -> bool:
        return self._fill(len(self._text) - self._at + _CHUNK)

    def _fill(self, size: int) -> bool:
        """
        Widen the window to *size* characters; False if there is no more.
        """
        before = len(self._text) - self._at
        if before > self._max_entry:
            raise _TooLongError("", "a row is too long, or its brackets never close")
        while not self._is_over and len(self._text) - self._at < size:
            chunk = self._stream.read(_CHUNK)
            self._is_over = not chunk
            self._text = self._text[self._at :] + chunk
            self._at = 0
        return len(self._text) - self._at > before

    def _peek(self) -> str:
        """
        Return the next character that is no space; empty at the end.
        """
        while True:
            while self._at < len(self._text):
                character = self._text[self._at]
                if character not in _SPACE:
                    return character
                self._lines += character == "\n"
                self._at += 1
            if not self._fill(_CHUNK):
                return ""

    def _take(self, expected: str) -> None:
        if self._peek() != expected:
            raise UnusableError("", "not JSON: it ends, or goes on, where it should not")
        self._at += 1

    def _advance(self, end: int) -> None:
        self._lines += self._text.count("\n", self._at, end)
        self._at = end


def _is_holder(value: object) -> bool:
    """
    Tell whether *value* is what holds rows elsewhere, and has none this time.
    """
    if not isinstance(value, dict):
        return False
    named = cast("dict[str, object]", value)
    return any(
        (key in LISTS and isinstance(item, list)) or _is_holder(item) for key, item in named.items()
    )
