"""
Runs ``linq-otel`` as a process, as a person would without a terminal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path


LINQ_OTEL = (sys.executable, "-m", "linq_otel.cli")


def environment_of_a_person(**more: str) -> dict[str, str]:
    """
    Return this environment without what would change the command's own behaviour.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "LINQ_", "COLUMNS"))}
    return {**kept, **more}


def run_command(
    *arguments: str, cwd: Path | None = None, given: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """
    Run the command to its end.

    Args:
        *arguments: What follows ``linq-otel``.
        cwd: The folder it runs in.
        given: Its standard input; else that of the tests.
        **environment: Variables to add.
    """
    return subprocess.run(
        [*LINQ_OTEL, *arguments],
        cwd=cwd,
        env=environment_of_a_person(**environment),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
