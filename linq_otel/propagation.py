"""
Work that leaves the handler, and stays in its trace.

Many handlers answer 200 at once and work in a thread, a task or another
process. OpenTelemetry's context does not follow them there by itself: a thread
begins with an empty one, a queue carries none. With :func:`carry` a function
takes the context along; with :func:`to_headers` and :func:`attached` a message
does.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from ._calls import outside_calls
from ._json import as_mapping
from ._lifecycle import context_under
from ._origins import format_traceparent, parse_traceparent
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping


__all__ = ["attached", "carry", "to_headers"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_SUPPRESSION: Final = "suppress_http_instrumentation"


def carry(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """
    Return *function* bound to the context of this moment, wherever it is called.

    Spans started inside it hang under the span that is current now: the
    ``process`` span of a webhook's handler, or a span of the app's own. It
    takes functions and coroutine functions, and may be called often::

        threading.Thread(target=carry(work), args=(event,)).start()
        executor.submit(carry(work), event)
        background_tasks.add_task(carry(work), event)
        asyncio.create_task(carry(awork)(event))

    What a call of the API sets while it is under way does not go along: the
    work is no part of the call, and its own HTTP requests are traced.

    Args:
        function: What to call there.

    Raises:
        TypeError: If *function* is not callable, or a generator: its body runs
            after the call, in whatever context it is iterated in.
    """
    if not callable(function):
        raise TypeError(f"carry takes a function, not {type(function).__name__}")
    if isgeneratorfunction(function) or isasyncgenfunction(function):
        raise TypeError("carry takes no generator: carry the function that iterates it")
    context = _without_suppression(otel_context.get_current())
    if _is_coroutine_function(function):
        awaitable = cast("Callable[_P, Any]", function)

        @wraps(function)
        async def acarried(*args: _P.args, **kwargs: _P.kwargs) -> Any:
            with outside_calls(context):
                return await awaitable(*args, **kwargs)

        return cast("Callable[_P, _R]", acarried)

    @wraps(function)
    def carried(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with outside_calls(context):
            return function(*args, **kwargs)

    return carried


def to_headers() -> dict[str, str]:
    """
    Return the current span as ``traceparent`` and ``tracestate``; empty if there is none.

    These two and nothing else, whichever propagators the app has set: baggage
    may hold what a queue should not. They are plain text and fit into JSON, a
    Celery argument or SQS message attributes::

        queue.send(json.dumps({"chat": chat_id, "trace": to_headers()}))

    The format is W3C Trace Context (https://www.w3.org/TR/trace-context/).
    """
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    headers = {"traceparent": format_traceparent(span)}
    if span.trace_state:
        headers["tracestate"] = span.trace_state.to_header()
    return headers


@contextmanager
def attached(headers: Mapping[str, str] | None) -> Generator[None]:
    """
    Run the ``with`` block under the span that :func:`to_headers` wrote down elsewhere.

    ::

        message = json.loads(queue.receive())
        with attached(message.get("trace")):
            work(message)

    Whatever is no ``traceparent`` is passed over without an error, and the
    block then runs in the context it is in.

    Args:
        headers: What :func:`to_headers` returned, or any mapping that has its
            keys in it, in any case; None joins nothing.
    """
    context = otel_context.get_current()
    with shield("reading the headers of a message"):
        parent = _parse_headers(headers)
        if parent is not None:
            context = _without_suppression(context_under(parent, context))
    with outside_calls(context):
        yield


def _without_suppression(context: Context) -> Context:
    # Keys end with a random part, and the module that owns this one has moved before.
    kept = {key: value for key, value in context.items() if not key.startswith(_SUPPRESSION)}
    return Context(kept)


def _parse_headers(headers: object) -> trace.SpanContext | None:
    named = {str(name).lower(): value for name, value in as_mapping(headers).items()}
    traceparent, tracestate = named.get("traceparent"), named.get("tracestate")
    if not isinstance(traceparent, str):
        return None
    return parse_traceparent(traceparent, tracestate if isinstance(tracestate, str) else "")


def _is_coroutine_function(function: object) -> bool:
    # An object may be called as well, and then its class says how.
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
