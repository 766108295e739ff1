"""
Serving one ASGI connection as the handler of a delivery.

The body is read ahead, and the app is given the very messages the server sent,
in the same pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from ._endpoint import Endpoint, Turn

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve(endpoint: Endpoint, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """
    Let *app* serve one connection, as the handler of a delivery if it is one.
    """
    headers = None
    if scope["type"] == "http":
        headers = endpoint.find_headers(scope["method"], scope["headers"], scope["path"])
    if headers is None:
        await app(scope, receive, send)
        return
    messages, body = await _read_ahead(receive, endpoint.max_body)
    async with endpoint.handling(headers, body) as turn:
        if turn.answer is None:
            await app(scope, _replay(messages, receive), _noting(send, turn))
        else:
            await _answer(send, turn.answer)


async def _read_ahead(receive: Receive, limit: int) -> tuple[list[Message], bytes | None]:
    """
    Return the messages read and their body; no body if it is too long or broke off.
    """
    messages: list[Message] = []
    body = bytearray()
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages, None
        body += message.get("body", b"")
        if len(body) > limit:
            return messages, None
        if not message.get("more_body", False):
            return messages, bytes(body)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """
    Give the app what was read, message by message, and then the rest.
    """
    waiting = iter(messages)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replay


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
