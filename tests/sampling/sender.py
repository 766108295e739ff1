"""
A program that sends as many messages as it is told, and prints the ids each was given.
"""

from __future__ import annotations

import sys

from linq import LinqAPIV3
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel import instrument


def main(count: int) -> None:
    """
    Send *count* messages, and every span before the program ends.
    """
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    instrument()
    with LinqAPIV3() as linq:
        for number in range(count):
            answer = linq.chats.with_raw_response.create(
                from_="+15550100000",
                to=["+15550100123"],
                message={"parts": [{"type": "text", "value": str(number)}]},
            )
            message_id = answer.parse().chat.message.id
            sys.stdout.write(f"{message_id} {answer.headers['x-trace-id']}\n")
    provider.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
