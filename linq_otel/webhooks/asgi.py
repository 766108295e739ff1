"""
The adapter for ASGI: FastAPI, Starlette, or any app that speaks the protocol.

It reads the body ahead and gives the app the very messages the server sent, in
the same pieces. What it does not know, and what is too long, it passes on.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from linq_otel._shield import report
from linq_otel.errors import ConfigurationError, MalformedEventError, WebhookError

from ._receiver import WebhookReceiver
from ._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from linq_otel._deliveries import Handling

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        self._paths = frozenset(paths)
        self._receiver = receiver or WebhookReceiver()
        if self._receiver.enforce and not self._paths:
            raise ConfigurationError("a receiver that enforces needs the paths it guards")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve one connection.
        """
        headers = self._find_headers(scope)
        if headers is None:
            await self.app(scope, receive, send)
            return
        messages, body = await _read_ahead(receive, self._receiver.max_body)
        replay = _replay(messages, receive)
        if body is None:
            report("webhook: size", "a webhook was not joined: its body is too long or broke off")
            if self._receiver.enforce:
                await _refuse(send, MalformedEventError.status)
            else:
                await self.app(scope, replay, send)
            return
        async with AsyncExitStack() as stack:
            try:
                handling = await stack.enter_async_context(self._receiver.ahandling(headers, body))
            except WebhookError as refusal:
                await _refuse(send, refusal.status)
                return
            await self.app(scope, replay, _noting(send, handling))

    def _find_headers(self, scope: Scope) -> LinqHeaders | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        if self._paths and scope["path"] not in self._paths:
            return None
        headers = LinqHeaders.of(scope["headers"])
        return headers if self._paths or headers.are_from_linq else None


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


def _noting(send: Send, handling: Handling | None) -> Send:
    if handling is None:
        return send
    note_status = handling.note_status

    async def send_noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            note_status(message["status"])
        await send(message)

    return send_noting


async def _refuse(send: Send, status: int) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-length", b"0")],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b""})
