"""
Opens what spans were written to, line by line: files, packed or not, and standard input.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import rich.progress
from rich.markup import escape

from linq_otel._files import open_binary
from linq_otel._otlp_json import SpanFileError
from linq_otel._otlp_lines import (
    READ_ERRORS,
    STANDARD_INPUT,
    OversizeError,
    explain,
    find_lines,
    name_of,
)
from linq_otel.errors import ConfigurationError

from ._waterfall import build_console


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
    except OversizeError as error:
        raise ConfigurationError(f"{shown} {error}") from error
    except READ_ERRORS as error:
        raise ConfigurationError(f"{shown} cannot be read: {explain(error)}") from error


@contextmanager
def _open(name: str) -> Generator[io.BufferedReader]:
    if name == STANDARD_INPUT:
        yield cast("io.BufferedReader", sys.stdin.buffer)
        return
    with (
        open_binary(name) as opened,
        rich.progress.wrap_file(
            opened, os.fstat(opened.fileno()).st_size, description=f"Reading {escape(name)}",
            console=build_console(sys.stderr), transient=True, disable=not sys.stderr.isatty(),
        ) as file,
    ):  # fmt: skip
        yield io.BufferedReader(cast("io.RawIOBase", file))
