"""
Real Redis servers on 127.0.0.1, which can be killed, restarted and held.

::

    with open_redis(tmp_path) as server:
        store = open_store(server.url)
        server.kill()
        server.start()  # On the same port; it has forgotten everything.

They keep nothing on disk unless told to by options of ``redis-server``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, find_free_ports


if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


_START_SECONDS = 10.0
_START_ATTEMPTS = 3
# A replica without its primary, and who wants a password, are as ready as they will be.
_ANSWERS = (b"+PONG", b"-NOAUTH", b"-MASTERDOWN")
_KEEP_NOTHING = ("--save", "", "--appendonly", "no")


class RedisMissingError(Exception):
    """
    No server is installed, or it would not run.
    """


def find_program(name: str = "redis-server") -> str:
    """
    Answer the path of a program of Redis; a missing one fails the tests, and skips none.
    """
    path = shutil.which(name)
    if path is None:
        raise RedisMissingError(f"no {name} on PATH: apt-get install redis-server redis-sentinel")
    return path


class RedisServer:
    """
    One server on a port of its own.

    Args:
        folder: Where it runs and writes its output; it is made if it is missing.
        options: Options of ``redis-server``, as ``("--maxmemory", "2mb")``.
        program: ``redis-server`` or ``redis-sentinel``.
    """

    def __init__(
        self, folder: Path, options: Sequence[str] = (), *, program: str = "redis-server"
    ) -> None:
        self.folder = folder
        self.options = tuple(options)
        self.program = program
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """
        Where it is, without the credentials it may want.
        """
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def place(self) -> str:
        """
        Its address and port.
        """
        return f"{LOOPBACK}:{self.port}"

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
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else _START_ATTEMPTS):
            port = self.port or find_free_ports(1)[0]
            self._process = self._spawn(port)
            if self._answers(port):
                self.port = port
                return
            self.kill()
        said = (self.folder / "output.log").read_text(errors="replace")[-2000:]
        raise RedisMissingError(f"{self.program} did not answer. It said:\n{said}")

    def kill(self) -> None:
        """
        End it as the kernel does when memory runs out; no error if it does not run.
        """
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """
        Hold it: connections are still accepted by the kernel, and nothing is answered.
        """
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """
        Let it run on.
        """
        os.kill(self.pid, signal.SIGCONT)

    def command(self, *words: str, user: str = "", password: str = "") -> str:
        """
        Send one command with ``redis-cli`` and answer what it prints.
        """
        login = ["--user", user] if user else []
        login += ["--tls", "--insecure"] if "--tls-cert-file" in self.options else []
        return subprocess.run(
            [find_program("redis-cli"), "-h", LOOPBACK, "-p", str(self.port), *login, *words],
            env={"PATH": os.defpath} | ({"REDISCLI_AUTH": password} if password else {}),
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.rstrip("\n")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        # A TLS server has no plain port.
        listen = "--tls-port" if "--tls-cert-file" in self.options else "--port"
        plain = ("--port", "0") if listen == "--tls-port" else ()
        config = self.folder / "server.conf"
        config.touch()  # A sentinel insists on a file, and writes what it learns into it.
        keep = () if self.program == "redis-sentinel" else _KEEP_NOTHING
        command = [find_program(self.program), str(config), *plain, listen, str(port)]
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [*command, "--bind", LOOPBACK, *keep, *self.options],
                cwd=self.folder,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _answers(self, port: int) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            if self._is_ready(port):
                return True
            time.sleep(0.01)
        return False

    def _is_ready(self, port: int) -> bool:
        try:
            with socket.create_connection((LOOPBACK, port), timeout=1) as asking:
                if "--tls-cert-file" in self.options:
                    return True
                asking.sendall(b"PING\r\n")
                return asking.recv(100).startswith(_ANSWERS)
        except OSError:
            return False


@contextmanager
def open_redis(
    folder: Path, *, options: Sequence[str] = (), program: str = "redis-server"
) -> Generator[RedisServer, None, None]:
    """
    Run a server in *folder* while the block lasts.

    Raises:
        RedisMissingError: It is not installed, or did not answer within 10 seconds, thrice.
    """
    server = RedisServer(folder, options, program=program)
    server.start()
    try:
        yield server
    finally:
        server.kill()
