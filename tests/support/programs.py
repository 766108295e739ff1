"""
Programs run as processes of their own, whose output goes to files that can be read meanwhile.

A pipe would have to be drained, and blocks whoever reads it: with files every wait has an end.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.environments import plain_environment


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping


REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
_PATIENCE_SECONDS = 30.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Program:
    """
    A running program.
    """

    name: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def lines(self) -> list[str]:
        """
        What it has printed so far, whole lines only.
        """
        printed = (self.folder / f"{self.name}.out").read_text()
        return printed[: printed.rfind("\n") + 1].splitlines()

    @property
    def complaints(self) -> str:
        """
        What it has said on its standard error.
        """
        return (self.folder / f"{self.name}.err").read_text()

    def wait_for_lines(self, count: int) -> list[str]:
        """
        Answer its first *count* lines, once they are there.
        """
        self.wait_until(lambda: len(self.lines) >= count, f"{count} lines")
        return self.lines[:count]

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """
        Wait until *is_so*; a program that ends before, or takes half a minute, is an error.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            is_over = self.process.poll() is not None and not is_so()
            if is_over or time.monotonic() > deadline:
                said = f"It said:\n{self.lines}\n{self.complaints[-2000:]}"
                raise AssertionError(f"{self.name} came to no {what}. {said}")
            time.sleep(0.02)

    def wait(self) -> int:
        """
        Answer its exit status, once it has one of its own accord.
        """
        return self.process.wait(_PATIENCE_SECONDS)

    def stop(self) -> int:
        """
        Ask it to end, and answer its exit status.
        """
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)


@contextmanager
def open_program(
    name: str, arguments: list[str], environment: Mapping[str, str], folder: Path
) -> Generator[Program, None, None]:
    """
    Run Python with *arguments* while the block lasts, its output in *folder*.

    Of our own environment it gets nothing that configures tracing or Linq.
    """
    inherited = plain_environment()
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(REPOSITORY), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    try:
        yield Program(name, process, folder)
    finally:
        # A program that would not go, or a test that failed before it was told to.
        process.kill()
        process.wait(_STOP_SECONDS)
