"""
Opens what spans were written to, line by line: files of any size, packed or not, standard input.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import rich.progress
from rich.console import Console

from linq_otel._otlp_json import SpanFileError
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator


STANDARD_INPUT: Final = "-"
_GZIP: Final = b"\x1f\x8b"


@contextmanager
def open_span_lines(name: str) -> Generator[Iterable[str]]:
    """
    Yield the lines of a file, with a bar on the terminal while they are read.

    Args:
        name: Its path; ``-`` is standard input.

    Raises:
        ConfigurationError: It cannot be read, or holds no OTLP JSON lines.
    """
    shown = "standard input" if name == STANDARD_INPUT else name
    try:
        with _open(name) as file:
            yield _find_lines(file)
    except SpanFileError as error:
        raise ConfigurationError(f"{shown} holds no OTLP JSON lines: {error}") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(f"{shown} cannot be read: {reason}") from error


@contextmanager
def _open(name: str) -> Generator[io.BufferedReader]:
    if name == STANDARD_INPUT:
        yield cast("io.BufferedReader", sys.stdin.buffer)
        return
    with rich.progress.open(
        name, "rb", description=f"Reading {name}", console=Console(stderr=True),
        transient=True, disable=not sys.stderr.isatty(),
    ) as file:  # fmt: skip
        yield io.BufferedReader(cast("io.RawIOBase", file))


def _find_lines(file: io.BufferedReader) -> Iterator[str]:
    # Not by its name, nor by seeking: what comes through a pipe has none and cannot.
    is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
    for raw in gzip.GzipFile(fileobj=file) if is_packed else file:
        line = raw.decode()
        # A file may still be written to: half a line at its end is left out.
        if line.endswith("\n") or _is_whole(line):
            yield line


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
