"""
Opens what spans were written to, line by line: files of any size, packed or not, standard input.
"""

from __future__ import annotations

import io
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import rich.progress
from rich.console import Console

from linq_otel._otlp_json import SpanFileError
from linq_otel._otlp_lines import STANDARD_INPUT, find_lines, name_of
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


@contextmanager
def open_span_lines(name: str) -> Generator[Iterable[str]]:
    """
    Yield the lines of a file, with a bar on the terminal while they are read.

    Args:
        name: Its path; ``-`` is standard input.

    Raises:
        ConfigurationError: It cannot be read, or holds no OTLP JSON lines.
    """
    shown = name_of(name)
    try:
        with _open(name) as file:
            yield find_lines(file)
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
