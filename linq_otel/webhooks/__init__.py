"""
The receiving end: framework-free here, and an adapter for each framework beside it.

``WebhookReceiver`` takes headers and a body. The adapters are modules beside
it: ``asgi`` (FastAPI, Starlette), ``wsgi`` (Flask), ``django``, ``aiohttp`` and
``aws_lambda``. ``instrumentor`` needs no change of the app at all.
"""

from __future__ import annotations

from linq_otel._events import Event

from ._receiver import MAX_BODY, WebhookReceiver


__all__ = ["MAX_BODY", "Event", "WebhookReceiver"]
