"""
Runs ``linq-otel`` as a process, as a person would without a terminal.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from support.environments import plain_environment


TESTS = Path(__file__).parents[1]
LINQ_OTEL = (sys.executable, "-m", "linq_otel.cli")


def environment_of_a_person(**more: str) -> dict[str, str]:
    """
    Return this environment without what would change the command's own behaviour.
    """
    kept = plain_environment("COLUMNS")
    return {**kept, **more}


def run_command(
    *arguments: str, cwd: Path | None = None, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """
    Run the command to its end.

    Args:
        *arguments: What follows ``linq-otel``.
        cwd: The folder it runs in; else that of the tests.
        given: Its standard input; else nothing.
        **environment: Variables to add.
    """
    with tempfile.TemporaryDirectory(prefix="linq-command-") as folder:
        streams = [Path(folder, name) for name in ("in", "out", "err")]
        for stream in streams:
            stream.write_text(given or "" if stream.name == "in" else "", "utf-8")
        asked = {
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "environment": environment_of_a_person(**environment),
            "streams": [str(stream) for stream in streams],
        }
        server = start_server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        _, printed, complained = (stream.read_bytes().decode("utf-8") for stream in streams)
    return subprocess.CompletedProcess(arguments, code, printed, complained)


@cache
def start_server() -> subprocess.Popen[str]:
    """
    Start what runs commands, once for each process of tests.
    """
    server = subprocess.Popen(
        [sys.executable, "-m", "support.command_server"],
        cwd=TESTS,
        env=environment_of_a_person(PYTHONPATH=f"{TESTS.parent}{os.pathsep}{TESTS}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.kill)
    return server
