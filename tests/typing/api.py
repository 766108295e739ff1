"""
A user's program, checked by type checkers and never run.

What stands here must stay typed: a change that breaks it breaks somebody's app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel import Event, LinqInstrumentor, Options, __version__, instrument, uninstrument
from linq_otel.errors import (
    ConfigurationError,
    LinqOtelError,
    MalformedEventError,
    MissingExtraError,
    SignatureError,
    StoreError,
    WebhookError,
)
from linq_otel.stores import DEFAULT_TTL, Store, open_store
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from linq_otel.testing import SCENARIOS, Answer, LinqSimulator, Scenario, Step
from linq_otel.webhooks import MAX_BODY, WebhookReceiver
from linq_otel.webhooks.asgi import LinqWebhookMiddleware


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from opentelemetry.trace import Span, TracerProvider


version: str = __version__
limit: int = MAX_BODY
age: float = DEFAULT_TTL


# Options --------------------------------------------------------------------------


def request_hook(span: Span, request: Any) -> None:
    span.set_attribute("app.path", str(request.url.path))


def response_hook(span: Span, request: Any, response: Any) -> None:
    span.set_attribute("app.size", len(response.headers))
    request_hook(span, request)


def webhook_hook(span: Span, event: Event) -> None:
    span.set_attribute("app.event", event.event_type)


def set_up(provider: TracerProvider, secret: str) -> None:
    instrument()
    instrument(store="sqlite:///linq.db", join="app", stages=False, http_spans="nested")
    instrument(
        tracer_provider=provider,
        store=open_store("memory:?size=5000"),
        webhook_secret=[secret],
        excluded_urls="health,ping",
        request_hook=request_hook,
        response_hook=response_hook,
        webhook_hook=webhook_hook,
    )
    # An app that takes options of its own may have none for some of ours.
    options: Options = {"join": "link", "webhook_secret": secret, "store": None}
    instrument(**options)
    LinqInstrumentor().instrument(**options)
    uninstrument()


# Stores ---------------------------------------------------------------------------


def use_stores() -> int:
    stores: list[Store] = [MemoryStore(size=10, ttl=60.0), open_store("memory:")]
    on_disk = SQLiteStore("linq.db", ttl=60.0, busy_timeout=0.1, clock=lambda: 0.0)
    stores.append(on_disk)
    for store in stores:
        found = store.find("message:m1", "trace:t1")
        if found is not None:
            key, origin = found
            store.save(origin)
            store.claim(key)
        if store.is_shared:
            store.close()
    return on_disk.prune()


# Webhooks -------------------------------------------------------------------------


def receive(headers: dict[str, str], body: bytes) -> str | None:
    receiver = WebhookReceiver("whsec_c2VjcmV0", tolerance=60, enforce=True, store="memory:")
    event = receiver.accept(headers, body)
    moment: int | None = event.delivered_at
    with receiver.process(headers, body) as handled:
        if handled is None:
            return None
        chat: str | None = handled.chat_id
        payload: Any = handled.payload["data"]
        return f"{event.event_type} {moment} {chat} {payload}"


async def receive_in_a_coroutine(headers: list[tuple[str, str]], body: str) -> bool | None:
    async with WebhookReceiver().aprocess(headers, body, verified=True) as event:
        return event.verified if event is not None else None


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": scope["headers"]})


wrapped = LinqWebhookMiddleware(app, paths=["/webhooks"], receiver=WebhookReceiver(enforce=True))
nested = LinqWebhookMiddleware(wrapped)


# Errors ---------------------------------------------------------------------------


def say(error: LinqOtelError) -> str:
    if isinstance(error, (SignatureError, MalformedEventError)):
        refused: WebhookError = error
        return f"{refused.status} {refused.reason}"
    if isinstance(error, MissingExtraError):
        return error.extra
    return "settings" if isinstance(error, (ConfigurationError, StoreError)) else "other"


# The simulator --------------------------------------------------------------------


def rehearse() -> list[str]:
    scenario = Scenario("slow", steps=(Step("message.sent", after=2),), answers=(Answer(429),))
    with LinqSimulator(seed=7, scenario=scenario, speed=0) as linq:
        linq.subscribe("http://127.0.0.1:9999/webhooks")
        linq.wait_until_idle()
        names = list(SCENARIOS)
        return [linq.base_url, linq.api_key, *names]
