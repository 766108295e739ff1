"""
The adapter for Django, under WSGI and ASGI alike.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._django import aserve, serve
from ._endpoint import Endpoint


if TYPE_CHECKING:
    from ._django import GetResponse


__all__ = ["LinqWebhookMiddleware"]

# By name, because Django has no types: everything of it is Any.
_conf: Any = import_module("django.conf")
_sync: Any = import_module("asgiref.sync")


class LinqWebhookMiddleware:
    """
    Joins the Linq webhooks a Django site receives to the messages they report on.

    ::

        MIDDLEWARE = [..., "linq_otel.webhooks.django.LinqWebhookMiddleware"]
        LINQ_WEBHOOK_PATHS = ["/webhooks/linq"]
        LINQ_WEBHOOK_RECEIVER = WebhookReceiver(enforce=True)

    Both settings may be left out: a request is then a delivery if its headers
    say so. Last in the list is best, where the view's code alone is inside the
    ``process`` span.

    Args:
        get_response: As Django gives it.

    Raises:
        ConfigurationError: If the receiver enforces and there are no paths.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        settings = _conf.settings
        self.get_response = get_response
        self._endpoint = Endpoint(
            getattr(settings, "LINQ_WEBHOOK_PATHS", ()),
            getattr(settings, "LINQ_WEBHOOK_RECEIVER", None),
        )
        self._serve = serve
        if _sync.iscoroutinefunction(get_response):
            _sync.markcoroutinefunction(self)
            self._serve = aserve

    def __call__(self, request: Any) -> Any:
        """
        Serve one request; a coroutine where Django is asynchronous.
        """
        return self._serve(self._endpoint, self.get_response, request)
