"""
Starlette, and FastAPI which stands on it.

``ExceptionMiddleware`` is the innermost of every stack either of them builds;
the app's own middlewares and every instrumentation are around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.webhooks._asgi import serve


if TYPE_CHECKING:
    from linq_otel._patching import Patches
    from linq_otel.webhooks._endpoint import Endpoint


def install(patches: Patches, endpoint: Endpoint) -> None:
    """
    Put our wrapper in.
    """

    def call(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        return serve(endpoint, wrapped, *args, **kwargs)

    patches.wrap("starlette.middleware.exceptions", "ExceptionMiddleware", "__call__", call)
