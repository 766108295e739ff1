"""
Calls through aiohttp's client.

Its answer is there before the body is, so a message's ids are learnt when the
caller reads: ``json()`` and ``text()`` rest on ``read()``.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from linq_otel._calls import current_call
from linq_otel._shield import shield
from linq_otel._targets import may_be_call

from ._exchanges import Exchange, Received
from ._late import LateBodies
from ._neighbours import is_session_instrumented


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._patching import Function, Patches

    from ._late import LateBody
    from ._raw import RawCalls


class AiohttpSeams:
    """
    The wrappers in aiohttp's client.
    """

    def __init__(self, calls: RawCalls, patches: Patches) -> None:
        self._calls = calls
        self._module: Any = sys.modules["aiohttp"]
        self._patches = patches
        self._late: LateBodies[LateBody] = LateBodies(self._watch)
        patches.weave("aiohttp", "ClientSession", "_request", self._weave_request)

    def _weave_request(self, patches: Patches, send: Function) -> Function:
        # A coroutine function, as what it replaces is: mocks and decorators ask.
        async def woven(session: Any, method: Any, str_or_url: Any, **kwargs: Any) -> Any:
            try:
                # The URL may be the end of one that the session begins.
                is_elsewhere = not may_be_call(str_or_url) and session._base_url is None  # noqa: SLF001
            except (AttributeError, TypeError):
                is_elsewhere = False
            if is_elsewhere or not patches.is_on:
                return await send(session, method, str_or_url, **kwargs)
            exchange = None
            with shield("opening a call"):
                url = _find_url(session, str_or_url)
                if url is not None:
                    exchange, kwargs = self._open(session, method, url, dict(kwargs))
            if exchange is None:
                return await send(session, method, str_or_url, **kwargs)
            return await self._calls.arun(
                exchange, lambda: send(session, method, str_or_url, **kwargs), self._late.put
            )

        return woven

    def _open(
        self, session: Any, method: Any, url: str, kwargs: dict[str, Any]
    ) -> tuple[Exchange[Any] | None, dict[str, Any]]:
        """
        Open the call; *kwargs* are ours, and are given headers where they are due.
        """
        target = self._calls.hosts.find_target(method, url)
        call = current_call()
        if target is None:
            return None, kwargs
        if call is not None:
            self._inject(call, session, kwargs)
            return None, kwargs
        body = kwargs.get("json") or kwargs.get("data")
        call = self._calls.open(target, url, body, kwargs.get("headers"))
        if call is None:
            return None, kwargs
        inject = partial(self._inject, call, session, kwargs)
        return Exchange(call, target, target, _receive, self._receive_error, inject), kwargs

    def _inject(self, call: Call, session: Any, kwargs: dict[str, Any]) -> None:
        if call.silences and is_session_instrumented(session):
            # As the session would have it: whatever was given, and its own beneath.
            headers = session._prepare_headers(kwargs.get("headers"))  # noqa: SLF001
            call.inject(headers)
            kwargs["headers"] = headers

    def _watch(self) -> None:
        self._patches.wrap("aiohttp", "ClientResponse", "read", self._read)

    async def _read(
        self, wrapped: Callable[..., Any], response: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        body = await wrapped(*args, **kwargs)
        late = self._late.take(response)
        if late is not None:
            await late.aarrive(body)
        return body

    def _receive_error(self, error: Exception) -> Received | None:
        if not isinstance(error, self._module.ClientResponseError):
            return None
        refusal: Any = error
        return Received.of(refusal.status, refusal.headers or {}, None) if refusal.status else None


def _find_url(session: Any, given: Any) -> str | None:
    url = str(given)
    if getattr(session, "_base_url", None) is not None:
        url = str(session._build_url(given))  # noqa: SLF001  # No public way to ask.
    return url if may_be_call(url) else None


def _receive(response: Any) -> Received:
    return Received.of(response.status, response.headers, response._body)  # noqa: SLF001
