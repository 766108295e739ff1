"""
How a command line that was not understood is answered: in one line, which says what to type.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from typer.core import TyperGroup

from ._streams import spell_line


_INTERRUPTED: Final = 130


class OneLineGroup(TyperGroup):
    """
    Commands whose misuse is told in one line, where others draw a box of six.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        """
        Run the command line, and end the process unless it is said to be no ``standalone_mode``.
        """
        if not options.get("standalone_mode", True):
            return super().main(*arguments, **options)
        try:
            code = super().main(*arguments, **{**options, "standalone_mode": False})
        except Exception as error:
            # Not by its class: some releases of typer bring a click of their own. Older ones raise
            # this after Ctrl-C, newer ones return a code.
            if type(error).__name__ == "Abort":
                raise KeyboardInterrupt from error
            if not hasattr(error, "format_message"):
                raise
            sys.exit(_tell(error))
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        context = getattr(error, "ctx", None)
        program = context.command_path if context is not None else "linq-otel"
        message = spell_line(" ".join(error.format_message().split()).rstrip("."))
        sys.stderr.write(f"{program}: {message}. Try {program} --help\n")
    return int(error.exit_code)
