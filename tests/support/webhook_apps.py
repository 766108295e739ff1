"""
ASGI apps as people write them, the SERVER span around them, and a server without a network.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.sdk.trace import TracerProvider

    from support.webhook_desk import Desk


BODY = p.body_of("message.delivered")


HEADERS = list(p.headers_of(BODY).items())


class ServerSpans:
    """
    Runs each request in a SERVER span, as the instrumentation of a framework does.
    """

    def __init__(self, app: Any, provider: TracerProvider) -> None:
        self.app = app
        self.tracer = provider.get_tracer("server")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """
        Serve one connection.
        """
        with self.tracer.start_as_current_span("POST /hook", kind=SpanKind.SERVER):
            await self.app(scope, receive, send)


def wrapped(app: Any, desk: Desk, *paths: str) -> Any:
    return ServerSpans(LinqWebhookMiddleware(app, paths, desk.receiver), desk.provider)


async def _echo(request: Request) -> Response:
    body = await request.body()
    seen = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return JSONResponse(seen, 202, {"X-Routing-Token": "r1", "Linq-Chat-Id": "c"})


async def _pieces(request: Request) -> Response:
    pieces = [hashlib.sha256(piece).hexdigest() async for piece in request.stream()]
    return PlainTextResponse(" ".join(pieces))


async def _streamed(request: Request) -> Response:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number}\n"

    await request.body()
    return StreamingResponse(lines(), headers={"X-Routing-Token": "r1"})


async def _unread(request: Request) -> Response:
    return PlainTextResponse("not read", 418)


def starlette_app() -> Starlette:
    routes = [
        Route("/hook", _echo, methods=["POST", "GET", "PUT"]),
        Route("/pieces", _pieces, methods=["POST"]),
        Route("/streamed", _streamed, methods=["POST"]),
        Route("/unread", _unread, methods=["POST"]),
    ]
    return Starlette(routes=[*routes, Mount("/sub", routes=routes)])


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.post("/hook", status_code=202)
    async def hook(request: Request) -> dict[str, Any]:
        return {"type": (await request.json()).get("event_type")}

    @app.post("/sync")
    def sync(payload: dict[str, Any]) -> dict[str, Any]:
        return {"type": payload["event_type"], "thread": threading.current_thread().name != ""}

    return app


Messages = list[dict[str, Any]]


def chunk(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}


SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/hook",
    "headers": [(k.lower().encode(), v.encode()) for k, v in HEADERS],
}


class Wire:
    """
    A server without a network: it says what it was told to, and keeps what it was sent.
    """

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.waiting = list(messages)
        self.given: Messages = []
        self.sent: Messages = []

    async def receive(self) -> dict[str, Any]:
        """
        Give the next message, the last one for ever.
        """
        message = self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0]
        self.given.append(message)
        return message

    async def send(self, message: dict[str, Any]) -> None:
        """
        Keep a message.
        """
        self.sent.append(message)


class Stalled(Wire):
    """
    A server whose client has gone silent, but not away.
    """

    async def receive(self) -> dict[str, Any]:
        """
        Give what came, and then nothing for ever.
        """
        if not self.waiting:
            await asyncio.Event().wait()
        return self.waiting.pop(0)


class Failing(Wire):
    """
    A server that cannot read what its client has sent.
    """

    async def receive(self) -> dict[str, Any]:
        """
        Give what came, and then raise.
        """
        if not self.waiting:
            raise LookupError("no chunk")
        return self.waiting.pop(0)


def run(app: Any, wire: Wire, scope: dict[str, Any] | None = None) -> None:
    asyncio.run(app(SCOPE if scope is None else scope, wire.receive, wire.send))


class Reader:
    """
    An app that reads all it is given, until the request or the client is gone.
    """

    def __init__(self, answer: Messages | None = None) -> None:
        self.seen: Messages = []
        self.answer = answer or []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """
        Read, and then answer what it was given for an answer.
        """
        while True:
            message = await receive()
            self.seen.append(message)
            if message["type"] != "http.request":
                break
        for message in self.answer:
            await send(message)
