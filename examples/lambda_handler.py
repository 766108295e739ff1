"""
Takes Linq's webhooks in an AWS Lambda function, behind a function URL or API Gateway.

Set LINQ_WEBHOOK_SECRET and the standard OTEL_EXPORTER_OTLP_* variables of the
function; its handler is ``lambda_handler.handler``.
"""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from linq_otel.webhooks.aws_lambda import linq_webhook


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


@linq_webhook
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """
    Take one webhook; its spans are sent before the function returns.
    """
    with trace.get_tracer("shop").start_as_current_span("update order"):
        return {"statusCode": 204 if event.get("body") else 400}
