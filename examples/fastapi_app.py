"""
Take Linq's webhooks in a FastAPI app; each joins the message it reports on.

::

    export LINQ_WEBHOOK_SECRET=whsec_...
    python examples/fastapi_app.py

or, from this folder, ``uvicorn fastapi_app:app``. Linq's webhooks go to ``/webhooks/linq``.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel.webhooks.asgi import LinqWebhookMiddleware


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").partition("/")[0]
(exporter,) = entry_points(group="opentelemetry_traces_exporter", name=f"otlp_proto_{protocol}")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter.load()()))
trace.set_tracer_provider(provider)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
    """
    Send the last spans before the server goes: a signal leaves no time afterwards.
    """
    yield
    provider.shutdown()


app = FastAPI(lifespan=lifespan)
app.add_middleware(LinqWebhookMiddleware, paths=["/webhooks/linq"])
FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])


@app.post("/webhooks/linq")
async def on_webhook(request: Request) -> dict[str, bool]:
    """
    Act on one event; spans made here are part of the message's life.
    """
    event = await request.json()
    print(event["event_type"], flush=True)
    return {"ok": True}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
