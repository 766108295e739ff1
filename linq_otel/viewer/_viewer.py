"""
A running viewer: what the command and tests hold in their hands.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Final

from linq_otel._otlp_json import SpanFileError, read_spans


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from linq_otel._otlp_json import SpanRecord

    from ._archive import Archive


_SPANS_AT_ONCE: Final = 5_000


def add_lines(archive: Archive, lines: Iterable[str]) -> int:
    """
    Add the spans of OTLP JSON lines to *archive*; returns how many.

    Raises:
        SpanFileError: As of `Viewer.read`.
    """
    spans = _parse(lines)
    count = 0
    while batch := list(islice(spans, _SPANS_AT_ONCE)):
        count += len(batch) - archive.add(batch).result()
    return count


def _parse(lines: Iterable[str]) -> Iterator[SpanRecord]:
    # Line by line: a file may be larger than what is kept of it.
    for number, line in enumerate(lines, start=1):
        try:
            spans = read_spans([line])
        except SpanFileError as error:
            raise SpanFileError(str(error).replace("line 1:", f"line {number}:", 1)) from error
        yield from spans


class Viewer:
    """
    A page of messages and a receiver of spans, until it is closed.

    Args:
        url: Where the page is, ``http://127.0.0.1:4318``; the OTLP endpoint of apps as well.
        archive: The spans.
        dropped: Exports of ``metrics`` and of ``logs`` that were taken and dropped.
        complaints: Sentences about connections that could not be served, each once, with what to
            set.
        close: Ends all of it.
        takes_grpc: True if spans are taken by OTLP over gRPC, too.
    """

    def __init__(  # noqa: PLR0913  # All that a running viewer consists of.
        self,
        url: str,
        archive: Archive,
        dropped: Mapping[str, int],
        complaints: list[str],
        close: Callable[[], None],
        *,
        takes_grpc: bool,
    ) -> None:
        self.url = url
        self.dropped = dropped
        self.complaints = complaints
        self.takes_grpc = takes_grpc
        self._archive = archive
        self._ending = ExitStack()
        self._ending.callback(close)

    def read(self, lines: Iterable[str]) -> int:
        """
        Add the spans of OTLP JSON lines; returns how many.

        Raises:
            SpanFileError: A line is not JSON, or not OTLP.
        """
        return add_lines(self._archive, lines)

    def close(self) -> None:
        """
        End it: no more requests are taken, and a database of its own is deleted.
        """
        self._ending.close()

    def __enter__(self) -> Self:
        """
        Be closed at the end of the block.
        """
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """
        Close.
        """
        self.close()
