"""
The adapter for AWS Lambda, behind API Gateway (v1 and v2), a function URL or a load balancer.

Lambda freezes the process once the handler has returned, so spans are sent
before that.
"""

from __future__ import annotations

import base64
import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from opentelemetry import _logs, metrics, trace

from linq_otel._json import as_mapping
from linq_otel._shield import shield

from ._endpoint import Endpoint
from ._receiver import WebhookReceiver


if TYPE_CHECKING:
    from ._endpoint import Turn

__all__ = ["linq_webhook"]

_Handler = Callable[[Any, Any], Any]
_H = TypeVar("_H", bound=_Handler)

_FLUSH_SECONDS: Final = 2.0
# What is left to Lambda itself of the time a function has.
_RESERVE_SECONDS: Final = 0.2


@overload
def linq_webhook(handler: _H, /, *, receiver: WebhookReceiver | None = None) -> _H: ...


@overload
def linq_webhook(*, receiver: WebhookReceiver | None = None) -> Callable[[_H], _H]: ...


def linq_webhook(handler: Any = None, /, *, receiver: WebhookReceiver | None = None) -> Any:
    """
    Join the Linq webhooks a Lambda function receives to the messages they report on.

    ::

        @linq_webhook
        def handler(event, context):
            return {"statusCode": 200}

    What is no delivery passes untouched. After each invocation spans, metrics
    and log records are sent, for at most two seconds, whether the handler
    returned or raised. An ASGI app is wrapped around its adapter::

        handler = linq_webhook(Mangum(app))

    Args:
        handler: The function, or any other object that is called as one.
        receiver: What verifies and reads deliveries. One that enforces answers
            every request that is not Linq's, but a GET without a body: 401
            where the signature is bad, 400 where there is no event.
    """
    if handler is None:
        return functools.partial(linq_webhook, receiver=receiver)
    used = receiver or WebhookReceiver()
    # The function is the endpoint: one that enforces guards all that is posted to it.
    endpoint = Endpoint((), used, is_everything=used.enforce)

    @functools.wraps(handler)
    def serve(event: Any, context: Any) -> Any:
        request = cast("Mapping[str, Any]", event if isinstance(event, Mapping) else {})
        headers = request.get("multiValueHeaders") or request.get("headers")
        kept = None
        # Queues and schedules send no requests, and a function that guards takes them too.
        if not used.enforce or _is_request(request):
            kept = endpoint.find_headers(_method_of(request), headers)
        try:
            if kept is None:
                return handler(event, context)
            with endpoint.handling(kept, _body_of(request)) as turn:
                if turn.answer is not None:
                    return _answer(turn.answer, request)
                response = handler(event, context)
                _note(turn, response)
                return response
        finally:
            _flush(used, context)

    return serve


def _is_request(event: Mapping[str, Any]) -> bool:
    return not {"httpMethod", "requestContext", "headers", "body"}.isdisjoint(event)


def _method_of(request: Mapping[str, Any]) -> str:
    # Version 2 of API Gateway and function URLs; version 1 and load balancers have it on top.
    http = as_mapping(as_mapping(request.get("requestContext")).get("http"))
    method = request.get("httpMethod", http.get("method"))
    return method if isinstance(method, str) else ""


def _body_of(request: Mapping[str, Any]) -> bytes | None:
    body = request.get("body") or ""
    if not isinstance(body, str):
        return None
    if not request.get("isBase64Encoded"):
        return body.encode(errors="surrogatepass")
    try:
        return base64.b64decode(body)
    except ValueError:
        return None


def _answer(status: int, request: Mapping[str, Any]) -> dict[str, Any]:
    # A load balancer set to multi-value headers takes no others, and tells by the request's.
    many = request.get("multiValueHeaders") is not None and request.get("headers") is None
    headers = "multiValueHeaders" if many else "headers"
    return {"statusCode": status, "isBase64Encoded": False, "body": "", headers: {}}


def _note(turn: Turn, response: object) -> None:
    if isinstance(response, Mapping):
        turn.note_status(cast("Mapping[str, object]", response).get("statusCode"))


def _flush(receiver: WebhookReceiver, context: Any) -> None:
    """
    Send what was recorded, and wait for a bounded time: not every SDK keeps to the one it is given.
    """
    with shield("sending the spans of a Lambda"):
        settings = receiver.tracing.settings
        providers: list[Any] = [
            settings.tracer_provider or trace.get_tracer_provider(),
            settings.meter_provider or metrics.get_meter_provider(),
            settings.logger_provider or _logs.get_logger_provider(),
        ]
        seconds = _FLUSH_SECONDS
        if hasattr(context, "get_remaining_time_in_millis"):
            left = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
            seconds = max(0.0, min(seconds, left))
        workers = [
            threading.Thread(target=_send, args=(provider, seconds), daemon=True)
            for provider in providers
            if hasattr(provider, "force_flush")
        ]
        for worker in workers:
            worker.start()
        deadline = time.monotonic() + seconds
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))


def _send(provider: Any, seconds: float) -> None:
    with shield("sending the spans of a Lambda"):
        provider.force_flush(round(seconds * 1000))
