"""
aiohttp's server: what handles a POST is wrapped where aiohttp asks the matched route for it.

That is inside all middlewares, and leaves the app's own list of them alone: an
app without any is spared what aiohttp does for them.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache, partial, update_wrapper
from typing import TYPE_CHECKING, Any, Final, cast

from linq_otel.webhooks._aiohttp import build_middleware


if TYPE_CHECKING:
    from linq_otel._patching import Function, Patches
    from linq_otel.webhooks._endpoint import Endpoint


# True from when a request's route is looked for until aiohttp asks for the handler, once.
_has_arrived: ContextVar[bool] = ContextVar("linq_otel_aiohttp_request", default=False)
# aiohttp keeps as many handlers with the middlewares around them.
_MAX_HANDLERS: Final = 1024


def install(patches: Patches, endpoint: Endpoint) -> None:
    """
    Put our wrappers in.
    """
    ours = build_middleware(endpoint, lambda: patches.is_on)

    def wrap(handler: Any) -> Any:
        # As aiohttp does it for a middleware.
        return update_wrapper(partial(cast("Any", ours), handler=handler), handler)

    # The same for each request of a route, because aiohttp keeps what it builds around it.
    wrap_once = lru_cache(_MAX_HANDLERS)(wrap)

    def replace_resolve(patches: Patches, resolve: Function) -> Function:
        async def resolve_any(router: Any, request: Any) -> Any:
            may_arrive = request.method == "POST" or endpoint.enforces
            _has_arrived.set(may_arrive and patches.is_on)
            return await resolve(router, request)

        return resolve_any

    def replace_handler(_patches: Patches, get: Function) -> Function:
        def handler(match_info: Any) -> Any:
            found = get(match_info)
            # A route is frozen where a request is served by it, and not where it is looked up.
            if not _has_arrived.get() or not getattr(match_info, "_frozen", True):
                return found
            _has_arrived.set(False)
            try:
                return wrap_once(found)
            except TypeError:
                # An object that cannot be a key.
                return wrap(found)

        return handler

    # Not the app's `_handle`: a server that runs already holds it bound.
    router = "aiohttp.web_urldispatcher"
    patches.weave(router, "UrlDispatcher", "resolve", replace_resolve)
    patches.weave(router, "UrlMappingMatchInfo", "handler", replace_handler)
