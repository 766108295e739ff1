"""
What an httpx request and its response say of themselves.

Nothing is read early: a body is looked at only if the SDK has read it, and a
stream is left to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._answers import Answer, parse_retry_after
from ._attempts import describe_target
from ._targets import make_target


if TYPE_CHECKING:
    import httpx

    from ._calls import Call
    from ._operations import Operation
    from ._targets import Target


_REDIRECT: Final = 300


def describe_request(request: httpx.Request, operation: Operation) -> tuple[str, dict[str, Any]]:
    """
    Return the name and attributes of an attempt's span, by the HTTP conventions.

    ``url.full`` has no query and no handle in it.
    """
    return describe_target(target_of(request), operation)


def target_of(request: httpx.Request) -> Target:
    """
    Return where *request* goes.
    """
    url = request.url
    return make_target(request.method, url.scheme, url.host, url.port, url.path)


def note_response(call: Call, response: httpx.Response) -> None:
    """
    Tell *call* what came back on the wire.
    """
    headers, status = response.headers, response.status_code
    # A look-up of httpx reads every header; no success says when to come again.
    retry_after = None if status < _REDIRECT else parse_retry_after(headers.get("retry-after"))
    answer = Answer(status, headers.get("x-trace-id"), retry_after)
    if answer.is_error:
        answer = answer.explained_by(_read_json(response))
    elif not answer.is_identified:
        answer = answer.identified_by(_read_json(response))
    call.attempts.note_answer(response.request, response, answer)


def learn_ids(call: Call, answer: object, response: httpx.Response) -> None:
    """
    Let *call* take its ids from the parsed *answer*, or from a body that was read.
    """
    operation = call.operation
    if not operation.message_id_at and not operation.chat_id_at:
        return
    settlement = call.settlement
    settlement.learn(answer)
    # Asked last: a model is slow to say that it has no such thing.
    is_raw = settlement.message_id is None and settlement.chat_id is None
    if is_raw and (answer is response or hasattr(answer, "http_response")):
        settlement.learn(_read_json(response))


def _read_json(response: httpx.Response) -> object:
    if not response.is_stream_consumed:
        return None
    try:
        parsed: object = response.json()
    except (ValueError, RuntimeError):
        # No JSON, JSON nested too deep, or a body of which the app has read a part.
        return None
    return parsed
