"""
Calls through ``urllib.request``: ``urlopen`` and every opener.

An opener raises its refusals: a ``HTTPError`` is an answer as well, whose body
belongs to the caller.
"""

from __future__ import annotations

import sys
from functools import partial
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from linq_otel._calls import current_call
from linq_otel._shield import shield
from linq_otel._targets import may_be_call

from ._exchanges import Exchange, Received
from ._neighbours import is_instrumented
from ._streamed import StreamedBodies, capture_read, capture_readinto


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._patching import Patches

    from ._raw import RawCalls


class UrllibSeams:
    """
    The wrapper in ``urllib.request``.
    """

    def __init__(self, calls: RawCalls, patches: Patches) -> None:
        self._calls = calls
        # Imported by the app, and by us for nobody who does not.
        self._module: Any = sys.modules["urllib.request"]
        self._bodies = StreamedBodies(
            patches,
            "http.client",
            HTTPResponse,
            {
                "read": capture_read,
                "read1": capture_read,
                "readline": capture_read,
                "readinto": capture_readinto,
            },
            _is_at_end,
        )
        patches.wrap("urllib.request", "OpenerDirector", "open", self._open)

    def _open(
        self, wrapped: Callable[..., Any], _opener: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        exchange = None
        with shield("opening a call"):
            given: Any = args[0] if args else kwargs["fullurl"]
            if may_be_call(given if isinstance(given, str) else given.full_url):
                data = args[1] if len(args) > 1 else kwargs.get("data")
                exchange = self._exchange(given, data)
        if exchange is None:
            return wrapped(*args, **kwargs)
        request = exchange.request

        def send() -> Any:
            if args:
                return wrapped(request, *args[1:], **kwargs)
            return wrapped(**{**kwargs, "fullurl": request})

        return self._calls.run(exchange, send, self._bodies.put_streamed)

    def _exchange(self, given: Any, data: Any) -> Exchange[Any] | None:
        if current_call() is not None:
            return None
        # An opener makes the same of a text.
        request = self._module.Request(given, data) if isinstance(given, str) else given
        url: str = request.full_url
        target = self._calls.hosts.find_target(_method_of(request, data), url)
        if target is None:
            return None
        body = request.data if data is None else data
        call = self._calls.open(target, url, body, request.headers)
        if call is None:
            return None
        inject = partial(_inject, call, request)
        return Exchange(call, request, target, _receive, self._receive_error, inject)

    def _receive_error(self, error: Exception) -> Received | None:
        if not isinstance(error, self._module.HTTPError):
            return None
        refusal: Any = error
        return Received.of(refusal.code, refusal.headers, None)


def _method_of(request: Any, data: object) -> str:
    method: str = request.get_method()
    is_given = getattr(request, "method", None) is not None
    # What is sent with data becomes a POST, once the opener has put it there.
    return "POST" if data is not None and method == "GET" and not is_given else method


def _inject(call: Call, request: Any) -> None:
    if is_instrumented("urllib"):
        call.inject(request.headers)


def _receive(response: Any) -> Received:
    return Received.of(response.status, response.headers, None)


def _is_at_end(response: Any) -> bool:
    # `read1` leaves a response open that has nothing left.
    return bool(response.isclosed() or response.length == 0)
