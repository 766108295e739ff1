"""
Standard streams of the command line: text from outside cannot control the terminal.

File names, arguments, ids, rows of logs, names of spans and answers of backends are printed as they
are found. An escape sequence in one of them could set the clipboard or hide a line. So all that is
written has its control characters escaped here, and not where it is written.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, cast


if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


_LAYOUT: Final = "\n\t"
_ROW_END: Final = "\r\n"


def escape(text: str, *, keep: str = _LAYOUT) -> str:
    r"""
    Return *text* with what is no visible character written as ``\x1b`` or ``\u202e``.

    That is C0 and C1 controls, what changes the direction of text, characters without a width, and
    bytes of a file name that are no text.

    Args:
        text: Anything.
        keep: Control characters that stay: line ends and tabs, unless *text* is to stay one line.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in keep else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def spell_line(text: object) -> str:
    """
    Return *text* as one line: its line ends are escaped too.
    """
    return escape(str(text), keep="")


class _EscapingStream:
    """
    A text stream that escapes what is written to it.

    A console of ``rich`` looks for ``rich_proxied_file`` and writes its own colours there; what it
    prints is escaped by `linq_otel.cli._waterfall.build_console`.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)

    def write(self, text: str) -> int:
        """Write *text*; a table's line ends stay as they are."""
        shown = _ROW_END.join(map(escape, text.split(_ROW_END)))
        self.rich_proxied_file.write(shown)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of *lines*."""
        for line in lines:
            self.write(line)


@contextmanager
def guard_streams() -> Generator[None]:
    """
    Escape what is written to standard output and standard error while the block lasts.
    """
    before = sys.stdout, sys.stderr
    guarded = [cast("IO[str]", _EscapingStream(stream)) for stream in before]
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def open_streams() -> None:
    """
    Make the standard streams usable, closed or not when the process starts.

    A stream that is closed becomes the null device: otherwise the next file that is opened takes
    its number. A character that the terminal's encoding lacks is escaped.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream: Any = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # Stays open.
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def close_output() -> str:
    """
    Write out what standard output still holds; returns why that failed, or an empty text.

    A reader that has left is no failure. Afterwards the interpreter has nothing to complain about.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        _discard_output()
        return "" if isinstance(error, BrokenPipeError) else error.strerror or "it failed"
    return ""


def _discard_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
