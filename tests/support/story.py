"""
One message's story: a sender, a receiver and a local Linq, each a process of its own.

They are the programs of ``examples/`` and ``python -m linq_otel.testing``, told apart by
environment variables alone, as a stranger would run them.
"""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import EXAMPLES, Program, open_program


if TYPE_CHECKING:
    from pathlib import Path

    from support.otlp_route import OtlpRoute
    from support.otlp_spans import ReceivedSpan


MESSAGE_EVENTS = ("message.sent", "message.delivered", "message.read", "message.failed")


@dataclass(frozen=True, slots=True)
class Script:
    """
    What is to happen.

    Attributes:
        scenario: What becomes of the message.
        webhooks: The event types the receiver is to print, in whatever order.
        span_count: How many spans are to arrive.
        variables: Given to the sender and the receiver alike.
        speed: Simulated seconds per second. The first webhook must not come before the answer.
        events: The event types subscribed to.
        has_store: Whether the sender and the receiver share a store.
    """

    scenario: str
    webhooks: tuple[str, ...]
    span_count: int
    variables: dict[str, str] = field(default_factory=dict[str, str])
    speed: int = 30
    events: tuple[str, ...] = MESSAGE_EVENTS
    has_store: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """
    What has happened.

    Attributes:
        batches: The spans that arrived, by export, in order of arrival.
        linq_port: Where the local Linq listened.
        subscription_id: The subscription the webhooks were delivered for.
        printed: What the sender and the receiver printed.
        complaints: What they and the local Linq said on standard error.
        statuses: The exit statuses of sender, receiver and local Linq.
    """

    batches: list[list[ReceivedSpan]]
    linq_port: int
    subscription_id: str
    printed: tuple[list[str], list[str]]
    complaints: str
    statuses: tuple[int, int, int]

    @property
    def spans(self) -> list[ReceivedSpan]:
        """
        Every span that arrived.
        """
        return [span for batch in self.batches for span in batch]

    def span(self, name: str) -> ReceivedSpan:
        """
        Answer the one span of this name.
        """
        (found,) = [span for span in self.spans if span.name == name]
        return found


# As a process ends that a signal has told to, after it has cleaned up.
ENDED = (0, -signal.SIGTERM, 0)


def play(script: Script, route: OtlpRoute, folder: Path) -> Story:
    """
    Run the three programs until every webhook is answered and every span has left them.
    """
    (port,) = find_free_ports(1)
    with ExitStack() as stack:
        simulate = ["-m", "linq_otel.testing", "--seed", "7", "--scenario", script.scenario]
        simulate += ["--speed", str(script.speed), "--api-key", "local"]
        linq = stack.enter_context(open_program("linq", simulate, {}, folder))
        base_url = json.loads(linq.wait_for_lines(1)[0])["base_url"]
        subscription = _subscribe(base_url, port, script.events)
        common = {**_environment(script, folder), **route.environment()}
        secret = {"LINQ_WEBHOOK_SECRET": subscription["signing_secret"], "PORT": str(port)}
        receiver = stack.enter_context(
            _open_example("receiver", ["fastapi_app.py"], {**common, **secret}, folder)
        )
        receiver.wait_until(lambda: is_open(LOOPBACK, port), "open port")
        account = {"LINQ_API_V3_BASE_URL": base_url, "LINQ_API_V3_API_KEY": "local"}
        message = ["send_message.py", "+15550100000", "+15550100123", "Your order is on its way."]
        sender = stack.enter_context(
            _open_example("sender", message, {**common, **account}, folder)
        )
        statuses = (sender.wait(), _finish(receiver, len(script.webhooks)), linq.stop())
        programs = (sender, receiver, linq)
        return Story(
            route.batches(at_least=script.span_count),
            urlsplit(base_url).port or 0,
            subscription["id"],
            (sender.lines, receiver.lines),
            "".join(program.complaints for program in programs),
            statuses,
        )


def _environment(script: Script, folder: Path) -> dict[str, str]:
    store = {"OTEL_PYTHON_LINQ_STORE": f"sqlite:///{folder / 'linq.db'}"}
    return {
        **(store if script.has_store else {}),
        # Or the attributes of others' spans depend on which conventions are the default by now.
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        # Each process exports once, when it ends, however slow the machine.
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
        **script.variables,
    }


def _open_example(
    service_name: str, arguments: list[str], environment: dict[str, str], folder: Path
) -> Any:
    command = [str(EXAMPLES / arguments[0]), *arguments[1:]]
    return open_program(
        service_name, command, {**environment, "OTEL_SERVICE_NAME": service_name}, folder
    )


def _finish(receiver: Program, webhooks: int) -> int:
    """
    Stop the receiver once its webhooks are there; it answers the last, and sends its spans.
    """
    receiver.wait_for_lines(webhooks)
    return receiver.stop()


def _subscribe(base_url: str, port: int, events: tuple[str, ...]) -> dict[str, str]:
    """
    Subscribe by the API, whose answer is the only place a signing secret is ever named.
    """
    wanted = {"target_url": f"http://{LOOPBACK}:{port}/webhooks/linq", "subscribed_events": events}
    url = urlsplit(base_url)
    connection = HTTPConnection(url.netloc, timeout=5)
    try:
        headers = {"Authorization": "Bearer local", "Content-Type": "application/json"}
        path = f"{url.path}/v3/webhook-subscriptions"
        connection.request("POST", path, body=json.dumps(wanted), headers=headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert response.status == 201, body
    return cast("dict[str, str]", json.loads(body))
