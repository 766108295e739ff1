from __future__ import annotations

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from support import payloads as p
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import open_program


if TYPE_CHECKING:
    from support.otlp_sinks import Sink
    from support.programs import Program


APP = """
import os

from opentelemetry import trace

from linq_otel.export import configure

configure("otlp", service_name="shop", metrics=False, logs=False)
tracer = trace.get_tracer("shop")


def application(environ, start_response):
    with tracer.start_as_current_span(f"worker {os.getpid()}"):
        start_response("200 OK", [("content-type", "application/json")])
        return [str(os.getpid()).encode()]
"""


GREEN_APP = f"""
{APP}
from linq_otel import instrument
from linq_otel.webhooks import WebhookReceiver

instrument(store="sqlite:///linq.db")
receiver = WebhookReceiver()
show = application


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    if body:
        with receiver.process({{}}, body):
            pass
    return show(environ, start_response)
"""


def ask_workers(port: int, count: int) -> Counter[int]:
    """
    Ask until *count* workers have answered, or for 20 seconds; tell how often each did.
    """
    answers = Counter[int]()
    deadline = time.monotonic() + 20
    while len(answers) < count and time.monotonic() < deadline:
        with urlopen(f"http://{LOOPBACK}:{port}/", timeout=5) as response:
            answers[json.loads(response.read())] += 1
    return answers


def serve(
    endpoint: str, folder: Path, port: int, app: str = APP, *options: str
) -> tuple[list[str], dict[str, str]]:
    """
    Return how gunicorn is started with the app loaded before it forks, and with what environment.
    """
    (folder / "shop.py").write_text(app)
    gunicorn = str(Path(sys.executable).parent / "gunicorn")
    command = [
        gunicorn,
        "--preload",
        *options,
        "--workers",
        "2",
        "--bind",
        f"{LOOPBACK}:{port}",
        "shop:application",
    ]
    return command, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


def run(running: Program, port: int) -> Counter[int]:
    """
    Have both workers answer, and the server end; tell how often each answered.
    """
    running.wait_until(lambda: is_open(LOOPBACK, port), "open port")
    answers = ask_workers(port, 2)
    assert running.stop() == 0
    assert "Traceback" not in running.complaints
    return answers


class TestGunicorn:
    def test_preloaded(self, http_sink: Sink, tmp_path: Path) -> None:
        """Each worker forked of a configured server exports its spans once, by its own id."""
        (port,) = find_free_ports(1)
        command, environment = serve(http_sink.endpoint, tmp_path, port)
        with open_program("gunicorn", command, environment, tmp_path) as running:
            answers = run(running, port)
        names = Counter(http_sink.span_names)
        assert names == {f"worker {pid}": count for pid, count in answers.items()}
        owners = {
            (arrival.resources[0]["service.instance.id"], name)
            for arrival in http_sink.full
            for name in arrival.span_names
        }
        assert len(answers) == len(owners) == len({instance for instance, _ in owners}) == 2

    @pytest.mark.slow
    def test_green_workers(self, http_sink: Sink, tmp_path: Path) -> None:
        """Workers that get green threads after the app was loaded and instrumented go on."""
        (port,) = find_free_ports(1)
        options = ("--worker-class", "gevent")
        command, environment = serve(http_sink.endpoint, tmp_path, port, GREEN_APP, *options)
        bodies = [p.body_of("message.sent", event_id=f"event-{number}") for number in range(8)]

        def deliver(body: bytes) -> int:
            with urlopen(f"http://{LOOPBACK}:{port}/", data=body, timeout=20) as response:
                status: int = response.status
                return status

        with open_program("gunicorn", command, environment, tmp_path) as running:
            running.wait_until(lambda: is_open(LOOPBACK, port), "open port")
            with ThreadPoolExecutor(4) as pool:
                assert list(pool.map(deliver, bodies)) == [200] * 8
            # One that has not begun to serve does not hear that it is to end.
            answers = ask_workers(port, 2)
            assert running.stop() == 0
        names = Counter(name.partition(" ")[0] for name in http_sink.span_names)
        assert (names["process"], names["worker"]) == (8, 8 + answers.total())
