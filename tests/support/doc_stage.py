"""
What the code of the documentation meets where it is run: a local Linq, a collector, free ports.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from linq_otel._otlp_json import read_spans
from support.environments import plain_environment
from support.otlp_processes import LOOPBACK
from support.programs import REPOSITORY


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from linq_otel._otlp_json import SpanRecord


_PATIENCE_SECONDS = 40.0
_STOP_SECONDS = 10.0


class Collector(ThreadingHTTPServer):
    """
    Takes OTLP over HTTP on loopback, and keeps the spans whole.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _ExportHandler)
        self.lines: list[str] = []

    @property
    def url(self) -> str:
        """
        The value of ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        """
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def spans(self) -> list[SpanRecord]:
        """
        Every span that came so far.
        """
        return read_spans(list(self.lines))


class _ExportHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """
        Take one export; of metrics and logs it is enough that they came.
        """
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/v1/traces"):
            export = ExportTraceServiceRequest.FromString(body)
            self.server.lines.append(MessageToJson(export, indent=None))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """
        Say nothing.
        """


@contextmanager
def open_collector() -> Generator[Collector]:
    """
    Run a collector while the block lasts.
    """
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def environment_of(collector: Collector) -> dict[str, str]:
    """
    Return an environment with this Python first on the path, and nothing configured but export.
    """
    kept = plain_environment()
    folder = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join([folder, kept.get("PATH", "")]),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": f"{LOOPBACK},localhost",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


class Command:
    """
    What a block of shell starts, with all that it starts in turn.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._out = folder / f"{name}.out"
        self._err = folder / f"{name}.err"

    @property
    def printed(self) -> str:
        """
        What it said so far, on standard output and then on standard error.
        """
        return self._out.read_text() + self._err.read_text()

    def wait_until(self, is_so: Callable[[], object], what: str) -> None:
        """
        Wait until *is_so*, for a bounded time.
        """
        wait_until(is_so, f"{what}; it said: {self.printed[-2000:]}")

    def wait(self) -> int:
        """
        Return its exit status, once it has one of its own accord.
        """
        return self.process.wait(_PATIENCE_SECONDS)


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """
    Wait until *is_so*, for a bounded time.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"there came no {what}"
        time.sleep(0.05)


@contextmanager
def open_command(
    name: str, script: str, environment: Mapping[str, str], folder: Path
) -> Generator[Command]:
    """
    Run shell lines in a group of processes of their own, which is ended with the block.
    """
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            ["bash", "-ec", script],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        yield Command(name, process, folder)
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
    process.wait(_STOP_SECONDS)
