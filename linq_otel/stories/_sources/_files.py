"""
Reads spans from files of OTLP JSON lines, packed or not, and from standard input.

A file may still be written to while it is read: a last line that is only half there is left out.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel._files import open_binary
from linq_otel._otlp_json import SpanFileError, read_spans
from linq_otel._otlp_lines import (
    MAX_BYTES,
    READ_ERRORS,
    STANDARD_INPUT,
    OversizeError,
    explain,
    find_lines,
    name_of,
)
from linq_otel.stories._sources import SourceError


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


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
        return ", ".join(map(name_of, self.names))

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
    shown = name_of(name)
    try:
        with _open(name) as file:
            return read_spans(find_lines(file, MAX_BYTES))
    except SpanFileError as error:
        raise SourceError(f"{shown} holds no OTLP JSON lines: {error}") from error
    except OversizeError as error:
        raise SourceError(f"{shown} {error}") from error
    except READ_ERRORS as error:
        raise SourceError(f"{shown} cannot be read: {explain(error)}") from error


def _open(name: str) -> io.BufferedReader:
    if name == STANDARD_INPUT:
        return io.BufferedReader(io.BytesIO(sys.stdin.buffer.read(MAX_BYTES)))
    return open_binary(name)
