"""
The processes of a run: senders and receivers, each as if on a host of its own.

A host may be started more than once. Each time is a run of it, with a name, and its spans can be
told from those of the others: the OTLP receiver keeps them by a header each exporter sends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.environments import plain_environment
from support.otlp_processes import LOOPBACK, is_open
from support.programs import REPOSITORY


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path


_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class HostError(Exception):
    """
    A process would not run.
    """


@dataclass(slots=True)
class Host:
    """
    A host and the process that runs on it.

    Attributes:
        name: ``sender-0``, ``receiver-2``.
        command: A module of Python and its arguments.
        offset: How many seconds its clock is ahead.
        environment: What its program is told.
        folder: Where its output goes.
        port: Where it listens, if it does.
        runs: How often it was started.
        killed: When each killed run was killed, by the monotonic clock.
    """

    name: str
    command: Sequence[str]
    offset: float
    environment: Mapping[str, str]
    folder: Path
    port: int | None = None
    runs: int = 0
    killed: dict[str, float] = field(default_factory=dict[str, float])
    process: subprocess.Popen[bytes] | None = None

    @property
    def run(self) -> str:
        """
        The name of the run under way.
        """
        return f"{self.name}.{self.runs}"

    @property
    def names_of_runs(self) -> list[str]:
        """
        The names of all its runs.
        """
        return [f"{self.name}.{number}" for number in range(1, self.runs + 1)]

    def start(self) -> None:
        """
        Start it.
        """
        self.runs += 1
        environment = {
            **_inherited(),
            **self.environment,
            "CHAOS_CLOCK_OFFSET": str(self.offset),
            "OTEL_SERVICE_NAME": self.name,
            "OTEL_EXPORTER_OTLP_HEADERS": f"X-Datadog-Test-Session-Token={self.run}",
        }
        with (
            (self.folder / f"{self.run}.out").open("wb") as out,
            (self.folder / f"{self.run}.err").open("wb") as err,
        ):
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chaos.host", *self.command],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                # A group of its own, so that workers are killed with it.
                start_new_session=True,
            )

    def wait_until_it_listens(self) -> None:
        """
        Wait until it takes connections; a process that takes none is a `HostError`.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self.port is not None and not is_open(LOOPBACK, self.port):
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise HostError(f"{self.run} does not listen. It said:\n{self._said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """
        End it as the kernel does when memory runs out, workers and all.
        """
        assert self.process is not None
        self.killed[self.run] = time.monotonic()
        self._end(signal.SIGKILL)
        self._close()

    def stop(self) -> None:
        """
        Ask it to end, and make it end if it does not.
        """
        if self.process is None:
            return
        if self.process.poll() is None:
            self._end(signal.SIGTERM)
        self._close()

    def wait_for(self, line: str, seconds: float) -> None:
        """
        Wait until it has printed *line*; a process that ends before is a `HostError`.
        """
        deadline = time.monotonic() + seconds
        while line not in self.read_lines():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise HostError(f"{self.run} did not say {line!r}. It said:\n{self._said}")
            time.sleep(0.1)

    def finish(self) -> None:
        """
        End its standard input, and wait until it has ended of its own accord.
        """
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(_STOP_SECONDS)
        if status:
            raise HostError(f"{self.run} ended with {status}. It said:\n{self._said}")

    def read_lines(self) -> list[str]:
        """
        Return what its last run printed.
        """
        return (self.folder / f"{self.run}.out").read_text().splitlines()

    @property
    def _said(self) -> str:
        return (self.folder / f"{self.run}.err").read_text(errors="replace")[-2000:]

    def _close(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _end(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(_STOP_SECONDS)


def _inherited() -> dict[str, str]:
    kept = plain_environment()
    paths = f"{REPOSITORY / 'tests'}{os.pathsep}{REPOSITORY}"
    return {**kept, "PYTHONPATH": paths, "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def start_all(hosts: Sequence[Host]) -> None:
    """
    Start *hosts* at once, and wait until all of them listen.
    """
    for host in hosts:
        host.start()
    for host in hosts:
        host.wait_until_it_listens()


@contextmanager
def running(hosts: Sequence[Host]) -> Generator[None, None, None]:
    """
    End what still runs of *hosts* when the block ends.
    """
    try:
        yield
    finally:
        for host in hosts:
            host.stop()
