"""
Django: ``_get_response`` runs the view inside all middlewares, under WSGI and ASGI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.webhooks._django import aserve, serve


if TYPE_CHECKING:
    from linq_otel._patching import Patches
    from linq_otel.webhooks._endpoint import Endpoint


def install(patches: Patches, endpoint: Endpoint) -> None:
    """
    Put our wrappers in.
    """

    def get_response(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        return serve(endpoint, wrapped, *args, **kwargs)

    def get_response_async(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        return aserve(endpoint, wrapped, *args, **kwargs)

    base = "django.core.handlers.base"
    patches.wrap(base, "BaseHandler", "_get_response", get_response)
    patches.wrap(base, "BaseHandler", "_get_response_async", get_response_async)
