"""
Apps that know nothing of tracing, in real servers with several workers, under load.

Sender and receiver run under ``opentelemetry-instrument`` beside the official
instrumentations; what is asserted is what an OTLP receiver got.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.testing import LinqSimulator
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.otlp_route import Way
from support.programs import EXAMPLES, open_program


if TYPE_CHECKING:
    from collections.abc import Generator

    from support.otlp_route import OtlpRoute
    from support.otlp_spans import ReceivedSpan
    from support.programs import Program


APPS = EXAMPLES / "untouched"
BIN = Path(sys.executable).parent
STAGES = ("accepted", "sent", "delivered")


@dataclass(frozen=True)
class Server:
    """
    One way to serve an app: the command, with ``{port}`` in it.
    """

    name: str
    command: tuple[str, ...]

    def __str__(self) -> str:
        """
        Return the name, for pytest.
        """
        return self.name


GUNICORN = ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "--chdir", str(APPS))
SERVERS = (
    Server(
        "fastapi-uvicorn-2",
        (
            "uvicorn",
            "--workers",
            "2",
            # On a busy host the imports take longer than the 5 seconds it allows by default.
            "--timeout-worker-healthcheck",
            "60",
            "--port",
            "{port}",
            "--app-dir",
            str(APPS),
            "fastapi_shop:app",
        ),
    ),
    Server("flask-gunicorn-2", (*GUNICORN, "flask_shop:app")),
    Server("flask-gunicorn-2-preload", (*GUNICORN, "--preload", "flask_shop:app")),
    Server("django-gunicorn-2", (*GUNICORN, "django_shop:application")),
    Server(
        "django-runserver",
        ("django-admin", "runserver", "--noreload", "127.0.0.1:{port}"),
    ),
    Server("aiohttp", ("python", str(APPS / "aiohttp_shop.py"), "{port}")),
)


@contextmanager
def instrumented(
    name: str, command: tuple[str, ...], environment: dict[str, str], folder: Path
) -> Generator[Program]:
    """
    Run *command* under ``opentelemetry-instrument`` while the block lasts.
    """
    program = [str(BIN / command[0]), *command[1:]]
    arguments = [str(BIN / "opentelemetry-instrument"), *program]
    paths = {"PYTHONPATH": str(APPS), "DJANGO_SETTINGS_MODULE": "django_settings"}
    with open_program(name, arguments, {**environment, **paths}, folder) as running:
        yield running


def play(
    route: OtlpRoute, server: Server, library: str, count: int, folder: Path, **options: str
) -> tuple[list[ReceivedSpan], LinqSimulator]:
    """
    Send *count* messages, let *server* take their webhooks, and return what arrived.
    """
    (port,) = find_free_ports(1)
    with LinqSimulator(seed=7, scenario="duplicates", speed=20) as linq:
        events = ("message.sent", "message.delivered")
        secret = linq.subscribe(f"http://{LOOPBACK}:{port}/webhooks/linq", events).signing_secret
        environment = {
            **route.environment(),
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            # Worker processes of uvicorn end without flushing, so nothing must wait for the end.
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_PYTHON_LINQ_STORE": f"sqlite:///{folder / 'linq.db'}",
            # What is tested is the joining, on a host that may be busy.
            "OTEL_PYTHON_LINQ_STORE_TIMEOUT": "10000",
            "LINQ_BASE_URL": f"{linq.base_url}/v3",
            "LINQ_API_KEY": linq.api_key,
            "LINQ_WEBHOOK_SECRET": secret,
            **options,
        }
        receiver = {**environment, "OTEL_SERVICE_NAME": "receiver"}
        command = tuple(part.format(port=port) for part in server.command)
        with instrumented("receiver", command, receiver, folder) as running:
            running.wait_until(lambda: is_open(LOOPBACK, port), "open port")
            sending = {**environment, "OTEL_SERVICE_NAME": "sender"}
            send = ("python", str(APPS / "send.py"), library, str(count))
            with instrumented("sender", send, sending, folder) as sender:
                assert sender.wait() == 0, sender.complaints
                assert sender.lines == ["[201]"]
            linq.wait_until_idle(30)
            spans = wait_for(route, len(linq.deliveries))
            running.stop()
            assert "Traceback" not in running.complaints
        assert {delivery.status for delivery in linq.deliveries} == {204}
        return spans, linq


def wait_for(route: OtlpRoute, deliveries: int) -> list[ReceivedSpan]:
    """
    Return all spans once the SERVER span of each delivery is there, or after 20 seconds.
    """
    deadline = time.monotonic() + 20
    while True:
        spans = route.spans()
        serving = [span for span in spans if span.kind == "SERVER"]
        if len(serving) >= deliveries or time.monotonic() > deadline:
            return spans


def check(spans: list[ReceivedSpan], linq: LinqSimulator) -> None:
    """
    Assert that each message has one life, whole, and that nothing hangs in the air.
    """
    ids = {span.span_id for span in spans}
    orphans = [
        s.name for s in spans if s.parent_span_id is not None and s.parent_span_id not in ids
    ]
    assert orphans == []
    anchors = {s.span_id: s for s in spans if s.name == "linq message"}
    messages = {message.linq_trace_id: message.message_id for message in linq.accepted}
    assert sorted(str(s.attributes["linq.trace_id"]) for s in anchors.values()) == sorted(messages)
    stages = Counter[tuple[str, str]]()
    drawn: set[str] = set()
    for span in spans:
        if not span.name.startswith(("message ", "process ")):
            continue
        anchor = anchors[str(span.parent_span_id)]
        assert span.otel_trace_id == anchor.otel_trace_id
        message_id = messages[str(anchor.attributes["linq.trace_id"])]
        # The sender knows the id once it has read the answer, which `accepted` need not await.
        assert span.attributes.get("linq.message.id", message_id) == message_id
        if span.name.startswith("message ") and span.span_id not in drawn:
            drawn.add(span.span_id)
            stages[anchor.span_id, span.name] += 1
        if span.name.startswith("process "):
            assert span.attributes["linq.webhook.verified"] is True
            webhooks = [link for link in span.links if link.attributes["linq.link"] == "webhook"]
            assert [link.span_id in ids for link in webhooks] == [True]
    expected = {(anchor, f"message {stage}") for anchor in anchors for stage in STAGES}
    assert stages == dict.fromkeys(expected, 1)
    handled = [s for s in spans if s.name.startswith("process ")]
    assert len(handled) == len(linq.deliveries)
    assert len([s for s in handled if not is_duplicate(s)]) == 2 * len(anchors)
    serving = [s for s in spans if s.kind == "SERVER"]
    assert len(serving) == len(linq.deliveries)
    clients = [s for s in spans if s.kind == "CLIENT"]
    assert len(clients) == len(anchors)


def is_duplicate(span: ReceivedSpan) -> bool:
    """
    Tell whether a handler's span says that its event came before.
    """
    return span.attributes.get("linq.webhook.duplicate") is True


@pytest.mark.parametrize("otlp_route", [Way("http/protobuf", "gzip")], ids=str, indirect=True)
@pytest.mark.slow
class TestUntouchedApps:
    @pytest.mark.parametrize("server", SERVERS, ids=str)
    def test_servers(self, otlp_route: OtlpRoute, server: Server, tmp_path: Path) -> None:
        """
        Every message sent has one whole life, whichever worker of whichever server took a webhook.
        """
        check(*play(otlp_route, server, "requests", 25, tmp_path))

    @pytest.mark.parametrize("library", ["httpx", "urllib"])
    def test_clients(self, otlp_route: OtlpRoute, library: str, tmp_path: Path) -> None:
        """
        It makes no difference which library the app sends with.
        """
        check(*play(otlp_route, SERVERS[0], library, 25, tmp_path))

    def test_app_mode(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        With a shared store the life hangs under the very span that sent the message.
        """
        options: dict[str, Any] = {"OTEL_PYTHON_LINQ_JOIN": "app"}
        spans, linq = play(otlp_route, SERVERS[1], "requests", 10, tmp_path, **options)
        check(spans, linq)
        sends = {s.span_id: s.otel_trace_id for s in spans if s.kind == "PRODUCER"}
        anchors = [s for s in spans if s.name == "linq message"]
        assert {a.parent_span_id: a.otel_trace_id for a in anchors} == sends
