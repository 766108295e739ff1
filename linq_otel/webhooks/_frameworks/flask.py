"""
Flask: the view runs in ``dispatch_request``, and ``full_dispatch_request`` is around it.

The instrumentation of Flask starts its span between the two. So the body is
read in the outer one, before the app's own code can, and the span is started
in the inner one; it ends when the outer one knows the answer.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from linq_otel._shield import shield, swallow
from linq_otel.errors import MalformedEventError
from linq_otel.webhooks._endpoint import Turn
from linq_otel.webhooks._environs import find_headers, read_body
from linq_otel.webhooks._streams import Stream


if TYPE_CHECKING:
    from linq_otel._patching import Patches
    from linq_otel.webhooks._endpoint import Endpoint
    from linq_otel.webhooks._signatures import LinqHeaders


_KEY: Final = "linq_otel.webhook"


@dataclass(slots=True)
class _Arrived:
    """
    A delivery whose view has not been called yet.
    """

    headers: LinqHeaders
    body: bytes | None
    stack: ExitStack = field(default_factory=ExitStack)
    turn: Turn = field(default_factory=Turn)


def install(patches: Patches, endpoint: Endpoint) -> None:
    """
    Put our wrappers in.
    """
    flask: Any = import_module("flask")

    def full_dispatch(wrapped: Any, app: Any, args: Any, kwargs: Any) -> Any:
        try:
            arrived = _find_delivery(endpoint, flask.request)
        except Exception as error:
            swallow("reading a request of Flask", error)
            if endpoint.enforces:
                return app.response_class(status=MalformedEventError.status)
            arrived = None
        if arrived is None:
            return wrapped(*args, **kwargs)
        with arrived.stack:
            response = wrapped(*args, **kwargs)
            if arrived.turn.answer is None:
                arrived.turn.note_status(response.status_code)
                with shield("streaming an answer of Flask"):
                    _stream(arrived.turn, response)
            return response

    def dispatch(wrapped: Any, app: Any, args: Any, kwargs: Any) -> Any:
        arrived: _Arrived | None = flask.request.environ.pop(_KEY, None)
        if arrived is None:
            return wrapped(*args, **kwargs)
        opened = endpoint.handling(arrived.headers, arrived.body)
        arrived.turn = arrived.stack.enter_context(opened)
        if arrived.turn.answer is not None:
            return app.response_class(status=arrived.turn.answer)
        return wrapped(*args, **kwargs)

    patches.wrap("flask.app", "Flask", "full_dispatch_request", full_dispatch)
    patches.wrap("flask.app", "Flask", "dispatch_request", dispatch)


def _stream(turn: Turn, response: Any) -> None:
    """
    Let what Flask does as *response* is sent, and after that, be done in the context of its run.

    A file is the server's to send.
    """
    if turn.handling is None:
        return
    if response.is_streamed and not response.direct_passthrough:
        response.response = Stream(turn, response.response)
    later: list[Any] = response._on_close  # noqa: SLF001  # Nothing else tells of them.
    later[:] = [partial(turn.call, function) for function in later]


def _find_delivery(endpoint: Endpoint, request: Any) -> _Arrived | None:
    environ = request.environ
    headers = find_headers(endpoint, environ)
    if headers is None:
        return None
    # Who has asked for the stream holds it already: then it is too late to read ahead.
    is_read = "stream" in vars(request) or "_cached_data" in vars(request)
    body = None if is_read else read_body(environ, endpoint.max_body)
    arrived = environ[_KEY] = _Arrived(headers, body)
    return arrived
