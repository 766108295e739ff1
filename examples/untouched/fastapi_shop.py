"""
A FastAPI app that knows nothing of tracing.

    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    opentelemetry-instrument uvicorn --workers 2 --port 8000 fastapi_shop:app
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI


app = FastAPI()
logger = logging.getLogger("shop")


@app.post("/webhooks/linq", status_code=204)
async def on_webhook(event: dict[str, Any]) -> None:
    """
    Take one webhook.
    """
    logger.info("message %s", event["event_type"])
