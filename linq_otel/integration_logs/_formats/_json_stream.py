"""
The rows within a JSON document, one at a time, however large the document is.

The document is never held: the names that lead to the rows are read one by one, and each row as it
comes. Rows stand at the top, in a list, or under a name such as ``entries``; one document may
follow another.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Final

from linq_otel.integration_logs._findings import UnusableError


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader


_CHUNK: Final = 65_536
_SPACE: Final = " \t\r\n"
LISTS: Final = frozenset({"entries", "webhook_logs", "data", "logs", "rows", "results"})
"""Names under which a list holds the rows."""
HOLDERS: Final = frozenset({"log"})
"""Names under which an object holds such a list, as in a HAR."""
_DECODER: Final = json.JSONDecoder(strict=False)


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
        self._max_entry = max_entry
        self._text = ""
        self._at = 0
        self._lines = 1
        self._is_over = False

    @property
    def line(self) -> int:
        """
        The line the window stands on.
        """
        return self._lines

    def rows(self) -> Iterator[tuple[int, str, object]]:
        """
        Yield line, the name of the list it stands in, and each row.

        Raises:
            UnusableError: The document cannot be followed any further.
        """
        while self._peek():
            head = self._peek()
            if head == "[":
                yield from self._list("")
            elif head == "{" and self._is_wrapped():
                yield from self._object()
            else:
                line = self._lines
                yield line, "", self._value()

    def _is_wrapped(self) -> bool:
        """
        Tell whether the object that begins here holds rows, instead of being one.
        """
        self._fill(_CHUNK)
        try:
            # Whole ones are known by their own names: a file may hold very many small ones.
            found, _ = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            pass
        else:
            return any(isinstance(found.get(name), list) for name in LISTS) or any(
                isinstance(found.get(name), dict) for name in HOLDERS
            )
        head = self._text[self._at : self._at + _CHUNK]
        for name in (*LISTS, *HOLDERS):
            at = head.find(f'"{name}"')
            if at >= 0 and head.count("{", 0, at) - head.count("}", 0, at) == 1:
                after = head[at + len(name) + 2 :].lstrip().removeprefix(":").lstrip()[:1]
                if after == ("{" if name in HOLDERS else "["):
                    return True
        return False

    def _object(self) -> Iterator[tuple[int, str, object]]:
        self._take("{")
        while self._peek() != "}":
            name = self._value()
            self._take(":")
            if name in LISTS and self._peek() == "[":
                yield from self._list(str(name))
            elif name in HOLDERS and self._peek() == "{":
                yield from self._object()
            else:
                self._value()
            if self._peek() == ",":
                self._take(",")
        self._take("}")

    def _list(self, name: str) -> Iterator[tuple[int, str, object]]:
        self._take("[")
        while self._peek() != "]":
            line = self._lines
            yield line, name, self._value()
            if self._peek() == ",":
                self._take(",")
        self._take("]")

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
