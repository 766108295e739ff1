"""
The process of a SQL server and all it starts, which can be killed, restarted and held.

Such servers refuse to be root, so root runs them as the account they were
installed with.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, find_free_ports


if TYPE_CHECKING:
    from collections.abc import Sequence


USER = "linq"
PASSWORD = "correct-horse"
_START_SECONDS = 20.0
_START_ATTEMPTS = 3
_STOP_SECONDS = 10.0


class SqlServerError(Exception):
    """
    No server is installed, or it would not run.
    """


class SqlServer(ABC):
    """
    One server on a port of its own, with one user who may do everything.

    Args:
        folder: Where it writes its output; it is made if it is missing.
        home: Where its data is; its account's own.
        options: Options of the server, as ``("-c", "max_connections=20")``.
    """

    scheme: str
    database: str
    account: str
    stop_signal: signal.Signals

    def __init__(self, folder: Path, home: Path, options: Sequence[str] = ()) -> None:
        self.folder = folder
        self.home = home
        self.options = tuple(options)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(home, self.account, self.account)

    @property
    def url(self) -> str:
        """
        Where it is, with its user and password.
        """
        return f"{self.scheme}://{USER}:{PASSWORD}@{self.place}"

    @property
    def place(self) -> str:
        """
        Its address, port and database, which are no secret.
        """
        return f"{LOOPBACK}:{self.port}/{self.database}"

    @property
    def pid(self) -> int:
        """
        The process that runs.
        """
        assert self._process, "the server does not run"
        return self._process.pid

    def start(self) -> None:
        """
        Run it, on the port it had before, and wait until it answers.
        """
        assert self._process is None, "the server runs already"
        for _ in range(1 if self.port else _START_ATTEMPTS):
            port = self.port or find_free_ports(1)[0]
            self._process = self._spawn(self.command(port))
            if self._answers(self._process, port):
                self.port = port
                return
            self.kill()
        raise self._refused(f"the {self.scheme} server")

    def kill(self) -> None:
        """
        End it as the kernel does when memory runs out; no error if it does not run.
        """
        if self._process is None:
            return
        family = self._family()
        for pid in family:
            _send(pid, signal.SIGKILL)
        self._process.wait(_STOP_SECONDS)
        self._process = None
        _wait_for_end_of(family)

    def stop(self) -> None:
        """
        Have it end by itself, and leave nothing behind.
        """
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(self.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self.kill()

    def pause(self) -> None:
        """
        Hold it: connections are still accepted by the kernel, and nothing is answered.
        """
        _send(self.pid, signal.SIGSTOP)  # First of all, so that it starts no more processes.
        for pid in self._family():
            _send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """
        Let it run on.
        """
        for pid in reversed(self._family()):
            _send(pid, signal.SIGCONT)

    def run(self, *command: str) -> None:
        """
        Run a program as the server's account, to its end.
        """
        if self._spawn(list(command)).wait(60):
            raise self._refused(command[0])

    @abstractmethod
    def initialize(self) -> None:
        """
        Make the server's files in its home.
        """

    @abstractmethod
    def command(self, port: int) -> list[str]:
        """
        Answer the command line that runs the server.
        """

    @abstractmethod
    def is_ready(self, port: int) -> bool:
        """
        Answer whether it takes statements.
        """

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        account = self.account if os.geteuid() == 0 else None
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=self.home,
                # None of our own environment: it may name another server.
                env={"PATH": os.defpath, "HOME": str(self.home), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=account,
                group=account,
                extra_groups=[] if account else None,
            )

    def _answers(self, process: subprocess.Popen[bytes], port: int) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self.is_ready(port):
                return True
            time.sleep(0.02)
        return False

    def _family(self) -> list[int]:
        return [self.pid, *(pid for pid, (parent, _) in _processes().items() if parent == self.pid)]

    def _refused(self, what: str) -> SqlServerError:
        said = (self.folder / "output.log").read_text(errors="replace")[-2000:]
        return SqlServerError(f"{what} did not run. It said:\n{said}")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def succeeds(command: list[str]) -> bool:
    """
    Answer whether *command* ends well within 10 seconds.
    """
    done = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10
    )
    return done.returncode == 0


def _processes() -> dict[int, tuple[int, str]]:
    """
    Answer the parent and the state of every process, as Linux tells them.
    """
    found: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may hold anything.
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            found[int(path.parent.name)] = (int(parent), state)
    return found


def _wait_for_end_of(pids: list[int]) -> None:
    """
    Wait until the kernel has taken back what killed processes shared: a restart needs it.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while any(pid in pids and state != "Z" for pid, (_, state) in _processes().items()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
