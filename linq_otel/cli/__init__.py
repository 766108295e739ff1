"""
The command ``linq-otel``.

It stands on packages that a library user does not need; without them it says
what to install and leaves.
"""

from __future__ import annotations

import sys

from linq_otel.errors import LinqOtelError, MissingExtraError


__all__ = ["main"]

EXIT_OK = 0
"""All went as promised."""
EXIT_NOT_JOINED = 1
"""The command ran, and what it looked at is not as it should be."""
EXIT_USAGE = 2
"""The command was not understood, or cannot run here; the line says what to type."""


def main() -> int:
    """
    Run the command line; returns the exit code.
    """
    try:
        from ._app import app  # noqa: PLC0415  # Needs the extra.
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("linq_otel"):
            raise
        return _fail(MissingExtraError("linq-otel", "cli"))
    try:
        app()
    except LinqOtelError as error:
        return _fail(error)
    return EXIT_OK


def _fail(error: LinqOtelError) -> int:
    sys.stderr.write(f"linq-otel: {error}\n")
    return EXIT_USAGE
