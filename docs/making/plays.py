# ruff: noqa: INP001  # A script.
"""
Plays the stories that the pages tell, so that no picture in them is made up.

Each is played by a real shop, a real webhook endpoint and a local Linq over HTTP, in a process of
its own. Run as a script, it plays one and prints what was recorded, as JSON::

    python docs/making/plays.py read
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent_play import AGENT, play_turn
from fastapi import FastAPI, Request
from fastapi.responses import Response
from linq import LinqAPIV3, LinqApiv3Error
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind
from recordings import record
from stage import find_free_port, provide, serve

from linq_otel import LinqInstrumentor
from linq_otel.stores.memory import MemoryStore
from linq_otel.testing import Answer, LinqSimulator, Scenario, Step
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.asgi import LinqWebhookMiddleware


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


SENT = Step("message.sent", 0.7)
DELIVERED = Step("message.delivered", 1.6)
READ = Step("message.read", 5.5)
_EVENTS = ("message.sent", "message.delivered", "message.read", "message.failed")
_PATH = "/webhooks/linq"
_END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Play:
    """
    What happens in a story.

    Attributes:
        scenario: What Linq does.
        options: Of ``instrument()``, for the shop and for the endpoint.
        has_store: Whether the two share a store.
        statuses: What the endpoint answers, in turn, before it answers 200 for good.
        is_listening: False leaves the address of the endpoint without anybody behind it.
        late_after: Of the endpoint alone: it may not touch a life that is older, in seconds.
    """

    scenario: Scenario
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    has_store: bool = True
    statuses: tuple[int, ...] = ()
    is_listening: bool = True
    late_after: float | None = None


def _refused(status: int, code: int, tries: int = 1, retry_after: int | None = None) -> Scenario:
    return Scenario(answers=(Answer(status, code=code, retry_after=retry_after),) * tries)


_SEEN = Scenario(steps=(SENT, DELIVERED, READ))
_BRIEF = (SENT, DELIVERED)
PLAYS = {
    "join-linq": Play(_SEEN, {"join": "linq"}),
    "join-app": Play(_SEEN, {"join": "app"}),
    "join-message": Play(_SEEN, {"join": "message"}),
    "join-link": Play(_SEEN, {"join": "link"}),
    "no-stages": Play(_SEEN, {"stages": False}),
    "unauthorized": Play(_refused(401, 2004)),
    "not-e164": Play(_refused(400, 1002)),
    "denied": Play(_refused(403, 2006)),
    "conflict": Play(Scenario(answers=(Answer(409, code=2009),), steps=_BRIEF)),
    "rate-limited": Play(
        Scenario(answers=(Answer(429, code=1007, retry_after=1),), steps=_BRIEF),
    ),
    "server-error": Play(_refused(503, 4004, tries=3)),
    "no-webhook": Play(Scenario(steps=_BRIEF), is_listening=False),
    "webhook-refused": Play(Scenario(steps=_BRIEF), statuses=(500,)),
    "sms": Play(Scenario(steps=(SENT, DELIVERED, READ), service="SMS")),
    "duplicates": Play(Scenario(steps=_BRIEF, duplicates=1)),
    "failed": Play(Scenario(steps=(SENT, Step("message.failed", 1.6)))),
    "forged": Play(Scenario(steps=_BRIEF, forged=True)),
    "differing-ids": Play(Scenario(steps=_BRIEF, own_trace_ids=True), has_store=False),
    "too-late": Play(_SEEN, {"late": "link"}, late_after=3.0),
}


NAMES = (*PLAYS, AGENT)


def play_order(plot: Play) -> list[dict[str, Any]]:
    """
    Have one order placed and told about, and return the spans of it.
    """
    shop, endpoint = provide("shop"), provide("notifications")
    with ExitStack() as stack:
        linq = stack.enter_context(LinqSimulator(seed=7, scenario=plot.scenario))
        port = find_free_port()
        secret = linq.subscribe(f"http://127.0.0.1:{port}{_PATH}", _EVENTS).signing_secret
        store = MemoryStore()
        options = {"webhook_secret": secret, "store": store, **plot.options}
        here = options if plot.has_store else {**options, "store": MemoryStore()}
        if plot.is_listening:
            app = _build_app(plot, endpoint.provider, here)
            stack.enter_context(serve(app, port))
        LinqInstrumentor().instrument(tracer_provider=shop.provider, **options)
        _place_order(linq, shop.provider)
        if plot.is_listening:
            linq.wait_until_idle(_END_SECONDS)
    LinqInstrumentor().uninstrument()
    return record([*shop.exporter.get_finished_spans(), *endpoint.exporter.get_finished_spans()])


def _place_order(linq: LinqSimulator, provider: TracerProvider) -> None:
    client = LinqAPIV3(api_key=linq.api_key, base_url=linq.base_url)
    tracer = provider.get_tracer("shop")
    with client, tracer.start_as_current_span("POST /orders", kind=SpanKind.SERVER) as span:
        try:
            client.chats.create(
                from_="+15550100000",
                to=["+15550123"],
                message={"parts": [{"type": "text", "value": "Your order is on its way."}]},
            )
        except LinqApiv3Error:
            span.set_attribute("order.is_told", False)  # noqa: FBT003


def _build_app(plot: Play, provider: TracerProvider, options: dict[str, Any]) -> FastAPI:
    app = FastAPI()
    statuses = iter(plot.statuses)

    @app.post(_PATH)
    async def on_webhook(request: Request) -> Response:
        event = await request.json()
        with provider.get_tracer("notifications").start_as_current_span("update order"):
            return Response(status_code=next(statuses, 200) if event else 400)

    if plot.late_after is not None:
        options = {**options, "late_after": plot.late_after}
    receiver = WebhookReceiver(tracer_provider=provider, **options)
    app.add_middleware(LinqWebhookMiddleware, paths=[_PATH], receiver=receiver)
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, exclude_spans=["receive", "send"]
    )
    return app


if __name__ == "__main__":
    name = sys.argv[1]
    recording = play_turn() if name == AGENT else play_order(PLAYS[name])
    sys.stdout.write(json.dumps(recording) + "\n")
