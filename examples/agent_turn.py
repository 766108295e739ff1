"""
An agent's turn: a message comes in, a model is asked, the answer goes out and is read.

::

    export LINQ_WEBHOOK_SECRET=whsec_...
    export LINQ_API_V3_API_KEY=...
    uvicorn agent_turn:app

Linq's webhooks go to ``/webhooks/linq``: subscribe ``message.received`` and the stages.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from linq import AsyncLinqAPIV3
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.trace import SpanKind

from linq_otel import instrument
from linq_otel.export import configure


configure("otlp", service_name="agent")
instrument()
app = FastAPI()
FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
linq = AsyncLinqAPIV3()
tracer = trace.get_tracer("agent")
MODEL = "parrot-1"


async def ask_model(question: str) -> str:
    """
    Stand where a model would; its span follows the conventions for generative AI.
    """
    asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "example",
        "gen_ai.request.model": MODEL,
    }
    with tracer.start_as_current_span(f"chat {MODEL}", kind=SpanKind.CLIENT, attributes=asked):
        return f"You asked: {question}"


@app.post("/webhooks/linq")
async def on_webhook(request: Request) -> dict[str, bool]:
    """
    Answer a message; of the other events the trace alone takes note.
    """
    event = await request.json()
    if event["event_type"] == "message.received":
        data = event["data"]
        texts = [part["value"] for part in data["parts"] if part["type"] == "text"]
        answer = await ask_model(" ".join(texts))
        await linq.chats.messages.send(
            data["chat"]["id"], message={"parts": [{"type": "text", "value": answer}]}
        )
    return {"ok": True}
