"""
OTLP receivers written by others, run as real processes.

Our own in-memory exporter would prove only that we agree with ourselves. These decode what the
OTLP exporters put on the wire: ``ddapm-test-agent``, which can be asked what it got, and ``rotel``,
a second and independent implementation that passes it on. Both listen on 127.0.0.1 alone.
`install_receivers.sh` installs them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, Receiver, ReceiverError, open_receiver


if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager


AGENT_VERSION = "1.69.1"
_REPOSITORY = Path(__file__).resolve().parents[2]
_INSTALL = "run tests/support/install_receivers.sh"


def get_test_agent(environment: Mapping[str, str] = os.environ) -> Path:
    """
    Answer the path of the test agent, which must be there in the very version we know.

    The version is asserted because pip, made to reconcile its pins with ours, silently picks an
    old agent that has no OTLP receiver.
    """
    default = _REPOSITORY / ".venv-otlp" / "bin" / "ddapm-test-agent"
    path = Path(environment.get("LINQ_OTEL_TEST_AGENT") or default)
    if not path.is_file():
        raise ReceiverError(
            f"There is no ddapm-test-agent at {path}: {_INSTALL}, or set LINQ_OTEL_TEST_AGENT."
        )
    ask = [str(path), "--version"]
    answer = subprocess.run(ask, check=False, capture_output=True, text=True, timeout=30)
    version = answer.stdout.strip()
    if version != AGENT_VERSION:
        raise ReceiverError(
            f"ddapm-test-agent at {path} is version {version!r}, not {AGENT_VERSION}: {_INSTALL}."
        )
    return path


def find_rotel(environment: Mapping[str, str] = os.environ) -> Path | None:
    """
    Answer the path of rotel's binary, or None: its wheels exist for some platforms only.
    """
    default = _REPOSITORY / ".venv-rotel" / "bin" / "rotel-agent"
    path = Path(environment.get("LINQ_OTEL_ROTEL") or default)
    return path if path.is_file() else None


def is_rotel_required(environment: Mapping[str, str] = os.environ) -> bool:
    """
    Answer whether a missing rotel is a failure: in CI, unless it says to go without.
    """
    return bool(environment.get("CI")) and environment.get("LINQ_OTEL_WITHOUT_ROTEL") != "1"


def open_test_agent(path: Path, directory: Path) -> AbstractContextManager[Receiver]:
    """
    Run the test agent in *directory* while the block lasts.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        grpc, http, apm = map(str, ports)
        listen = ["--host", LOOPBACK, "--port", apm]
        listen += ["--otlp-grpc-port", grpc, "--otlp-http-port", http]
        return [str(path), *listen, "--disable-llmobs-data-forwarding"]

    return open_receiver(command, 3, directory)


def open_rotel(path: Path, directory: Path, onward: Receiver) -> AbstractContextManager[Receiver]:
    """
    Run rotel in *directory* while the block lasts, passing spans on to *onward* by gRPC.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        grpc, http = (f"{LOOPBACK}:{port}" for port in ports)
        files = ["--pid-file", str(directory / "pid"), "--log-file", str(directory / "log")]
        listen = ["--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
        target = ["--exporter", "otlp", "--otlp-exporter-endpoint", onward.grpc_endpoint]
        protocol = ["--otlp-exporter-protocol", "grpc"]
        return [str(path), "start", *files, *listen, *target, *protocol]

    return open_receiver(command, 2, directory)
