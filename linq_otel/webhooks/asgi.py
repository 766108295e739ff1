"""
The adapter for ASGI: FastAPI, Starlette, or any app that speaks the protocol.

It reads the body ahead and gives the app the very messages the server sent, in
the same pieces. What it does not know, and what is too long, it passes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._asgi import serve
from ._endpoint import Endpoint


if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._asgi import App, Receive, Scope, Send
    from ._receiver import WebhookReceiver


__all__ = ["LinqWebhookMiddleware"]


class LinqWebhookMiddleware:
    """
    Joins the Linq webhooks an ASGI app receives to the messages they report on.

    ::

        app = FastAPI()
        app.add_middleware(LinqWebhookMiddleware, paths=["/webhooks/linq"])

    Args:
        app: The app.
        paths: The paths deliveries arrive at; without any, a request is a
            delivery if its headers say so.
        receiver: What verifies and reads them. One that enforces answers for
            the app: 401 where the signature is bad, 400 where there is no event.

    Raises:
        ConfigurationError: If *receiver* enforces and no *paths* are given: a
            stranger would slip past by leaving Linq's headers out.
    """

    def __init__(
        self,
        app: App,
        paths: Sequence[str] = (),
        receiver: WebhookReceiver | None = None,
    ) -> None:
        self.app = app
        self._endpoint = Endpoint(paths, receiver)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve one connection.
        """
        await serve(self._endpoint, self.app, scope, receive, send)
