"""
Send one message from inside a span of your own, and follow it to "read".

::

    export LINQ_API_V3_API_KEY=...
    python examples/send_message.py +15550100000 +15550100123 "Your order is on its way."

Spans leave by OTLP for ``OTEL_EXPORTER_OTLP_ENDPOINT``, by default ``http://localhost:4318``.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points

from linq import LinqAPIV3
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel import instrument


def build_provider() -> TracerProvider:
    """
    Build what sends spans to wherever the standard variables say.
    """
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").partition("/")[0]
    (exporter,) = entry_points(group="opentelemetry_traces_exporter", name=f"otlp_proto_{protocol}")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter.load()()))
    return provider


def main(sender: str, recipient: str, text: str) -> None:
    """
    Send the message, and every span before the program ends.
    """
    provider = build_provider()
    trace.set_tracer_provider(provider)
    instrument()  # The one line that traces the SDK.
    try:
        with LinqAPIV3() as linq, trace.get_tracer("shop").start_as_current_span("place order"):
            answer = linq.chats.create(
                from_=sender,
                to=[recipient],
                message={"parts": [{"type": "text", "value": text}]},
            )
        print(f"Message {answer.chat.message.id} is accepted.")
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
