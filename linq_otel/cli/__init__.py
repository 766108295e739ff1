"""
The command ``linq-otel``.

It stands on packages that a library user does not need; without them it says
what to install and leaves.
"""

from __future__ import annotations

import errno
import sys

from linq_otel.errors import LinqOtelError, MissingExtraError

from ._streams import close_output, guard_streams, open_streams, spell_line


__all__ = ["main"]

EXIT_OK = 0
"""All went as promised."""
EXIT_NOT_JOINED = 1
"""The command ran, and what it looked at is not as it should be."""
EXIT_USAGE = 2
"""The command was not understood, or cannot run here; the line says what to type."""
EXIT_INTERRUPTED = 130
"""Ctrl-C ended it: 128 and the number of SIGINT."""
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


def main() -> int:
    """
    Run the command line; returns the exit code.
    """
    open_streams()
    with guard_streams():
        code = _run()
        fault = close_output()
        return _fail(f"standard output cannot be written: {fault}", code or 1) if fault else code


def _run() -> int:
    try:
        return _run_app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_OK
    except LinqOtelError as error:
        return _fail(error, EXIT_USAGE)
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except MemoryError:
        return _fail("there is not enough memory for this", EXIT_NOT_JOINED)
    except OSError as error:
        return _fail(_spell_fault(error), EXIT_NOT_JOINED)


def _spell_fault(error: OSError) -> str:
    if fault := close_output():
        return f"standard output cannot be written: {fault}"
    if error.errno in _FULL and error.filename is None:
        return f"standard output cannot be written: {error.strerror}"
    place = f"{error.filename}: " if error.filename is not None else ""
    return f"{place}{error.strerror or type(error).__name__}"


def _run_app() -> int:
    try:
        from ._app import app  # noqa: PLC0415  # Needs the extra.
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("linq_otel"):
            raise
        raise MissingExtraError("linq-otel", "cli") from error
    app()
    return EXIT_OK


def _fail(error: object, code: int) -> int:
    sys.stderr.write(f"linq-otel: {spell_line(error)}\n")
    return code
