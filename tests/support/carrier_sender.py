"""
A process of its own that sends one message by the SDK, and prints the spans it drew.

Its arguments are one JSON object: base URL, API key, chat, and the options of ``instrument()``.
"""

from __future__ import annotations

import json
import sys

from linq import LinqAPIV3
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from linq_otel import instrument, uninstrument


def main() -> None:
    """
    Send, and print.
    """
    asked = json.loads(sys.argv[1])
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrument(tracer_provider=provider, **asked["options"])
    with LinqAPIV3(api_key=asked["api_key"], base_url=asked["base_url"]) as client:
        message = {"parts": [{"type": "text", "value": "Hello"}]}
        client.chats.messages.send(asked["chat_id"], message=message)
    uninstrument()
    for span in exporter.get_finished_spans():
        parent = f"{span.parent.span_id:016x}" if span.parent else None
        ids = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
        sys.stdout.write(json.dumps([span.name, *ids, parent]) + "\n")


if __name__ == "__main__":
    main()
