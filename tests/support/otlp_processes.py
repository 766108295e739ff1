"""
Receivers' processes: started on ports that were free a moment before, and surely stopped.

Exporting to a port nobody listens on blocks for seconds, so a receiver is handed out only once it
accepts connections on every port it was given.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


LOOPBACK = "127.0.0.1"
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_START_ATTEMPTS = 3


class ReceiverError(Exception):
    """
    A receiver is missing, is not the one the tests know, or would not run.
    """


@dataclass(frozen=True, slots=True)
class Receiver:
    """
    A running receiver: its process, and its ports on 127.0.0.1, gRPC first, then HTTP.
    """

    pid: int
    ports: tuple[int, ...]

    @property
    def grpc_endpoint(self) -> str:
        """
        Where OTLP by gRPC is taken.
        """
        return f"http://{LOOPBACK}:{self.ports[0]}"

    @property
    def http_endpoint(self) -> str:
        """
        Where OTLP by HTTP is taken, under ``/v1/traces``.
        """
        return f"http://{LOOPBACK}:{self.ports[1]}"

    def read(self, path: str) -> bytes:
        """
        Answer the body of a GET on the HTTP port; any status but 200 is a `ReceiverError`.
        """
        connection = HTTPConnection(LOOPBACK, self.ports[1], timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ReceiverError(f"GET {path} was answered {response.status}: {body[:500]!r}")
        return body


@contextmanager
def open_receiver(
    command: Callable[[tuple[int, ...]], list[str]], port_count: int, directory: Path
) -> Generator[Receiver, None, None]:
    """
    Run a receiver in *directory* while the block lasts.

    *command* makes its command line of *port_count* ports: gRPC first, then HTTP, then its own.

    Raises:
        ReceiverError: It did not listen on all of them within 10 seconds, thrice.
    """
    process, ports = _start(command, port_count, directory)
    try:
        yield Receiver(process.pid, ports)
    finally:
        _stop(process)


def _start(
    command: Callable[[tuple[int, ...]], list[str]], port_count: int, directory: Path
) -> tuple[subprocess.Popen[bytes], tuple[int, ...]]:
    """
    Start the process, anew if another took one of its ports before it did.
    """
    complaint = ""
    for _ in range(_START_ATTEMPTS):
        ports = find_free_ports(port_count)
        process = _spawn(command(ports), directory)
        try:
            is_ready = _is_listening(process, ports)
        except BaseException:
            _stop(process)
            raise
        if is_ready:
            return process, ports
        _stop(process)
        said = (directory / "output.log").read_text(errors="replace")[-2000:]
        complaint = f"{command(ports)} did not listen. It said:\n{said}"
    raise ReceiverError(complaint)


def _spawn(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    # None of our own environment: it may configure the receiver, or name a proxy.
    environment = {"PATH": os.defpath, "HOME": str(directory), "PYTHONUNBUFFERED": "1"}
    with (directory / "output.log").open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)


def find_free_ports(count: int) -> tuple[int, ...]:
    """
    Answer *count* ports of 127.0.0.1 that were free a moment ago.
    """
    # Held all at once, so that no port is found twice.
    with ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind((LOOPBACK, 0))
        return tuple(each.getsockname()[1] for each in found)


def _is_listening(process: subprocess.Popen[bytes], ports: tuple[int, ...]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if all(is_open(LOOPBACK, port) for port in ports):
            return process.poll() is None
        time.sleep(0.02)
    return False


def is_open(host: str, port: int) -> bool:
    """
    Answer whether a TCP connection to *host* and *port* is accepted within a second.
    """
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
