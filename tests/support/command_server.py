"""
A process that has loaded the command line once, and forks for each command it is asked to run.

A command is then a process of its own, with its own environment, folder and exit, and does not
spend a second on imports. `command_line` starts it and asks.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from importlib.metadata import distribution
from typing import Any, NoReturn

import linq_otel.cli._app  # Loaded before the forks.
import linq_otel.export._over_http  # noqa: F401  # As above: 0.2 s for each that exports.
from linq_otel.doctor._sdk_files import find_missing, find_requests


SECONDS = 60
"""How long a command may take before it is ended, in seconds."""


def serve() -> None:
    """
    Run a command for each line of JSON, and answer its exit code; negative if a signal ended it.
    """
    # What each would read and import anew: 0.2 s of the doctor's, and 0.3 s of newer typers'.
    sdk = distribution("linq-python")
    find_requests(sdk)
    find_missing(sdk)
    with suppress(ImportError):
        import_module("typer._adapters")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(**json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def run(
    arguments: list[str], cwd: str, environment: dict[str, str], streams: list[str]
) -> NoReturn:
    """
    Become the command, with *streams* as its input, output and errors.
    """
    signal.alarm(SECONDS)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for number, path in enumerate(streams):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY
        os.dup2(os.open(path, flags), number)
    sys.stdin, sys.stdout, sys.stderr = (open_stream(n, environment) for n in range(3))
    places = environment.get("PYTHONPATH", "")
    sys.path[:1] = [cwd, *filter(None, places.split(os.pathsep))]
    sys.argv = ["linq-otel", *arguments]
    runpy.run_module("linq_otel.cli", run_name="__main__", alter_sys=True)
    sys.exit(0)


def open_stream(number: int, environment: dict[str, str]) -> Any:
    """
    Open a standard stream as an interpreter does when it starts.
    """
    encoding, _, errors = environment.get("PYTHONIOENCODING", "utf-8").partition(":")
    if number == 2:
        errors = "backslashreplace"
    mode = "r" if number == 0 else "w"
    return open(  # A descriptor, which stays open.
        number, mode, encoding=encoding, errors=errors or None, closefd=False
    )


if __name__ == "__main__":
    serve()
