"""
An aiohttp app that knows nothing of tracing.

    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    opentelemetry-instrument python aiohttp_shop.py 8000
"""

from __future__ import annotations

import logging
import sys

from aiohttp import web


logger = logging.getLogger("shop")


async def on_webhook(request: web.Request) -> web.Response:
    """
    Take one webhook.
    """
    event = await request.json()
    logger.info("message %s", event["event_type"])
    return web.Response(status=204)


app = web.Application()
app.router.add_post("/webhooks/linq", on_webhook)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
