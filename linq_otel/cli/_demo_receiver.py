"""
The demo's receiving app: a FastAPI webhook endpoint, in a process of its own.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from linq_otel import instrument
from linq_otel.webhooks.asgi import LinqWebhookMiddleware

from ._demo_process import provide
from ._demo_story import JOIN, STORE


app = FastAPI()


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
    provider = provide("notifications")
    instrument(store=os.environ[STORE], join=os.environ[JOIN])  # type: ignore[arg-type]
    app.add_middleware(LinqWebhookMiddleware, paths=["/webhooks/linq"])
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
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
