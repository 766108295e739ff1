"""
The app that is put under load: FastAPI with one endpoint for webhooks, instrumented as it is told.

::

    python benchmarks/receiver_app.py "ours" 8000

Beside the endpoint it is asked to keep origins, and tells what it did.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvicorn
from deliveries import PATH, SECRET, save_origins
from fastapi import FastAPI, Request
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from tallies import open_provider

from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.asgi import LinqWebhookMiddleware


PLAIN: Final = "uninstrumented"
SPANS: Final = {PLAIN: 0, "ours": 2, "contrib": 4, "both": 6}
"""What each makes of a webhook; the other one's are for receiving, and for sending twice."""


def build_app(kind: str) -> FastAPI:
    """
    Build the app.
    """
    app, store, answered = FastAPI(), MemoryStore(), [0]
    provider, tally = open_provider()

    @app.post(PATH)
    async def on_webhook(request: Request) -> dict[str, bool]:
        event = await request.json()
        answered[0] += 1
        return {"ok": event["event_type"] == "message.delivered"}

    @app.get("/prepare")
    async def prepare(first: int, count: int) -> None:
        save_origins(store, first, count)

    @app.get("/told")
    async def tell() -> dict[str, float]:
        return {"answered": answered[0], "spans": tally.spans, "cpu": time.process_time()}

    if kind in {"ours", "both"}:
        receiver = WebhookReceiver(SECRET, tracer_provider=provider, store=store)
        app.add_middleware(LinqWebhookMiddleware, paths=[PATH], receiver=receiver)
    if kind in {"contrib", "both"}:
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=provider, excluded_urls="prepare,told"
        )
    return app


if __name__ == "__main__":
    # One path is the app's, the others are asked between the turns.
    uvicorn.run(build_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
