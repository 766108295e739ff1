"""
Calls through httpx, and httpx2 which is the same under another name: every client and transport.

``send`` is where every verb, every stream and every hand-built request passes.
The SDK passes there too, and is left alone but for the headers.
"""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from linq_otel._calls import current_call
from linq_otel._shield import swallow
from linq_otel._targets import may_be_call
from linq_otel._wire import target_of

from ._exchanges import Exchange, Received
from ._late import LateBodies
from ._neighbours import is_client_instrumented


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._patching import Function, Patches

    from ._late import LateBody
    from ._raw import RawCalls


_ARGUMENTS: Final = ("self", "request", "stream", "auth", "follow_redirects")


class HttpxSeams:
    """
    The wrappers in httpx.

    Args:
        calls: Opens the calls.
        patches: Holds the wrappers.
        library: ``httpx`` or ``httpx2``.
    """

    def __init__(self, calls: RawCalls, patches: Patches, library: str = "httpx") -> None:
        self._calls = calls
        self._library = library
        self._default: Any = sys.modules[library].USE_CLIENT_DEFAULT
        self._patches = patches
        self._late: LateBodies[LateBody] = LateBodies(self._watch)
        patches.weave(library, "Client", "send", self._weave_send)
        patches.weave(library, "AsyncClient", "send", self._weave_asend)

    def _weave_send(self, patches: Patches, send: Function) -> Function:
        default = self._default

        def send_any(client: Any, request: Any, **kwargs: Any) -> Any:
            exchange = self._open(client, request) if patches.is_on else None
            if exchange is None:
                return send(client, request, **kwargs)
            return self._calls.run(
                exchange, lambda: send(client, request, **kwargs), self._late.put
            )

        def woven(
            client: Any,
            request: Any,
            *,
            stream: bool = False,
            auth: Any = default,
            follow_redirects: Any = default,
        ) -> Any:
            # What is no request of httpx's is looked at behind a shield.
            try:
                go_on = send_any if may_be_call(request.url.path) else send
            except (AttributeError, TypeError):
                go_on = send_any
            return go_on(
                client, request, stream=stream, auth=auth, follow_redirects=follow_redirects
            )

        return woven if _takes_these_alone(send) else send_any

    def _weave_asend(self, patches: Patches, send: Function) -> Function:
        default = self._default

        async def send_any(client: Any, request: Any, **kwargs: Any) -> Any:
            exchange = self._open(client, request) if patches.is_on else None
            if exchange is None:
                return await send(client, request, **kwargs)
            return await self._calls.arun(
                exchange, lambda: send(client, request, **kwargs), self._late.put
            )

        async def woven(
            client: Any,
            request: Any,
            *,
            stream: bool = False,
            auth: Any = default,
            follow_redirects: Any = default,
        ) -> Any:
            try:
                go_on = send_any if may_be_call(request.url.path) else send
            except (AttributeError, TypeError):
                go_on = send_any
            return await go_on(
                client, request, stream=stream, auth=auth, follow_redirects=follow_redirects
            )

        return woven if _takes_these_alone(send) else send_any

    def _open(self, client: Any, request: Any) -> Exchange[Any] | None:
        try:
            call = current_call()
            if call is None:
                return self._exchange(client, request) if may_be_call(request.url.path) else None
            if call.silences:
                self._inject(call, client, request)
        except Exception as error:
            swallow("opening a call", error)
        return None

    def _exchange(self, client: Any, request: Any) -> Exchange[Any] | None:
        target = target_of(request)
        if not self._calls.hosts.holds(target):
            return None
        # A body that is still a stream has no `_content`, and is left alone.
        body = getattr(request, "_content", None)
        call = self._calls.open(target, str(request.url), body, request.headers)
        if call is None:
            return None
        inject = partial(self._inject, call, client, request)
        return Exchange(call, request, target, _receive, _receive_error, inject)

    def _inject(self, call: Call, client: Any, request: Any) -> None:
        if is_client_instrumented(self._library, client, request.url):
            call.inject(request.headers)

    def _watch(self) -> None:
        self._patches.wrap(self._library, "Response", "read", self._read)
        self._patches.wrap(self._library, "Response", "aread", self._aread)

    def _read(
        self, wrapped: Callable[..., Any], response: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        body = wrapped(*args, **kwargs)
        late = self._late.take(response)
        if late is not None:
            late.arrive(body)
        return body

    async def _aread(
        self, wrapped: Callable[..., Any], response: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        body = await wrapped(*args, **kwargs)
        late = self._late.take(response)
        if late is not None:
            await late.aarrive(body)
        return body


def _takes_these_alone(send: Function) -> bool:
    """
    Tell whether *send* can be called with its arguments named, as httpx 0.20 and later have them.

    To take any arguments instead would cost each request to anybody else 0.4 µs.
    """
    return tuple(inspect.signature(send).parameters) == _ARGUMENTS


def _receive(response: Any) -> Received:
    body = response.content if response.is_stream_consumed else None
    return Received.of(response.status_code, response.headers, body)


def _receive_error(error: Exception) -> Received | None:
    # A response hook of the app may raise for the status, as many do.
    response = getattr(error, "response", None)
    return None if response is None else _receive(response)
