"""
What one webhook costs an app: verified, joined to its message, with its two spans.

The instrumentations people use today make one span of it by WSGI, and three or four by ASGI, and
know nothing of what was delivered.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from deliveries import BODY_BYTES, PATH, SECRET, make_delivery, save_origins
from measuring import Line, Variant, added, compare, interleave, medians
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware as ContribAsgi
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware as ContribWsgi
from tallies import open_provider

from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.asgi import LinqWebhookMiddleware as OursAsgi
from linq_otel.webhooks.wsgi import LinqWebhookMiddleware as OursWsgi


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deliveries import Delivery
    from measuring import Costs, Effort
    from opentelemetry.sdk.trace import TracerProvider
    from tallies import Tally


# The stage delivered, and the run of the handler.
_SPANS: Final = 2
_PLAIN: Final = "uninstrumented"
_BODY: Final = "bench.body"


class Scene:
    """
    The variants of one protocol, and the spans each owes for a request.

    Args:
        drive: Runs an app for each of some requests, and sees that it answers 200.
        shape: A request as the protocol has it.
    """

    def __init__(
        self,
        drive: Callable[[Any, Sequence[Any]], object],
        shape: Callable[[Delivery], dict[str, Any]],
    ) -> None:
        self._drive, self._shape = drive, shape
        self._numbers = count()
        # Neither grows nor is full while others have their turn.
        self._store = MemoryStore(size=10_000)
        self._owed: list[tuple[Counter[str], Tally, int]] = []
        self.variants: dict[str, Variant] = {}

    def add(self, name: str, spans: int, wrap: Callable[[TracerProvider], Any]) -> None:
        """
        Add an app, instrumented as *wrap* does it, that makes so many *spans* of a request.
        """
        (provider, tally), done = open_provider(), Counter[str]()
        app = wrap(provider)
        self._owed.append((done, tally, spans))

        def run(requests: Sequence[Any]) -> None:
            self._drive(app, requests)
            done["requests"] += len(requests)

        self.variants[name] = Variant(run, self._deliver)

    def receiver(self, provider: TracerProvider) -> WebhookReceiver:
        """
        Return ours, which knows the origin of each delivery.
        """
        return WebhookReceiver(SECRET, tracer_provider=provider, store=self._store)

    def measure(self, effort: Effort) -> Costs:
        """
        Run all of them, and see that each made its spans.
        """
        costs = interleave(self.variants, effort.rounds, effort.batch)
        for done, tally, spans in self._owed:
            assert tally.spans == spans * done["requests"], (tally.spans, done)
        return costs

    def _deliver(self, size: int) -> list[dict[str, Any]]:
        numbers = [next(self._numbers) for _ in range(size)]
        save_origins(self._store, numbers[0], size)
        return [self._shape(make_delivery(number)) for number in numbers]


def measure_asgi(effort: Effort) -> list[Line]:
    """
    Measure the middleware for ASGI.
    """
    with closing(asyncio.new_event_loop()) as loop:
        scene = Scene(
            lambda app, scopes: loop.run_until_complete(_drive_asgi(app, scopes)),
            lambda delivery: {**delivery.scope, _BODY: delivery.body},
        )
        scene.add(_PLAIN, 0, lambda _: _answer_asgi)
        scene.add(
            "contrib ASGI", 4, lambda provider: ContribAsgi(_answer_asgi, tracer_provider=provider)
        )
        scene.add(
            "contrib ASGI, one span",
            1,
            lambda provider: ContribAsgi(
                _answer_asgi, tracer_provider=provider, exclude_spans=["receive", "send"]
            ),
        )
        scene.add(
            "ours",
            _SPANS,
            lambda provider: OursAsgi(_answer_asgi, [PATH], scene.receiver(provider)),
        )
        costs = scene.measure(effort)
    ours, name = added("ours", _PLAIN), "webhook, ASGI: added"
    whole, one = (added(f"contrib ASGI{kind}", _PLAIN) for kind in ("", ", one span"))
    return [
        Line(name, "contrib ASGI adds", compare(costs, ours, whole), 0.5, costs=medians(costs)),
        Line(name, "contrib ASGI adds, receive and send excluded", compare(costs, ours, one)),
    ]


def measure_wsgi(effort: Effort) -> list[Line]:
    """
    Measure the middleware for WSGI.
    """
    scene = Scene(_drive_wsgi, lambda delivery: delivery.environ)
    scene.add(_PLAIN, 0, lambda _: _answer_wsgi)
    scene.add(
        "contrib WSGI", 1, lambda provider: ContribWsgi(_answer_wsgi, tracer_provider=provider)
    )
    scene.add(
        "ours", _SPANS, lambda provider: OursWsgi(_answer_wsgi, [PATH], scene.receiver(provider))
    )
    costs = scene.measure(effort)
    ours, theirs = (added(name, _PLAIN) for name in ("ours", "contrib WSGI"))
    found = compare(costs, ours, theirs)
    return [Line("webhook, WSGI: added", "contrib WSGI adds", found, 1.2, costs=medians(costs))]


async def _answer_asgi(_scope: Any, receive: Any, send: Any) -> None:
    body, is_whole = b"", False
    while not is_whole:
        message = await receive()
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
    assert len(body) == BODY_BYTES
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def _drive_asgi(app: Any, scopes: Sequence[dict[str, Any]]) -> None:
    for scope in scopes:
        waiting = [{"type": "http.request", "body": scope.pop(_BODY), "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive(waiting: list[dict[str, Any]] = waiting) -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
            sent.append(message)

        await app(scope, receive, send)
        assert sent[0]["status"] == 200


def _answer_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    assert len(body) == BODY_BYTES
    start_response("200 OK", [])
    return [b"ok"]


def _drive_wsgi(app: Any, environs: Sequence[dict[str, Any]]) -> None:
    started: list[str] = []

    def start(status: str, _headers: object, _failed: object = None) -> None:
        started.append(status)

    for environ in environs:
        answer = app(environ, start)
        assert b"".join(answer) == b"ok"
        if hasattr(answer, "close"):
            answer.close()
    assert started == ["200 OK"] * len(environs)
