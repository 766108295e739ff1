"""
The user's own start-up code, run so that what it sets up can be examined.

It may do anything: print, exit, or serve for ever. None of that may leave a
person with a hanging command or a broken JSON document.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Generator


_SECONDS: Final = 60.0
_EXIT_USAGE: Final = 2
_NAME: Final = re.compile(r"[^\W\d][\w.]*(?::[^\W\d][\w.]*(?:\(\))?)?")


def run_app(name: str) -> None:
    """
    Import what *name* says: ``module``, ``module:attribute``, or ``module:function()`` to call it.

    Raises:
        ConfigurationError: If that cannot be imported, or raises.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError("--import takes module, module:attribute or module:function()")
    module, _, path = name.partition(":")
    # As a server finds it: from the folder it is started in.
    if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109  # As on sys.path.
        sys.path.insert(0, os.getcwd())  # noqa: PTH109  # As above.
    with _watched(name), redirect_stdout(sys.stderr):
        try:
            found: Any = import_module(module)
            for part in filter(None, path.removesuffix("()").split(".")):
                found = getattr(found, part)
            if path.endswith("()"):
                found()
        except (Exception, SystemExit) as error:
            # Not its text: it may quote what the app was about to connect to.
            raise ConfigurationError(
                f"{name} raised {type(error).__name__}: see python -c 'import {module}'"
            ) from error


@contextmanager
def _watched(name: str) -> Generator[None]:
    """
    End the process if the app does not come back: nobody can stop a thread that serves.
    """

    def give_up() -> None:
        sys.stderr.write(
            f"linq-otel: {name} did not come back within {_SECONDS:.0f} s: "
            "name the module that sets the app up, not the one that serves it\n"
        )
        sys.stderr.flush()
        os._exit(_EXIT_USAGE)

    timer = threading.Timer(_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
