"""
Handlers that are cancelled: no error of theirs, and no span left open.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from django.core.asgi import get_asgi_application
from django.urls import clear_url_caches, path
from starlette.applications import Starlette
from starlette.routing import Route

from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.aiohttp import linq_webhook_middleware
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support import payloads as p
from support.web_apps import Seen, configure_django
from support.web_hosts import DJANGO, serve_aiohttp


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


BODY = p.body_of("message.delivered")


class Slow:
    """
    A handler that waits until it is cancelled.
    """

    def __init__(self) -> None:
        self.began = threading.Event()
        self.ended: list[str] = []

    async def __call__(self, request: Any = None) -> Any:
        """
        Wait, for a bounded time.
        """
        self.began.set()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise


def signed() -> list[tuple[str, str]]:
    return list(p.headers_of(BODY, signed_at=int(time.time())).items())


async def cancel(app: Any, slow: Slow) -> None:
    """
    Start a request, and cancel it once its handler runs.
    """
    sent = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Any:
        if sent:
            return sent.pop()
        await asyncio.sleep(5)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    headers = [(k.lower().encode(), v.encode()) for k, v in signed()]
    scope = {
        "type": "http", "method": "POST", "path": "/hook", "raw_path": b"/hook",
        "headers": headers, "scheme": "http", "server": ("x", 80), "client": ("x", 1),
        "root_path": "", "query_string": b"", "http_version": "1.1",
    }  # fmt: skip
    task = asyncio.create_task(app(scope, receive, send))
    assert await asyncio.to_thread(slow.began.wait, 5)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


def starlette_app(slow: Slow, receiver: WebhookReceiver | None) -> Any:
    async def view(request: Any) -> Any:
        await request.body()
        await slow()

    app: Any = Starlette(routes=[Route("/hook", view, methods=["POST"])])
    return LinqWebhookMiddleware(app, receiver=receiver) if receiver else app


def django_app(slow: Slow, receiver: WebhookReceiver | None) -> Any:
    if receiver is None:
        configure_django(Seen())
    else:
        configure_django(Seen(), DJANGO, LINQ_WEBHOOK_RECEIVER=receiver)

    async def view(request: Any) -> Any:
        await slow()

    sys.modules["linq_otel_test_urls"].urlpatterns = [path("hook", view)]  # type: ignore[attr-defined]
    clear_url_caches()
    return get_asgi_application()


def assert_no_error(exporter: InMemorySpanExporter) -> None:
    (process,) = [s for s in exporter.get_finished_spans() if s.name.startswith("process")]
    assert process.status.status_code.name == "UNSET"
    assert not {"error.type", "http.response.status_code"} & set(process.attributes or {})


class TestCancelled:
    @pytest.mark.parametrize("build", [starlette_app, django_app])
    @pytest.mark.parametrize("is_instrumented", [False, True], ids=["added", "zero code"])
    def test_asgi(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, build: Any,
        is_instrumented: bool,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """The cancellation passes to the app and on, and the span ends without an error."""
        slow, options = Slow(), {"tracer_provider": provider, "store": MemoryStore()}
        if is_instrumented:
            LinqWebhooksInstrumentor().instrument(webhook_secret=p.SECRET, **options)
            receiver = None
        else:
            receiver = WebhookReceiver(p.SECRET, **options)
        try:
            asyncio.run(cancel(build(slow, receiver), slow))
        finally:
            if is_instrumented:
                LinqWebhooksInstrumentor().uninstrument()
        assert slow.ended == ["cancelled"]
        assert_no_error(exporter)

    @pytest.mark.parametrize("is_instrumented", [False, True], ids=["added", "zero code"])
    def test_aiohttp(
        self, provider: TracerProvider, exporter: InMemorySpanExporter,
        is_instrumented: bool,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """A client that goes away cancels the handler, where the server is told so."""
        slow, options = Slow(), {"tracer_provider": provider, "store": MemoryStore()}

        async def view(request: web.Request) -> web.Response:
            await request.read()
            await slow()
            return web.Response()

        given = []
        if is_instrumented:
            LinqWebhooksInstrumentor().instrument(webhook_secret=p.SECRET, **options)
        else:
            given = [linq_webhook_middleware(receiver=WebhookReceiver(p.SECRET, **options))]
        app = web.Application(middlewares=given)
        app.add_routes([web.post("/hook", view)])
        try:
            with serve_aiohttp(app, handler_cancellation=True) as post:
                port = post.__closure__[0].cell_contents  # type: ignore[attr-defined]
                head = [("Host", "x"), ("Content-Length", str(len(BODY))), *signed()]
                text = "POST /hook HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head)
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(text.encode() + b"\r\n" + BODY)
                    assert slow.began.wait(5)
                deadline = time.monotonic() + 5
                while not exporter.get_finished_spans() and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(0.05)
        finally:
            if is_instrumented:
                LinqWebhooksInstrumentor().uninstrument()
        assert slow.ended == ["cancelled"]
        assert_no_error(exporter)
