"""
The lines of a file of OTLP JSON: packed or not, and whole or still being written.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    import io
    from collections.abc import Iterator


STANDARD_INPUT: Final = "-"
MAX_BYTES: Final = 512 * 1024 * 1024
"""Bytes read of one file at most, unpacked."""
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""Bytes one line may have; an export has a few thousand spans."""
READ_ERRORS: Final = (OSError, EOFError, UnicodeDecodeError, zlib.error)
"""Raised while lines are read, where a file is not what it seems to be; see `explain`."""
_GZIP: Final = b"\x1f\x8b"


def name_of(file: str) -> str:
    """
    Return what a person calls *file*.
    """
    return "standard input" if file == STANDARD_INPUT else file or repr(file)


class OversizeError(ValueError):
    """
    A file that is larger than was asked for, or has no end; the message says which.
    """


def explain(error: Exception) -> str:
    """
    Return in a few words why a file cannot be read.

    Args:
        error: One of `READ_ERRORS`.
    """
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)):
        return "it is damaged gzip"
    return getattr(error, "strerror", None) or type(error).__name__


def find_lines(file: io.BufferedReader, most: int = MAX_BYTES) -> Iterator[str]:
    """
    Give the lines of *file*, unpacked; half a line at its end is left out.

    Args:
        file: The file.
        most: Bytes read of it at most, unpacked.

    Raises:
        OversizeError: If it has more than *most*, or a line of more than `MAX_LINE_BYTES`.
        OSError: If it cannot be read. So do ``EOFError``, ``zlib.error`` and
            ``UnicodeDecodeError``, if it is not what it seems to be.
    """
    whole = most
    # Not by its name, nor by seeking: what comes through a pipe has none and cannot.
    is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
    stream = gzip.GzipFile(fileobj=file) if is_packed else file
    while raw := stream.readline(min(most, MAX_LINE_BYTES)):
        most -= len(raw)
        if most <= 0:
            raise OversizeError(f"is larger than {whole >> 20} MiB; split it")
        if len(raw) >= MAX_LINE_BYTES:
            raise OversizeError(f"has a line of more than {MAX_LINE_BYTES >> 20} MiB")
        line = raw.decode()
        if line.endswith("\n") or _is_whole(line):
            yield line


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
