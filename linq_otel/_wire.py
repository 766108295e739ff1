"""
What an httpx request and its response say of themselves.

Nothing is read early: a body is looked at only if the SDK has read it, and a
stream is left to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _attributes as a
from ._answers import Answer, parse_retry_after
from ._operations import redacted_path


if TYPE_CHECKING:
    import httpx

    from ._calls import Call
    from ._operations import Operation


_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def describe_request(request: httpx.Request, operation: Operation) -> tuple[str, dict[str, Any]]:
    """
    Return the name and attributes of an attempt's span, by the HTTP conventions.

    ``url.full`` has no query and no handle in it.
    """
    url = request.url
    scheme, port = url.scheme, url.port
    path = redacted_path(url.path, operation)
    attributes = {
        a.HTTP_REQUEST_METHOD: operation.method,
        a.URL_FULL: f"{scheme}://{url.netloc.decode()}{path}",
        a.URL_TEMPLATE: operation.template,
        a.SERVER_ADDRESS: url.host,
        a.SERVER_PORT: port or _DEFAULT_PORTS.get(scheme, 0),
    }
    name = a.ATTEMPT.format(method=operation.method, template=operation.template)
    return name, attributes


def note_response(call: Call, response: httpx.Response) -> None:
    """
    Tell *call* what came back on the wire.
    """
    headers = response.headers
    answer = Answer(
        response.status_code,
        headers.get("x-trace-id"),
        parse_retry_after(headers.get("retry-after")),
    )
    if answer.is_error:
        answer = answer.explained_by(_read_json(response))
    call.attempts.note_answer(response.request, response, answer)


def learn_ids(call: Call, answer: object, response: httpx.Response) -> None:
    """
    Let *call* take its ids from the parsed *answer*, or from a body that was read.
    """
    operation = call.operation
    if not operation.message_id_at and not operation.chat_id_at:
        return
    if answer is response or hasattr(answer, "http_response"):
        answer = _read_json(response)
    call.learn(answer)


def _read_json(response: httpx.Response) -> object:
    if not response.is_stream_consumed:
        return None
    try:
        parsed: object = response.json()
    except (ValueError, RuntimeError):
        # No JSON, JSON nested too deep, or a body of which the app has read a part.
        return None
    return parsed
