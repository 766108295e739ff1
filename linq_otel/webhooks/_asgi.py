"""
Serving one ASGI connection as the handler of a delivery.

The body is read ahead, and the app is given the very messages the server sent,
in the same pieces.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from ._endpoint import Endpoint, Turn

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


# Starlette's limit to a body, of the app and, further in, of the route: it counts as it is read.
_LIMITER: Final = "starlette._body_limit_responder"


async def serve(endpoint: Endpoint, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """
    Let *app* serve one connection, as the handler of a delivery if it is one.
    """
    headers = None
    if scope.get("type") == "http":
        # A server says all of these; what a test makes need not.
        headers = endpoint.find_headers(
            scope.get("method", ""), scope.get("headers"), *_paths_of(scope, app)
        )
    if headers is None:
        await app(scope, receive, send)
        return
    ahead, receive = _open(scope, receive)
    await ahead.read(endpoint)
    async with endpoint.handling(headers, ahead.body) as turn:
        if turn.answer is None:
            await app(scope, receive, _noting(send, turn))
        else:
            await _answer(send, turn.answer)


def _paths_of(scope: Scope, app: App) -> tuple[str, ...]:
    """
    Return the path, and the same without and with the root path: servers and routers differ.
    """
    path = scope.get("path", "")
    # FastAPI sets the root path it was given further in than a middleware around it.
    root = str(scope.get("root_path") or getattr(app, "root_path", "")).rstrip("/")
    return (path, path.removeprefix(root), root + path) if root else (path,)


def _open(scope: Scope, receive: Receive) -> tuple[_Ahead, Receive]:
    """
    Return what reads the body ahead, and what the app is to receive from.

    Reading ahead counts for no limit of Starlette: a route's may be wider than
    the app's, and is set only when the route is found.
    """
    limiter = scope.get(_LIMITER)
    unlimited: Receive | None = getattr(limiter, "_receive", None)
    if unlimited is not None and getattr(receive, "__self__", None) is limiter:
        ahead = _Ahead(unlimited)
        cast("Any", limiter)._receive = ahead.replay  # noqa: SLF001  # It counts what it gives.
        return ahead, receive
    ahead = _Ahead(receive)
    return ahead, ahead.replay


class _Ahead:
    """
    A body that is read ahead, and given to the app message by message.

    Attributes:
        body: All of it; None if it is too long, too slow or broke off.
    """

    __slots__ = ("_error", "_messages", "_receive", "body")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self._error: Exception | None = None
        self.body: bytes | None = None

    async def read(self, endpoint: Endpoint) -> None:
        """
        Read as much as the endpoint takes.
        """
        try:
            await endpoint.finish_in_time(self._read(endpoint.max_body))
        except Exception as error:
            # The app will meet the same one when it reads.
            self._error = error

    async def _read(self, limit: int) -> None:
        body = bytearray()
        while True:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > limit:
                return
            if not message.get("more_body", False):
                self.body = bytes(body)
                return

    async def replay(self) -> Message:
        """
        Give the app what was read, and then the rest or the error it ended with.
        """
        if self._messages:
            return self._messages.popleft()
        if self._error is not None:
            raise self._error
        return await self._receive()


def _noting(send: Send, turn: Turn) -> Send:
    """
    Tell *turn* of the answer's status, and of its end: what an app does then is no answer.
    """
    last = "http.response.body"

    async def send_noting(message: Message) -> None:
        nonlocal last
        kind = message["type"]
        if kind == "http.response.start":
            turn.note_status(message["status"])
            if message.get("trailers"):
                last = "http.response.trailers"
        if not _is_last(message, last):
            await send(message)
            return
        await turn.answering()
        await send(message)
        turn.answered()

    return send_noting


def _is_last(message: Message, last: str) -> bool:
    """
    True if *message* ends an answer that ends in one of type *last*.
    """
    kind = message["type"]
    if last == "http.response.trailers":
        return kind == last and not message.get("more_trailers", False)
    if kind == "http.response.pathsend":
        return True
    return kind in {last, "http.response.zerocopysend"} and not message.get("more_body", False)


async def _answer(send: Send, status: int) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-length", b"0")],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b""})
