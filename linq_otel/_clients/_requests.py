"""
Calls through requests: every session, and the functions of the module.

``Session.send`` is where all pass, redirects once more inside. OpenTelemetry's
own instrumentation wraps it as well, and may lie over ours; so it is silenced
from ``Session.request``, where it does not look.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from linq_otel._calls import current_call
from linq_otel._shield import shield
from linq_otel._targets import is_elsewhere

from ._exchanges import Exchange, Received
from ._neighbours import is_instrumented
from ._tees import overhear_chunks


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._patching import Patches

    from ._raw import RawCalls


class RequestsSeams:
    """
    The wrappers in requests.
    """

    def __init__(self, calls: RawCalls, patches: Patches) -> None:
        self._calls = calls
        patches.wrap("requests", "Session", "request", self._request, _asks_elsewhere)
        patches.wrap("requests", "Session", "send", self._send, _sends_elsewhere)

    def _request(
        self, wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        if not self._is_ours(args, kwargs):
            return wrapped(*args, **kwargs)
        with self._calls.quiet():
            return wrapped(*args, **kwargs)

    def _is_ours(self, args: tuple[Any, ...], kwargs: Any) -> bool:
        with shield("recognizing a call"):
            url = args[1] if len(args) > 1 else kwargs["url"]
            return self._calls.is_ours(url)
        return False

    def _send(
        self, wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        exchange = self._open(args, kwargs)
        if exchange is None:
            return wrapped(*args, **kwargs)
        return self._calls.run(exchange, lambda: wrapped(*args, **kwargs), overhear_chunks)

    def _open(self, args: tuple[Any, ...], kwargs: Any) -> Exchange[Any] | None:
        with shield("opening a call"):
            request: Any = args[0] if args else kwargs["request"]
            target = self._calls.hosts.find_target(request.method, request.url)
            if target is None or current_call() is not None:
                return None
            call = self._calls.open(target, request.url, request.body, request.headers)
            if call is not None:
                inject = partial(_inject, call, request)
                return Exchange(call, request, target, _receive, _receive_error, inject)
        return None


def _asks_elsewhere(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return is_elsewhere(args[2] if len(args) > 2 else kwargs.get("url"))  # noqa: PLR2004  # Session, method, URL.


def _sends_elsewhere(args: tuple[Any, ...], _kwargs: object) -> bool:
    return is_elsewhere(getattr(args[1], "url", None) if len(args) > 1 else None)


def _inject(call: Call, request: Any) -> None:
    if is_instrumented("requests"):
        call.inject(request.headers)


def _receive(response: Any) -> Received:
    # False until it is read, and `content` would read it.
    body = response._content  # noqa: SLF001
    return Received.of(response.status_code, response.headers, None if body is False else body)


def _receive_error(error: Exception) -> Received | None:
    response = getattr(error, "response", None)
    return None if response is None else _receive(response)
