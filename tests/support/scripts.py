"""
Small programs run in a process of their own, with the package under test on their path.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import linq_otel
from support.environments import plain_environment


PACKAGE_FOLDER = str(Path(linq_otel.__file__).parent.parent)
SECONDS = 30


def start_script(code: str, *arguments: str) -> subprocess.Popen[str]:
    """
    Start *code*; the caller waits for it.
    """
    environ = plain_environment()
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", dedent(code), *arguments],
        env={**environ, "PYTHONPATH": PACKAGE_FOLDER},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_output(process: subprocess.Popen[str]) -> str:
    """
    Wait for *process* and return what it printed; it must have ended well.
    """
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, err
    return out


def run_script(code: str, *arguments: str) -> str:
    """
    Run *code* to its end and return what it printed.
    """
    return read_output(start_script(code, *arguments))
