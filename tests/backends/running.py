"""
The backends as processes: each on loopback alone, on ports that were free, and surely stopped.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, open_receiver


if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from support.otlp_processes import Receiver

    Command = Callable[[tuple[int, ...]], list[str]]


_HERE = Path(__file__).parent
SHIPPED = _HERE.parents[1] / "examples" / "backends"
_BALANCER = SHIPPED / "collector" / "balancer.yaml"
_GATEWAY = SHIPPED / "collector" / "gateway.yaml"
DECISION_WAIT = "2s"
"""Shorter than the demo's life of a message, so that `read` comes after the decision."""


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running backend: where it takes OTLP, and where it is asked.
    """

    name: str
    grpc_port: int
    http_endpoint: str
    query_endpoint: str

    @property
    def grpc_endpoint(self) -> str:
        """
        Where it takes OTLP over gRPC.
        """
        return f"http://{LOOPBACK}:{self.grpc_port}"


@contextmanager
def open_jaeger(program: Path, folder: Path) -> Generator[Server]:
    """
    Run Jaeger while the block lasts.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        names = ("GRPC_PORT", "HTTP_PORT", "QUERY_PORT", "QUERY_GRPC_PORT")
        said = [f"{name}={port}" for name, port in zip(names, ports, strict=True)]
        return ["env", *said, str(program), "--config", str(_HERE / "jaeger.yaml")]

    with _open(command, 4, folder, "jaeger") as running:
        yield _serve("Jaeger", running, running.ports[2])


@contextmanager
def open_viewer(program: Path, folder: Path) -> Generator[Server]:
    """
    Run otel-desktop-viewer while the block lasts.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        grpc, http, browser = map(str, ports)
        listen = ["--host", LOOPBACK, "--grpc", grpc, "--http", http, "--browser-port", browser]
        return [str(program), *listen, "--open-browser=false", "--db-max-size", "0"]

    with _open(command, 3, folder, "viewer") as running:
        yield _serve("otel-desktop-viewer", running, running.ports[2])


@contextmanager
def open_victoria(program: Path, folder: Path) -> Generator[Server]:
    """
    Run VictoriaTraces while the block lasts.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        grpc, http = (f"{LOOPBACK}:{port}" for port in ports)
        listen = [f"-otlpGRPCListenAddr={grpc}", "-otlpGRPC.tls=false", f"-httpListenAddr={http}"]
        window = "-search.traceMaxDurationWindow=48h"
        return [str(program), *listen, window, "-storageDataPath=data"]

    with _open(command, 2, folder, "victoria-traces") as running:
        base = f"http://{LOOPBACK}:{running.ports[1]}"
        yield Server(
            "VictoriaTraces",
            running.ports[0],
            f"{base}/insert/opentelemetry",
            f"{base}/select/jaeger",
        )


def validate_shipped(program: Path) -> list[str]:
    """
    Answer what the collector says against the configurations that are shipped: nothing, that is.
    """
    complaints: list[str] = []
    for path in (_BALANCER, _GATEWAY):
        command = [str(program), "validate", "--config", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            complaints.append(f"{path.name}: {done.stderr.strip()[-300:]}")
    return complaints


@contextmanager
def open_gateway(program: Path, folder: Path, name: str, backend: str) -> Generator[Server]:
    """
    Run a collector with the shipped ``gateway.yaml``, which exports to *backend*.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        said = [f"GRPC_PORT={ports[0]}", f"HTTP_PORT={ports[1]}", f"BACKEND={backend}"]
        wait = f"DECISION_WAIT={DECISION_WAIT}"
        return ["env", *said, wait, str(program), "--config", str(_GATEWAY)]

    with _open(command, 2, folder, name) as running:
        yield _serve(name, running, running.ports[1])


@contextmanager
def open_balancer(program: Path, folder: Path, gateways: list[Server]) -> Generator[Server]:
    """
    Run a collector with the shipped ``balancer.yaml``, in front of two *gateways*.
    """

    def command(ports: tuple[int, ...]) -> list[str]:
        said = [f"GRPC_PORT={ports[0]}", f"HTTP_PORT={ports[1]}"]
        said += [f"GATEWAY_{n}={LOOPBACK}:{g.grpc_port}" for n, g in enumerate(gateways, 1)]
        return ["env", *said, str(program), "--config", str(_BALANCER)]

    with _open(command, 2, folder, "balancer") as running:
        yield _serve("balancer", running, running.ports[1])


@contextmanager
def open_fan(program: Path, folder: Path, targets: list[Server]) -> Generator[Server]:
    """
    Run a collector that passes everything on to all of *targets*, untouched.

    So one message is one message in all of them, and they can be compared.
    """
    place = folder / "fan"
    place.mkdir()
    configuration = place / "fan.yaml"
    configuration.write_text(_write_fan(targets))

    def command(ports: tuple[int, ...]) -> list[str]:
        said = [f"GRPC_PORT={ports[0]}", f"HTTP_PORT={ports[1]}"]
        return ["env", *said, str(program), "--config", str(configuration)]

    with open_receiver(command, 2, place) as running:
        yield _serve("fan", running, running.ports[1])


def _write_fan(targets: list[Server]) -> str:
    exporters = "".join(
        f"  otlp_http/{number}: {{endpoint: '{target.http_endpoint}'}}\n"
        for number, target in enumerate(targets)
    )
    names = ", ".join(f"otlp_http/{number}" for number in range(len(targets)))
    return (
        "receivers:\n  otlp:\n    protocols:\n"
        f"      grpc: {{endpoint: '{LOOPBACK}:${{env:GRPC_PORT}}'}}\n"
        f"      http: {{endpoint: '{LOOPBACK}:${{env:HTTP_PORT}}'}}\n"
        f"exporters:\n{exporters}"
        "service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n"
        f"    traces: {{receivers: [otlp], exporters: [{names}]}}\n"
    )


@contextmanager
def _open(command: Command, ports: int, folder: Path, name: str) -> Generator[Receiver]:
    place = folder / name
    place.mkdir()
    with open_receiver(command, ports, place) as running:
        yield running


def _serve(name: str, running: Receiver, query_port: int) -> Server:
    query = f"http://{LOOPBACK}:{query_port}"
    return Server(name, running.ports[0], running.http_endpoint, query)
