"""
Calls through urllib3: pool managers, and pools alone.

A pool's ``urlopen`` calls itself for every retry and redirect, and
``Retry.increment`` is told why; requests rests on both. So a request that
urllib3 sends again is a further attempt, whoever opened the call.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from linq_otel._attempts import describe_target
from linq_otel._calls import current_call
from linq_otel._shield import shield
from linq_otel._targets import is_elsewhere, make_target, may_be_call

from ._exchanges import Exchange, Received, note_attempt
from ._neighbours import is_instrumented
from ._streamed import StreamedBodies, capture_chunks, capture_read


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._calls import Call
    from linq_otel._patching import Function, Patches
    from linq_otel._targets import Target

    from ._raw import RawCalls


# Where `urlopen` of a pool takes them.
_BODY: Final = 2
_HEADERS: Final = 3


class Urllib3Seams:
    """
    The wrappers in urllib3.
    """

    def __init__(self, calls: RawCalls, patches: Patches) -> None:
        self._calls = calls
        self._bodies = calls.urllib3_bodies = StreamedBodies(
            patches,
            "urllib3",
            sys.modules["urllib3"].HTTPResponse,
            # All other methods read by these.
            {"read": capture_read, "read1": capture_read, "read_chunked": capture_chunks},
            _is_at_end,
        )
        patches.weave("urllib3", "PoolManager", "urlopen", partial(_past_others, self._manage))
        patches.weave(
            "urllib3", "HTTPConnectionPool", "urlopen", partial(_past_others, self._open_in_pool)
        )
        patches.wrap("urllib3", "Retry", "increment", self._increment)

    def _manage(
        self, wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        """
        Open the call above the pool, where redirects from host to host are followed.
        """
        exchange = None
        with shield("opening a call"):
            method, url = _first_two(args, kwargs)
            if may_be_call(url) and current_call() is None:
                target = self._calls.hosts.find_target(method, url)
                headers = kwargs.get("headers", manager.headers)
                exchange = self._exchange(target, url, kwargs.get("body"), headers)
        if exchange is None:
            return wrapped(*args, **kwargs)
        return self._calls.run(
            exchange, lambda: wrapped(*args, **kwargs), self._bodies.put_streamed
        )

    def _open_in_pool(
        self, wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        exchange = None
        with shield("opening a call"):
            method, url = _first_two(args, kwargs)
            if may_be_call(url):
                target = self._find_target(pool, method, url)
                call = current_call()
                if target is not None and call is not None:
                    args, kwargs = _go_on(call, target, pool, args, kwargs)
                elif target is not None:
                    body, headers = _body_and_headers(pool, args, kwargs)
                    url = f"{target.origin}{url}" if url.startswith("/") else url
                    exchange = self._exchange(target, url, body, headers)
        if exchange is None:
            return wrapped(*args, **kwargs)

        def send() -> Any:
            given, named = _with_headers(exchange.call, pool, args, kwargs)
            return wrapped(*given, **named)

        return self._calls.run(exchange, send, self._bodies.put_streamed)

    def _increment(
        self, wrapped: Callable[..., Any], _retry: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        call = current_call()
        if call is not None:
            with shield("ending an attempt that is retried"):
                method, url = _first_two(args, kwargs)
                pool = kwargs.get("_pool")
                target = pool and url and self._find_target(pool, str(method), url)
                if target:
                    _end_attempt(call, target, kwargs)
        return wrapped(*args, **kwargs)

    def _find_target(self, pool: Any, method: str, url: str) -> Target | None:
        if not url.startswith("/"):
            # A proxy's pool is given whole URLs.
            return self._calls.hosts.find_target(method, url)
        path = url.partition("?")[0]
        target = make_target(method, pool.scheme, pool.host.strip("[]").lower(), pool.port, path)
        return target if self._calls.hosts.holds(target) else None

    def _exchange(
        self, target: Target | None, url: str, body: object, headers: Any
    ) -> Exchange[Any] | None:
        if target is None:
            return None
        call = self._calls.open(target, url, body, headers)
        if call is None:
            return None
        return Exchange(call, target, target, _receive, _no_refusal, _no_headers)


def _past_others(run: Function, patches: Patches, urlopen: Function) -> Function:
    def woven(pool: Any, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        if not patches.is_on or is_elsewhere(url):
            return urlopen(pool, method, url, *args, **kwargs)
        return run(partial(urlopen, pool), pool, (method, url, *args), kwargs)

    return woven


def _first_two(args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Any]:
    method = args[0] if args else kwargs.get("method")
    return method, args[1] if len(args) > 1 else kwargs.get("url", "")


def _end_attempt(call: Call, target: Target, kwargs: Any) -> None:
    response = kwargs.get("response")
    if response is not None:
        note_attempt(call, target, response, _receive(response))
    else:
        call.attempts.note_error(kwargs.get("error"))
    call.attempts.is_resent = True


def _go_on(
    call: Call, target: Target, pool: Any, args: tuple[Any, ...], kwargs: Any
) -> tuple[tuple[Any, ...], Any]:
    """
    Go on with a call that was opened above: maybe by a further attempt.
    """
    if call.attempts.is_resent:
        call.attempts.begin(target, describe_target)
    return _with_headers(call, pool, args, kwargs)


def _with_headers(
    call: Call, pool: Any, args: tuple[Any, ...], kwargs: Any
) -> tuple[tuple[Any, ...], Any]:
    """
    Return the arguments with our context in a copy of the headers, where theirs was sent.
    """
    if not call.silences or not is_instrumented("urllib3"):
        return args, kwargs
    _, headers = _body_and_headers(pool, args, kwargs)
    headers = headers.copy()
    call.inject(headers)
    if len(args) > _HEADERS:
        return (*args[:_HEADERS], headers, *args[_HEADERS + 1 :]), kwargs
    return args, {**kwargs, "headers": headers}


def _body_and_headers(pool: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Any]:
    body = args[_BODY] if len(args) > _BODY else kwargs.get("body")
    headers = args[_HEADERS] if len(args) > _HEADERS else kwargs.get("headers")
    return body, pool.headers if headers is None else headers


def _is_at_end(response: Any) -> bool:
    # urllib3 2 holds back what is decoded already.
    return response.isclosed() and not getattr(response, "_decoded_buffer", ())


def _receive(response: Any) -> Received:
    # Bytes once it is read; `data` would read it.
    body = getattr(response, "_body", None)
    return Received.of(response.status, response.headers, body)


def _no_refusal(_error: Exception) -> None:
    """
    An exception of urllib3 is never an answer.
    """


def _no_headers() -> None:
    """
    Headers are put in below, where a pool is given them.
    """
