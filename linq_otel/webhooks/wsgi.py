"""
The adapter for WSGI: Flask, Django under WSGI, or any app that speaks the protocol.

The body is read ahead, and the app finds an equal stream in its place. What
this does not know, and what is too long, it passes on.
"""

from __future__ import annotations

from collections.abc import Sized
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ._endpoint import Endpoint
from ._environs import find_headers, read_body
from ._streams import Stream


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._endpoint import Turn
    from ._environs import Environ
    from ._receiver import WebhookReceiver

    StartResponse = Callable[..., Any]
    App = Callable[[Environ, StartResponse], Iterable[bytes]]


__all__ = ["LinqWebhookMiddleware"]


class LinqWebhookMiddleware:
    """
    Joins the Linq webhooks a WSGI app receives to the messages they report on.

    ::

        app = Flask(__name__)
        app.wsgi_app = LinqWebhookMiddleware(app.wsgi_app, paths=["/webhooks/linq"])

    The app, and each piece of an answer that it makes lazily, run inside the
    ``process`` span.

    Args:
        app: The app.
        paths: The paths deliveries arrive at; without any, a request is a
            delivery if its headers say so.
        receiver: What verifies and reads them. One that enforces answers for
            the app: 401 where the signature is bad, 400 where there is no event.

    Raises:
        ConfigurationError: If *receiver* enforces and no *paths* are given: a
            stranger would slip past by leaving Linq's headers out.
    """

    def __init__(
        self,
        app: App,
        paths: Sequence[str] = (),
        receiver: WebhookReceiver | None = None,
    ) -> None:
        self.app = app
        self._endpoint = Endpoint(paths, receiver)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """
        Serve one request.
        """
        headers = find_headers(self._endpoint, environ)
        if headers is None:
            return self.app(environ, start_response)
        body = read_body(environ, self._endpoint.max_body)
        with self._endpoint.handling(headers, body) as turn:
            if turn.answer is None:
                answer = self.app(environ, _noting(start_response, turn))
                return _begun(turn, answer, environ.get("wsgi.file_wrapper"))
            status = f"{turn.answer} {HTTPStatus(turn.answer).phrase}"
            start_response(status, [("Content-Length", "0")])
        return [b""]


def _noting(start_response: StartResponse, turn: Turn) -> StartResponse:
    def start_noting(status: str, *args: Any, **kwargs: Any) -> Any:
        turn.note_status(status)
        return start_response(status, *args, **kwargs)

    return start_noting


def _begun(turn: Turn, answer: Iterable[bytes], file_wrapper: object) -> Iterable[bytes]:
    """
    Ask a lazy answer for its first piece, so that a generator's code runs where we are.

    A list has run already, and a file is the server's to send.
    """
    is_file = isinstance(file_wrapper, type) and isinstance(answer, file_wrapper)
    if is_file or isinstance(answer, Sized) or turn.handling is None:
        return answer
    stream = Stream(turn, answer)
    stream.begin()
    return stream
