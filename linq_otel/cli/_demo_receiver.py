"""
The demo's receiving app: a FastAPI webhook endpoint, in a process of its own.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from linq_otel import instrument
from linq_otel.webhooks.asgi import LinqWebhookMiddleware

from ._demo_process import ago, provide, put_clock_back
from ._demo_story import JOIN, STORE


if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


app = FastAPI()


class Then:
    """
    Serves each webhook at the time it tells of: long ago, but that the message was read is new.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve one request.
        """
        is_read = (b"x-webhook-event", b"message.read") in scope.get("headers", ())
        ago.set(0.0 if is_read else self._seconds)
        await self._app(scope, receive, send)


@app.post("/webhooks/linq")
async def on_webhook(request: Request) -> dict[str, bool]:
    """
    Take one webhook; the middleware has joined it by now.
    """
    event = await request.json()
    with trace.get_tracer("notifications").start_as_current_span("update order"):
        return {"ok": isinstance(event, dict)}


def main() -> int:
    """
    Serve until the parent closes our standard input.
    """
    seconds = put_clock_back()
    provider = provide("notifications")
    instrument(store=os.environ[STORE], join=os.environ[JOIN])  # type: ignore[arg-type]
    app.add_middleware(LinqWebhookMiddleware, paths=["/webhooks/linq"])
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    server = uvicorn.Server(uvicorn.Config(Then(app, seconds), log_level="warning"))
    threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.run(sockets=[listener])
    provider.shutdown()
    return 0


def _stop_with_parent(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    raise SystemExit(main())
