"""
Calls through requests: every session, and the functions of the module.

``Session.send`` is where all pass, redirects once more inside. OpenTelemetry's
own instrumentation wraps it as well, and may lie over ours; so, once an app
has loaded that, it is silenced from ``Session.request``, where it does not look.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from linq_otel._calls import current_call
from linq_otel._shield import shield
from linq_otel._targets import is_elsewhere

from ._exchanges import Exchange, Received
from ._neighbours import is_instrumented


if TYPE_CHECKING:
    from linq_otel._calls import Call
    from linq_otel._patching import Function, Patches

    from ._late import LateBody
    from ._raw import RawCalls


_NEIGHBOUR: Final = "opentelemetry.instrumentation.requests"


class RequestsSeams:
    """
    The wrappers in requests.
    """

    def __init__(self, calls: RawCalls, patches: Patches) -> None:
        self._calls = calls
        patches.weave("requests", "Session", "send", self._weave_send)
        patches.when_imported(
            _NEIGHBOUR,
            partial(patches.weave, "requests", "Session", "request", self._weave_request),
        )

    def _weave_request(self, patches: Patches, ask: Function) -> Function:
        def woven(session: Any, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
            if not patches.is_on or is_elsewhere(url) or not self._is_ours(url):
                return ask(session, method, url, *args, **kwargs)
            with self._calls.quiet():
                return ask(session, method, url, *args, **kwargs)

        return woven

    def _is_ours(self, url: object) -> bool:
        with shield("recognizing a call"):
            return self._calls.is_ours(url)
        return False

    def _weave_send(self, patches: Patches, send: Function) -> Function:
        def woven(session: Any, request: Any, **kwargs: Any) -> Any:
            if not patches.is_on or is_elsewhere(getattr(request, "url", None)):
                return send(session, request, **kwargs)
            exchange = self._open(request)
            if exchange is None:
                return send(session, request, **kwargs)
            return self._calls.run(
                exchange, lambda: send(session, request, **kwargs), self._await_body
            )

        return woven

    def _await_body(self, response: Any, late: LateBody) -> None:
        # Everything that reads a response of requests reads this one.
        if self._calls.urllib3_bodies is not None:
            self._calls.urllib3_bodies.put_streamed(response.raw, late)

    def _open(self, request: Any) -> Exchange[Any] | None:
        with shield("opening a call"):
            target = self._calls.hosts.find_target(request.method, request.url)
            if target is None or current_call() is not None:
                return None
            call = self._calls.open(target, request.url, request.body, request.headers)
            if call is not None:
                inject = partial(_inject, call, request)
                return Exchange(call, request, target, _receive, _receive_error, inject)
        return None


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
