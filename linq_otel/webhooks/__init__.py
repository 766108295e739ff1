"""
The receiving end: framework-free here, and an adapter for each framework beside it.

``WebhookReceiver`` takes headers and a body. ``linq_otel.webhooks.asgi`` holds
the middleware for FastAPI, Starlette and any other ASGI app.
"""

from __future__ import annotations

from linq_otel._events import Event

from ._receiver import MAX_BODY, WebhookReceiver


__all__ = ["MAX_BODY", "Event", "WebhookReceiver"]
