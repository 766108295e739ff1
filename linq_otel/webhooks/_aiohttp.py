"""
Serving one request of aiohttp as the handler of a delivery.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from aiohttp import AsyncIterablePayload, web

from ._streams import AsyncStream


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._endpoint import Endpoint, Turn

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def build_middleware(endpoint: Endpoint, is_on: Callable[[], bool]) -> Middleware:
    """
    Build the middleware of *endpoint*, which does nothing while it is not on.
    """

    @web.middleware
    async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = endpoint.find_headers(request.method, request.headers, *_paths_of(request))
        if headers is None or not is_on():
            return await handler(request)
        body = await _read_ahead(request, endpoint)
        async with endpoint.handling(headers, body) as turn:
            if turn.answer is not None:
                return web.Response(status=turn.answer)
            try:
                response = await handler(request)
            except web.HTTPException as raised:
                # An answer as any other: aiohttp has it raised.
                answer = raised
                turn.note_status(raised.status)
            else:
                turn.note_status(response.status)
                _stream(turn, response)
                return response
        raise answer

    return serve


def _stream(turn: Turn, response: web.StreamResponse) -> None:
    """
    Let a body that is made while it is sent be made in the context of its run.
    """
    body = response.body if isinstance(response, web.Response) else None
    if turn.handling is None or response.prepared or not isinstance(body, AsyncIterablePayload):
        return
    # The payload itself stays the app's own.
    pieces = cast("Any", vars(body)).get("_iter")
    if pieces is not None:
        vars(body)["_iter"] = AsyncStream(turn, pieces)


def _paths_of(request: web.Request) -> tuple[str, ...]:
    """
    Return the request's path, and the same as seen from the sub-applications it leads to.
    """
    paths = [request.path]
    apps = request.match_info.apps
    for outer, inner in pairwise(apps):
        for resource in outer.router.resources():
            info = resource.get_info()
            if info.get("app") is inner and "prefix" in info:
                paths.append(paths[-1].removeprefix(info["prefix"]))
    return tuple(paths)


async def _read_ahead(request: web.Request, endpoint: Endpoint) -> bytes | None:
    """
    Return the body, which the app finds unread; None if it is late, too long or broke off.
    """
    limit = endpoint.max_body
    # Not by `read()`, which waits for what is not there.
    already: bytes | None = getattr(request, "_read_bytes", None)
    if already is not None:
        # A middleware has read it, and the app will be given the same.
        return already if len(already) <= limit else None
    if not request.body_exists:
        return b""
    content = request.content
    if (request.content_length or 0) > limit or not hasattr(content, "unread_data"):
        return None
    body = bytearray()

    async def read() -> None:
        while len(body) <= limit and (piece := await content.readany()):
            body.extend(piece)

    try:
        is_whole = await endpoint.finish_in_time(read())
    except Exception:
        # The client is gone, or has sent what is no body; the app will meet the same error when
        # it reads.
        is_whole = False
    with warnings.catch_warnings():
        # Deprecated since 2018 in favour of nothing: there is no other way to give bytes back.
        warnings.simplefilter("ignore", DeprecationWarning)
        content.unread_data(bytes(body))
    return bytes(body) if is_whole and len(body) <= limit else None
