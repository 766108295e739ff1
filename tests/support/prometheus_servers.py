"""
A real Prometheus on 127.0.0.1, and promtool, which tests rules with series that are written down.

::

    with open_prometheus(tmp_path, {"shop": "127.0.0.1:9464"}, rules) as server:
        server.query("up")
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from support.otlp_processes import LOOPBACK, ReceiverError, open_receiver


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from linq_otel._instruments import Instrument
    from support.otlp_processes import Receiver


SCRAPES_A_SECOND = 2
_READY_SECONDS = 10.0

GRAFANA = Path(__file__).parents[2] / "examples" / "backends" / "grafana"
ALERTS = GRAFANA / "alerts.yaml"
DASHBOARD = GRAFANA / "dashboards" / "linq-messages.json"


class PrometheusMissingError(Exception):
    """
    Prometheus is not installed.
    """


def find_program(name: str) -> str:
    """
    Answer the path of a program of Prometheus; a missing one fails the tests, and skips none.
    """
    path = shutil.which(name)
    if path is None:
        raise PrometheusMissingError(f"no {name} on PATH: apt-get install prometheus")
    return path


def name_series(one: Instrument) -> tuple[str, ...]:
    """
    Return the series Prometheus makes of a metric (its OTLP translation, with suffixes).
    """
    base = one.name.replace(".", "_") + ("_seconds" if one.unit == "s" else "")
    if one.kind == "histogram":
        return tuple(f"{base}_{part}" for part in ("bucket", "count", "sum"))
    return (f"{base}_total" if one.kind == "counter" else base,)


@dataclass(frozen=True, slots=True)
class PrometheusServer:
    """
    A server that runs.
    """

    receiver: Receiver

    @property
    def is_ready(self) -> bool:
        """
        True once it answers queries; it listens before that.
        """
        with suppress(ReceiverError):
            return bool(self.receiver.read("/-/ready"))
        return False

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """
        Return the labels and the value of each series of *expression*, now.
        """
        found = self._read(f"/api/v1/query?query={quote(expression)}")["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def alerts(self) -> list[dict[str, Any]]:
        """
        Return the alerts that are active.
        """
        found: list[dict[str, Any]] = self._read("/api/v1/alerts")["alerts"]
        return found

    def _read(self, path: str) -> Any:
        return json.loads(self.receiver.read(path))["data"]


@contextmanager
def open_prometheus(
    folder: Path, targets: Mapping[str, str], rules: str
) -> Generator[PrometheusServer]:
    """
    Run a server that reads *targets*, an address for each job, several times a second.
    """
    interval = f"{1000 // SCRAPES_A_SECOND}ms"
    jobs = [{"job_name": job, "static_configs": [{"targets": [at]}]} for job, at in targets.items()]
    settings = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yaml"],
        "scrape_configs": jobs,
    }
    (folder / "rules.yaml").write_text(rules)
    # JSON is YAML.
    (folder / "prometheus.yaml").write_text(json.dumps(settings))

    def command(ports: tuple[int, ...]) -> list[str]:
        # There is no gRPC, whose port is asked first.
        listen = f"--web.listen-address={LOOPBACK}:{ports[0]}"
        files = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data"]
        return [find_program("prometheus"), listen, *files]

    with open_receiver(command, 1, folder) as receiver:
        server = PrometheusServer(type(receiver)(receiver.pid, receiver.ports * 2))
        deadline = time.monotonic() + _READY_SECONDS
        while not server.is_ready:
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.02)
        yield server


def run_rule_tests(folder: Path, tests: list[dict[str, Any]]) -> str:
    """
    Return what promtool says of our alerts; nothing, if they do as *tests* say.
    """
    content = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yaml").write_text(json.dumps(content))
    command = [find_program("promtool"), "test", "rules", "tests.yaml"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr) if done.returncode else ""
