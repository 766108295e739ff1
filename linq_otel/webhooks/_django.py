"""
Serving one request of Django as the handler of a delivery.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._environs import Replayed, parse_length
from ._streams import AsyncStream, Stream


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._endpoint import Endpoint, Turn
    from ._signatures import LinqHeaders

    GetResponse = Callable[[Any], Any]


# By name, because Django has no types: everything of it is Any.
_exceptions: Any = import_module("django.core.exceptions")
_http: Any = import_module("django.http")
_request: Any = import_module("django.http.request")

# What Django answers with a status of its own, further out than we are.
_STATUSES: dict[type[Exception], int] = {
    _http.Http404: 404,
    _exceptions.PermissionDenied: 403,
    _exceptions.SuspiciousOperation: 400,
    _exceptions.BadRequest: 400,
}
_ANSWERED = tuple(_STATUSES)


def serve(endpoint: Endpoint, get_response: GetResponse, request: Any) -> Any:
    """
    Let *get_response* answer, as the handler of a delivery if *request* is one.
    """
    headers = _find_headers(endpoint, request)
    if headers is None:
        return get_response(request)
    with endpoint.handling(headers, _read_body(request, endpoint.max_body)) as turn:
        if turn.answer is not None:
            return _http.HttpResponse(status=turn.answer)
        try:
            response = get_response(request)
        except _ANSWERED as error:
            answered = error
            turn.note_status(_status_of(error))
        else:
            turn.note_status(response.status_code)
            _stream(turn, response)
            return response
    raise answered


async def aserve(endpoint: Endpoint, get_response: GetResponse, request: Any) -> Any:
    """
    Do the same in a coroutine.
    """
    headers = _find_headers(endpoint, request)
    if headers is None:
        return await get_response(request)
    async with endpoint.handling(headers, _read_body(request, endpoint.max_body)) as turn:
        if turn.answer is not None:
            return _http.HttpResponse(status=turn.answer)
        try:
            response = await get_response(request)
        except _ANSWERED as error:
            answered = error
            turn.note_status(_status_of(error))
        else:
            turn.note_status(response.status_code)
            _stream(turn, response)
            return response
    raise answered


def _find_headers(endpoint: Endpoint, request: Any) -> LinqHeaders | None:
    return endpoint.find_headers(request.method, request.headers, request.path, request.path_info)


def _read_body(request: Any, limit: int) -> bytes | None:
    """
    Return the body, which Django keeps for whoever reads it next.
    """
    length = parse_length(request.META.get("CONTENT_LENGTH") or "0")
    if length is None or length > limit:
        return None
    try:
        body: bytes = request.body
    except (_exceptions.SuspiciousOperation, _request.RawPostDataException):
        # It is more than the site allows, or others have read it.
        return None
    except Exception as error:
        # The client is gone, or has sent what its server cannot read; servers have errors of
        # their own for it. The app will meet the same one when it reads.
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        # Django takes its stream for one that was read, and would not try again.
        request._stream = io.BufferedReader(Replayed(b"", io.BytesIO(), cause))  # noqa: SLF001
        request._read_started = False  # noqa: SLF001
        return None
    return body


def _stream(turn: Turn, response: Any) -> None:
    """
    Let a streamed *response* be made in the context of its run; a file is the server's to send.
    """
    if turn.handling is None or not getattr(response, "streaming", False):
        return
    if getattr(response, "file_to_stream", None) is None:
        stream: Any = AsyncStream if response.is_async else Stream
        response.streaming_content = stream(turn, response.streaming_content)


def _status_of(error: Exception) -> int:
    return next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
