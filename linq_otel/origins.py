"""
What a call leaves for an app to keep in a table of its own.

Linq's advice is to store the trace id beside the message in your database
(https://docs.linqapp.com/debugging, "Async processing and webhook
correlation"). An :class:`Origin` is that trace id and everything else that
joins a webhook to the call that caused it, as one line of JSON.
:class:`linq_otel.stores.own.OwnStore` joins from there.
"""

from __future__ import annotations

import time
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from ._collecting import collect_origins, last_origin
from ._events import parse_id, parse_lower_id
from ._lifecycle import app_lifecycle, derive_lifecycle
from ._operations import find_id, operation_of
from ._origins import Origin, format_traceparent, hash_key
from ._runtime import get_tracing
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import SpanContext

    from ._lifecycle import Lifecycle
    from ._tracing import Tracing


__all__ = ["Origin", "collect_origins", "last_origin", "origin_from_response"]


def origin_from_response(
    response: Any,
    body: Mapping[str, Any] | None = None,
    *,
    idempotency_key: str | None = None,
) -> Origin | None:
    """
    Return the origin of a call made with bare HTTP, under the span that is current now.

    ::

        response = httpx.post(f"{base_url}/v3/chats/{chat_id}/messages", json=payload)
        origin = origin_from_response(response)

    It draws nothing. Where the HTTP library is instrumented by this package,
    :func:`last_origin` has the origin already. None is returned where there is
    nothing to join: no span is current, Linq refused the call, or nothing will
    ever report on it.

    Args:
        response: The answer: of ``httpx``, ``requests``, or anything with
            ``headers``, ``status_code`` or ``status``, and ``url``.
        body: Its parsed JSON. To be given where ``response.json()`` is a
            coroutine (``aiohttp``) or is not there (``urllib``).
        idempotency_key: The ``message.idempotency_key`` that was sent, if one
            was. It is kept as a hash.
    """
    with shield("reading the origin of a response"):
        return _read_origin(get_tracing(), response, body, idempotency_key)
    return None


def _read_origin(
    tracing: Tracing, response: Any, body: object, idempotency_key: str | None
) -> Origin | None:
    sender = trace.get_current_span().get_span_context()
    request = getattr(response, "request", response)
    operation = operation_of(getattr(request, "method", None) or "POST", str(request.url))
    if not sender.is_valid or not operation.causes_events or not _is_accepted(response):
        return None
    answer = _read_json(response) if body is None else body
    linq_trace_id = parse_id(response.headers.get("X-Trace-ID"))
    message_id = parse_lower_id(find_id(answer, operation.message_id_at))
    hashed = hash_key(idempotency_key) if idempotency_key else None
    lifecycle = None
    if operation.starts_life:
        lifecycle = _find_life(tracing, sender, (hashed, message_id, linq_trace_id))
    now = time.time_ns()
    return Origin(
        traceparent=format_traceparent(sender),
        tracestate=sender.trace_state.to_header(),
        lifecycle=_traceparent_of(tracing, lifecycle),
        linq_trace_ids=(linq_trace_id,) if linq_trace_id else (),
        # The message a reaction names was sent by another call.
        message_id=message_id if operation.starts_life else None,
        chat_id=parse_lower_id(find_id(answer, operation.chat_id_at)),
        idempotency_key=hashed,
        requested_at=now - _elapsed_ns(response),
        accepted_at=now,
    )


def _find_life(
    tracing: Tracing, sender: SpanContext, ids: tuple[str | None, str | None, str | None]
) -> Lifecycle | None:
    _, message_id, linq_trace_id = ids
    if tracing.settings.join != "app":
        return derive_lifecycle(tracing.settings.join, linq_trace_id, message_id)
    key = next((key for key in ids if key), None)
    return app_lifecycle(sender, key) if key else None


def _traceparent_of(tracing: Tracing, lifecycle: Lifecycle | None) -> str:
    if lifecycle is None:
        return ""
    sampled = bool(tracing.decide(lifecycle).sampled)
    return format_traceparent(lifecycle.span_context(sampled=sampled))


def _is_accepted(response: Any) -> bool:
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return isinstance(status, int) and 200 <= status < 300  # noqa: PLR2004  # Success.


def _read_json(response: Any) -> object:
    read = getattr(response, "json", None)
    if not callable(read) or iscoroutinefunction(read):
        return None
    try:
        return read()
    except (ValueError, RuntimeError):
        # No JSON, or a stream that was not read.
        return None


def _elapsed_ns(response: Any) -> int:
    try:
        elapsed = response.elapsed
    except (AttributeError, RuntimeError):
        # Of urllib and aiohttp, and of an httpx stream that is still open.
        return 0
    return elapsed // timedelta(microseconds=1) * 1_000 if isinstance(elapsed, timedelta) else 0
