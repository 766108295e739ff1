"""
Processes that end without `atexit`: what they hold back is exported all the same.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider

from support.scripts import run_script, start_script


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from linq_otel.export import Export
    from support.otlp_sinks import Sink


CHILDREN = """
    import json, multiprocessing, os, sys
    from opentelemetry import trace

    def configure():
        from linq_otel.export import configure
        configure("otlp", endpoint=sys.argv[1], service_name="w", metrics=False, logs=False)

    def work(name, configures=False):
        if configures:
            configure()
        with trace.get_tracer("app").start_as_current_span(f"{name} {os.getpid()}"):
            return f"{name} {os.getpid()}"

    context = multiprocessing.get_context("fork")
    process = context.Process(target=work, args=("process", True))
    process.start()
    process.join()
    configure()
    with context.Pool(2) as pool:  # Which ends its workers by SIGTERM.
        names = pool.map(work, ["pool"] * 4, 1)
    print(json.dumps([process.pid, names]))
"""
PROGRAM = """
    import sys, time
    from linq_otel.export import configure
    from opentelemetry import trace

    configure("otlp", endpoint=sys.argv[1], service_name="w", metrics=False, logs=False)
    with trace.get_tracer("app").start_as_current_span("work"):
        pass
    print("up", flush=True)
    time.sleep(30)
"""


class TestMultiprocessing:
    def test_children(self, http_sink: Sink) -> None:
        """One that exports by itself and ends, and a pool's, of a parent that exports."""
        process, names = json.loads(run_script(CHILDREN, http_sink.endpoint))
        assert Counter(http_sink.span_names) == Counter([f"process {process}", *names])


@pytest.fixture
def handler() -> Iterator[None]:
    """
    Put the handler of SIGTERM back that was there before.
    """
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def open_export(start: Callable[..., Export], sink: Sink) -> Export:
    """
    Export the spans of a provider of the app's own.
    """
    provider = TracerProvider(shutdown_on_exit=False)
    options = {"endpoint": sink.endpoint, "metrics": False, "logs": False}
    return start("otlp", tracer_provider=provider, **options)


@pytest.mark.usefixtures("handler")
class TestSignal:
    def test_plain_program(self, http_sink: Sink) -> None:
        """What SIGTERM ends has exported, and has the exit status it would have without us."""
        with start_script(PROGRAM, http_sink.endpoint) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            process.terminate()
            assert process.wait(20) == -signal.SIGTERM
        assert http_sink.span_names == ["work"]

    @pytest.mark.timing
    def test_receiver_that_hangs(self, http_sink: Sink) -> None:
        """A second signal ends the program at once, although the first still waits."""
        http_sink.gate.clear()
        with start_script(PROGRAM, http_sink.endpoint) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            process.terminate()
            assert process.wait(3) == -signal.SIGTERM

    def test_handler_of_the_app(self, http_sink: Sink, start: Callable[..., Export]) -> None:
        """An app that has one keeps it."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            """Do what an app does."""

        signal.signal(signal.SIGTERM, handle)
        open_export(start, http_sink).shutdown()
        assert signal.getsignal(signal.SIGTERM) is handle

    def test_later_handler_of_the_app(self, http_sink: Sink, start: Callable[..., Export]) -> None:
        """One that an app sets later takes its place, and stays."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            """Do what an app does."""

        export = open_export(start, http_sink)
        assert signal.signal(signal.SIGTERM, handle) is not signal.SIG_DFL
        export.shutdown()
        assert signal.getsignal(signal.SIGTERM) is handle

    def test_end_of_the_export(self, http_sink: Sink, start: Callable[..., Export]) -> None:
        """What is shut down leaves no handler behind, and the last one takes it away."""
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        first, second = (open_export(start, http_sink) for _ in range(2))
        ours = signal.getsignal(signal.SIGTERM)
        first.shutdown()
        assert signal.getsignal(signal.SIGTERM) == ours != signal.SIG_DFL
        second.shutdown()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
