"""
A Flask app that knows nothing of tracing.

    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    opentelemetry-instrument gunicorn --workers 2 --bind 127.0.0.1:8000 flask_shop:app
"""

from __future__ import annotations

from flask import Flask, request


app = Flask(__name__)


@app.post("/webhooks/linq")
def on_webhook() -> tuple[str, int]:
    """
    Take one webhook.
    """
    event = request.get_json()
    app.logger.info("message %s", event["event_type"])
    return "", 204
