"""
The lines of a file of OTLP JSON: packed or not, and whole or still being written.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    import io
    from collections.abc import Iterator


STANDARD_INPUT: Final = "-"
_GZIP: Final = b"\x1f\x8b"


def name_of(file: str) -> str:
    """
    Return what a person calls *file*.
    """
    return "standard input" if file == STANDARD_INPUT else file


class OversizeError(ValueError):
    """
    A file that is larger than was asked for, or has no end.
    """


def find_lines(file: io.BufferedReader, most: int = sys.maxsize) -> Iterator[str]:
    """
    Give the lines of *file*, unpacked; half a line at its end is left out.

    Args:
        file: The file.
        most: Bytes read of it at most, unpacked.

    Raises:
        OversizeError: If it has more than *most*.
        OSError: If it cannot be read. So do ``EOFError``, ``zlib.error`` and
            ``UnicodeDecodeError``, if it is not what it seems to be.
    """
    # Not by its name, nor by seeking: what comes through a pipe has none and cannot.
    is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
    stream = gzip.GzipFile(fileobj=file) if is_packed else file
    while raw := stream.readline(most):
        most -= len(raw)
        if most <= 0:
            raise OversizeError
        line = raw.decode()
        if line.endswith("\n") or _is_whole(line):
            yield line


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
