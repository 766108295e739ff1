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

from linq_otel.doctor._sdk import API_KEY
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Generator


_SECONDS: Final = 60.0
_EXIT_USAGE: Final = 2
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)
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
            raise ConfigurationError(_explain(error, name, module)) from error


def _explain(error: BaseException, name: str, module: str) -> str:
    """
    Say what *name* raised; only texts that hold no value of the app are repeated.
    """
    kind = type(error)
    if isinstance(error, ConfigurationError):
        return f"{name} raised {kind.__name__}: {error}"
    variable = _find_missing_variable(error)
    if variable is not None:
        return f"{name} needs {variable}, which is not set: export {variable}=…"
    return f"{name} raised {kind.__name__}: see python -c 'import {module}'"


def _find_missing_variable(error: BaseException) -> str | None:
    """
    Return the environment variable that *error* is about: the SDK's key, or one the app looks up.
    """
    # The client's constructor raises the root of the SDK's errors; its name has changed.
    if type(error).__module__.partition(".")[0] == "linq" and "api_key" in str(error):
        return API_KEY
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    in_environ = frame is not None and frame.tb_frame.f_globals.get("__name__") == "os"
    if isinstance(error, KeyError) and in_environ and error.args:
        looked_up = str(error.args[0])
        return looked_up if _VARIABLE.fullmatch(looked_up) else None
    return None


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
