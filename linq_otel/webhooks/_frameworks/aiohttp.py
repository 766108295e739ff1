"""
aiohttp's server: our middleware is the last of every app, added when the app is closed to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel._shield import swallow
from linq_otel.webhooks._aiohttp import build_middleware


if TYPE_CHECKING:
    from linq_otel._patching import Patches
    from linq_otel.webhooks._endpoint import Endpoint


def install(patches: Patches, endpoint: Endpoint) -> None:
    """
    Put our wrapper in.
    """
    ours = build_middleware(endpoint, lambda: patches.is_on)

    def pre_freeze(wrapped: Any, app: Any, args: Any, kwargs: Any) -> Any:
        try:
            if not app.middlewares.frozen and ours not in app.middlewares:
                app.middlewares.append(ours)
        except Exception as error:
            swallow("adding our middleware to an aiohttp app", error)
            if endpoint.enforces:
                # An app that believes itself guarded must not start.
                raise
        return wrapped(*args, **kwargs)

    patches.wrap("aiohttp.web_app", "Application", "pre_freeze", pre_freeze)
