"""
A task of Celery, through a real broker, in a worker of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from support import payloads as p
from support.otlp_sinks import open_http_sink
from support.scripts import PACKAGE_FOLDER, run_script


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


SECONDS = 30
# Folders are a broker that needs no server: both ends see the same files.
TASKS = """
    import os
    from celery import Celery
    from opentelemetry.sdk.trace import TracerProvider
    from linq_otel.propagation import attached

    queue = os.environ["QUEUE"]
    app = Celery("tasks", broker="filesystem://", backend=f"file://{queue}/results")
    app.conf.broker_transport_options = {
        "data_folder_in": f"{queue}/messages",
        "data_folder_out": f"{queue}/messages",
        "control_folder": f"{queue}/control",
    }
    tracer = TracerProvider().get_tracer("app")

    @app.task
    def answer(chat_id, trace):
        with attached(trace), tracer.start_as_current_span("answer") as span:
            return [chat_id, f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}"]
"""
PREFORK = """
    import os, sys
    from opentelemetry import trace
    from tasks import app
    from linq_otel.export import configure

    # Loaded by the worker before it forks, and by the sender of the tasks.
    configure("otlp", endpoint=os.environ["SINK"], service_name="w", metrics=False, logs=False)

    @app.task
    def work():
        with trace.get_tracer("app").start_as_current_span(f"work {os.getpid()}"):
            return os.getpid()

    if __name__ == "__main__":
        results = [app.send_task("prefork.work") for _ in range(3)]
        print(*(result.get(timeout=40) for result in results))
"""
RECEIVER = """
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from opentelemetry.sdk.trace import TracerProvider
    from linq_otel.propagation import to_headers
    from linq_otel.webhooks import WebhookReceiver
    from tasks import answer

    receiver = WebhookReceiver(tracer_provider=TracerProvider(), store="memory:")
    with receiver.process(None, sys.argv[2].encode()) as event:
        trace = to_headers()
        result = answer.delay(event.chat_id, trace)
    print(json.dumps({"trace": trace, "done": result.get(timeout=20)}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Return a folder with the app's tasks, and its queue beneath.
    """
    (tmp_path / "tasks.py").write_text(dedent(TASKS), encoding="utf-8")
    for name in ("messages", "control", "results"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("QUEUE", str(tmp_path))
    return tmp_path


@pytest.fixture
def worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a worker.
    """
    with open_worker(folder, "tasks", "--pool", "solo") as process:
        yield process


@contextmanager
def open_worker(folder: Path, app: str, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """
    Run a worker of *app* while the block lasts.
    """
    arguments = ["-A", app, "worker", "--loglevel", "error", *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", *arguments, "--without-gossip", "--without-mingle"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE_FOLDER},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.terminate()
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.slow
class TestPrefork:
    def test_children_that_are_replaced(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each child ends after a task, by no `atexit`, and the span of each is exported."""
        (folder / "prefork.py").write_text(dedent(PREFORK), encoding="utf-8")
        options = ("--concurrency", "1", "--max-tasks-per-child", "1")
        with open_http_sink() as sink:
            monkeypatch.setenv("SINK", sink.endpoint)
            # Nothing is exported but at the end of a process.
            monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
            with open_worker(folder, "prefork", *options):
                program = f"import sys; sys.path.insert(0, {str(folder)!r}); import runpy; "
                program += "runpy.run_module('prefork', run_name='__main__')"
                children = run_script(program).split()
        assert len(set(children)) == 3
        assert sorted(sink.span_names) == sorted(f"work {child}" for child in children)


class TestTask:
    def test_hangs_under_the_handler(self, folder: Path, worker: subprocess.Popen[bytes]) -> None:
        """Its span is a child of the process span that queued it, in another process."""
        body = p.body_of("message.received").decode()
        told = json.loads(run_script(RECEIVER, str(folder), body))
        version, otel_trace_id, span_id, flags = told["trace"]["traceparent"].split("-")
        assert (version, otel_trace_id, flags) == ("00", p.LINQ_TRACE_ID, "01")
        assert told["done"] == [p.CHAT_ID, otel_trace_id, span_id]
