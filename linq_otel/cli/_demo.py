"""
``linq-otel demo``: a sender, a receiver and a local Linq, run for a few seconds.

Each of the three is a process or server of its own and speaks real HTTP to the
others, so what is joined at the end was joined the way it is in production.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from linq_otel._files import check_writable, replace_file
from linq_otel._otlp_json import read_spans
from linq_otel.errors import ConfigurationError, MissingExtraError
from linq_otel.testing import SCENARIOS, LinqSimulator, Scenario

from ._demo_report import describe, report_demo
from ._demo_story import AGO, JOIN, SPANS_FILE, STORE, DemoOptions, Story


if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import IO


_NEEDED: Final = (
    "fastapi",
    "linq",
    "opentelemetry.exporter.otlp.json.file",
    "opentelemetry.instrumentation.fastapi",
    "uvicorn",
)
_EVENTS: Final = ("message.sent", "message.delivered", "message.read", "message.failed")
# What the simulator has happen in minutes or hours happens here at these seconds.
_MOMENTS: Final = (0.7, 1.6, 5.5, 8.0)
# What takes longer than this is dated so, and happened then; seconds.
_LONG: Final = 600.0
_LOOK_EVERY: Final = 0.05
_HEAD_START: Final = 0.1
_START_SECONDS: Final = 20.0
_SEND_SECONDS: Final = 25.0
_WEBHOOKS_SECONDS: Final = 25.0
_STOP_SECONDS: Final = 15.0


def run_demo(options: DemoOptions, out: IO[str]) -> int:
    """
    Run the demo and print what it shows; returns the exit code.

    Raises:
        MissingExtraError: If the packages of the extra ``demo`` are not there.
        ConfigurationError: If nothing listens at the endpoint, the output
            cannot be written, or a process does not start.
    """
    _check_packages()
    endpoint = options.endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if endpoint:
        _check_endpoint(endpoint)
    # Better now than after the wait; a file that is there stays as it is until the end.
    check_writable(options.output)
    said = sys.stderr if options.as_json else out
    said.write(f"{describe(options)}\n\n")
    with tempfile.TemporaryDirectory(prefix="linq-otel-demo-") as folder:
        story = _play(options, endpoint, Path(folder), said)
        lines = [line for file in sorted(Path(folder).glob("*.jsonl")) for line in _lines(file)]
    with replace_file(options.output) as file:
        file.writelines(lines)
    return report_demo(options, replace(story, spans=tuple(read_spans(lines))), out)


def _play(options: DemoOptions, endpoint: str | None, folder: Path, out: IO[str]) -> Story:
    scenario, ago = _shortened(SCENARIOS[options.scenario])
    seed = secrets.randbits(32) if options.seed is None else options.seed
    with LinqSimulator(seed=seed, scenario=scenario, start=time.time() - ago) as linq:
        port = _find_free_port()
        subscription = linq.subscribe(f"http://127.0.0.1:{port}/webhooks/linq", _EVENTS)
        environment = {
            **_environment(endpoint),
            STORE: f"sqlite:///{folder / 'linq.db'}" if options.store == "shared" else "memory:",
            JOIN: options.join,
            AGO: str(ago),
            "LINQ_API_V3_BASE_URL": linq.base_url,
            "LINQ_API_V3_API_KEY": linq.api_key,
            "LINQ_WEBHOOK_SECRET": subscription.signing_secret,
        }
        receiver = {**environment, SPANS_FILE: str(folder / "receiver.jsonl")}
        sender = {**environment, SPANS_FILE: str(folder / "sender.jsonl")}
        with _narrating(_Narrator(linq, out, ago)) as narrator:
            narrator.say("a FastAPI app and a local Linq start")
            with _open_receiver(receiver, port):
                narrator.say("a shop starts, and will tell a customer that an order is on its way")
                told = _send(sender)
                _wait_for_webhooks(linq)
            narrator.say("that was all; sender and receiver have exported their spans")
        webhooks = tuple((one.event_type, one.status) for one in linq.deliveries)
    return Story(told, webhooks)


@dataclass
class _Narrator:
    """
    Says what happens as it happens.

    Attributes:
        linq: The simulator, whose requests and deliveries are told.
        out: Where it is told.
        ago: Seconds that the beginning of the story is put back.
    """

    linq: LinqSimulator
    out: IO[str]
    ago: float

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._told = [0, 0]

    def say(self, text: str) -> None:
        """
        Say something that happens now.
        """
        with self._lock:
            self.out.write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")
            self.out.flush()

    def look(self) -> None:
        """
        Say what the simulator has seen since it was looked at last.
        """
        requests, deliveries = self.linq.requests, self.linq.deliveries
        told, self._told = self._told, [len(requests), len(deliveries)]
        for request in requests[told[0] :]:
            answer = "no answer" if request.status is None else str(request.status)
            path = request.path.removeprefix("/api/partner")
            self.say(f"shop -> Linq     {request.method} {path}: {answer}")
        for one in deliveries[told[1] :]:
            notes = " (forged)" if one.forged else ""
            if self.ago and one.event_type == "message.read":
                notes += f", {self.ago / 3600:.0f} hours later"
            answer = "no answer" if one.status is None else str(one.status)
            self.say(f"Linq -> receiver {one.event_type}{notes}: {answer}")


@contextmanager
def _narrating(narrator: _Narrator) -> Generator[_Narrator]:
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_LOOK_EVERY):
            narrator.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield narrator
    finally:
        is_over.set()
        thread.join()


def _shortened(scenario: Scenario) -> tuple[Scenario, float]:
    """
    Have a scenario happen in seconds; returns how many seconds ago it must begin for that.
    """
    steps = sorted(scenario.steps, key=lambda step: step.after)
    moments = list(zip(steps, _MOMENTS, strict=False))
    ago = max((step.after - at for step, at in moments if step.after > _LONG), default=0.0)
    short = tuple(
        replace(step, after=at + ago if step.after > _LONG else at, told_after=at)
        for step, at in moments
    )
    # A webhook that overtakes is ahead by a moment, not by as long as its handler takes.
    return replace(scenario, steps=short, head_start=_HEAD_START), ago


def _environment(endpoint: str | None) -> dict[str, str]:
    """
    Return this environment without what would change the demo's own tracing.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OTEL_") or name.startswith("OTEL_EXPORTER_OTLP_")
    }
    kept.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
    if endpoint:
        kept["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    return kept


@contextmanager
def _open_receiver(environment: dict[str, str], port: int) -> Generator[None]:
    command = [sys.executable, "-m", "linq_otel.cli._demo_receiver", str(port)]
    process = subprocess.Popen(  # noqa: S603  # Our own module.
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise ConfigurationError("the demo's webhook receiver did not start; see above")
            yield
            if process.stdin is not None:
                process.stdin.close()
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()


def _send(environment: dict[str, str]) -> dict[str, str]:
    command = [sys.executable, "-m", "linq_otel.cli._demo_sender"]
    try:
        done = subprocess.run(  # noqa: S603  # Our own module.
            command,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=_SEND_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError("the demo's sender did not finish; see above") from error
    told: dict[str, str] = json.loads(done.stdout)
    return told


def _wait_for_webhooks(linq: LinqSimulator) -> None:
    try:
        linq.wait_until_idle(_WEBHOOKS_SECONDS)
    except TimeoutError as error:
        missing = f"the webhooks did not all arrive in {_WEBHOOKS_SECONDS:.0f} s"
        raise ConfigurationError(missing) from error


def _check_packages() -> None:
    for name in _NEEDED:
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise MissingExtraError("linq-otel demo", "demo")


def _check_endpoint(endpoint: str) -> None:
    """
    Find out now whether somebody listens: exporters only say so much later.
    """
    try:
        address = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        port = address.port or (443 if address.scheme == "https" else 80)
        with socket.create_connection((address.hostname or "", port), timeout=3):
            return
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"nothing listens at {endpoint}; is the backend up?") from error


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines(keepends=True)
