"""
The demo's sending app: an order is placed, and the customer is told by iMessage.
"""

from __future__ import annotations

import json
import os
import sys

from linq import LinqAPIV3, LinqApiv3Error
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from linq_otel import instrument

from ._demo_process import ago, provide, put_clock_back
from ._demo_story import JOIN, SENDER, STORE


def main() -> int:
    """
    Send one message and say what became of the call, as a line of JSON.
    """
    ago.set(put_clock_back())
    provider = provide(SENDER)
    instrument(store=os.environ[STORE], join=os.environ[JOIN])  # type: ignore[arg-type]
    client = LinqAPIV3(timeout=2.0)  # Address and key come from the environment.
    tracer = trace.get_tracer(SENDER)
    told: dict[str, object] = {}
    with tracer.start_as_current_span("POST /orders", kind=SpanKind.SERVER) as span:
        told["otel_trace_id"] = f"{span.get_span_context().trace_id:032x}"
        try:
            answer = client.chats.create(
                from_="+15550100000",
                to=["+15550123"],
                message={"parts": [{"type": "text", "value": "Your order is on its way."}]},
            )
            told["message_id"] = answer.chat.message.id
        except LinqApiv3Error as error:
            told["error"] = type(error).__name__
    client.close()
    provider.shutdown()
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
