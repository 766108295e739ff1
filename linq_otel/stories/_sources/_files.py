"""
Reads spans from files of OTLP JSON lines, packed or not, and from standard input.

A file may still be written to while it is read: a last line that is only half there is left out.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from linq_otel._otlp_json import SpanFileError, read_spans
from linq_otel.stories._sources import SourceError


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel._otlp_json import SpanRecord


STANDARD_INPUT: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_MOST_BYTES: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpanFiles:
    """
    Files that are read together.

    Attributes:
        names: Their paths; ``-`` is standard input.
    """

    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """
        The names of the files.
        """
        return ", ".join("standard input" if it == STANDARD_INPUT else it for it in self.names)

    def find_spans(self, wanted: str) -> list[SpanRecord]:  # noqa: ARG002  # As every source.
        """
        Return every span of the files, each once.

        Raises:
            SourceError: If a file cannot be read, or holds no OTLP JSON lines.
        """
        spans: dict[tuple[str, str], SpanRecord] = {}
        for name in self.names:
            for span in _read_file(name):
                spans.setdefault((span.otel_trace_id, span.span_id), span)
        return list(spans.values())


def _read_file(name: str) -> list[SpanRecord]:
    shown = "standard input" if name == STANDARD_INPUT else name
    try:
        with _open(name) as file:
            return read_spans(_find_lines(file, shown))
    except SpanFileError as error:
        raise SourceError(f"{shown} holds no OTLP JSON lines: {error}") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceError(f"{shown} cannot be read: {reason}") from error


def _open(name: str) -> io.BufferedReader:
    if name == STANDARD_INPUT:
        return io.BufferedReader(io.BytesIO(sys.stdin.buffer.read(_MOST_BYTES)))
    return Path(name).open("rb")


def _find_lines(file: io.BufferedReader, shown: str) -> Iterator[str]:
    # Not by its name: what comes through a pipe has none. And not by seeking, for the same reason.
    is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
    left = _MOST_BYTES
    for packed in gzip.GzipFile(fileobj=file) if is_packed else file:
        left -= len(packed)
        if left < 0:
            raise SourceError(f"{shown} is larger than {_MOST_BYTES >> 20} MiB; split it")
        line = packed.decode()
        if line.endswith("\n") or _is_whole(line):
            yield line


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
