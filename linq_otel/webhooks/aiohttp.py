"""
The adapter for aiohttp's server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._aiohttp import build_middleware
from ._endpoint import Endpoint


if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._aiohttp import Middleware
    from ._receiver import WebhookReceiver


__all__ = ["linq_webhook_middleware"]


def linq_webhook_middleware(
    paths: Sequence[str] = (), receiver: WebhookReceiver | None = None
) -> Middleware:
    """
    Return a middleware that joins the Linq webhooks an app receives to their messages.

    ::

        app = web.Application(middlewares=[linq_webhook_middleware(["/webhooks/linq"])])

    Args:
        paths: The paths deliveries arrive at; without any, a request is a
            delivery if its headers say so.
        receiver: What verifies and reads them. One that enforces answers for
            the app: 401 where the signature is bad, 400 where there is no event.

    Raises:
        ConfigurationError: If *receiver* enforces and no *paths* are given: a
            stranger would slip past by leaving Linq's headers out.
    """
    return build_middleware(Endpoint(paths, receiver), lambda: True)
