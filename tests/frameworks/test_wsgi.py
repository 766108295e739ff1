"""
What WSGI allows servers and apps to do, and what must not change because of us.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

import pytest
from opentelemetry import trace

from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.wsgi import LinqWebhookMiddleware
from support import payloads as p


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


BODY = p.body_of("message.delivered")
LIMIT = 4096


class Chunks(io.RawIOBase):
    """
    A stream that gives a few bytes at a time, and perhaps breaks.
    """

    def __init__(self, body: bytes, *, breaks: Exception | None = None) -> None:
        self.inner, self.breaks = io.BytesIO(body), breaks
        self.most = 0

    def read(self, size: int = -1, /) -> bytes:
        """
        Give at most 100 bytes.
        """
        self.most = max(self.most, size)
        piece = self.inner.read(min(size, 100) if size >= 0 else 100)
        if not piece and self.breaks:
            # As gunicorn's: once it has raised, it says that the body is over.
            error, self.breaks = self.breaks, None
            raise error
        return piece


def environ_of(stream: Any, **more: Any) -> dict[str, Any]:
    headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in p.headers_of(BODY).items()}
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/hook", "wsgi.input": stream,
        "wsgi.file_wrapper": FileWrapper, **headers, **more,
    }  # fmt: skip


@pytest.fixture
def receiver(provider: TracerProvider) -> WebhookReceiver:
    """
    Return one with a small limit and a fixed clock.
    """
    return WebhookReceiver(
        p.SECRET, clock=lambda: p.SIGNED_AT, max_body=LIMIT, tracer_provider=provider
    )


class Answer:
    """
    A lazy answer that counts what is done with it.
    """

    def __init__(self, start: Any, *pieces: bytes, error: Exception | None = None) -> None:
        self.start, self.pieces, self.error = start, list(pieces), error
        self.closed = 0
        self.spans: list[int] = []

    def __iter__(self) -> Answer:
        return self

    def __next__(self) -> bytes:
        self.spans.append(trace.get_current_span().get_span_context().span_id)
        if self.error is not None:
            raise self.error
        if len(self.spans) == 1:
            self.start("200 OK", [])
        if not self.pieces:
            raise StopIteration
        return self.pieces.pop(0)

    def close(self) -> None:
        """
        Count it.
        """
        self.closed += 1


class TestBodies:
    @pytest.mark.parametrize(
        ("sent", "given", "is_joined"),
        [
            (BODY, {"CONTENT_LENGTH": str(len(BODY))}, True),
            (BODY + b"next request", {"CONTENT_LENGTH": str(len(BODY))}, True),
            (BODY, {"wsgi.input_terminated": True}, True),
            (BODY, {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}, True),
            (BODY[:-1], {"CONTENT_LENGTH": str(len(BODY))}, False),
            (BODY, {}, False),
            (BODY, {"CONTENT_LENGTH": "ten"}, False),
            (BODY, {"CONTENT_LENGTH": "-1"}, False),
            (b"x" * 9000, {"CONTENT_LENGTH": "9000"}, False),
            (b"x" * 9000, {"wsgi.input_terminated": True}, False),
            (b"x" * LIMIT, {"wsgi.input_terminated": True}, False),
        ],
        ids=["whole", "keep-alive", "chunked", "chunked, empty length", "short", "no length",
             "a word", "negative", "long", "long chunked", "at the limit"],
    )  # fmt: skip
    def test_reaches_the_app_whole(
        self, receiver: WebhookReceiver, exporter: InMemorySpanExporter,
        sent: bytes, given: dict[str, Any], is_joined: bool,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """The app reads what it would have read, in one go or line by line."""
        seen: list[bytes] = []

        def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            length = environ.get("CONTENT_LENGTH") or ""
            stream = environ["wsgi.input"]
            if length.isdigit():
                while sum(map(len, seen)) < int(length):
                    piece = stream.read(int(length) - sum(map(len, seen)))
                    if not piece:
                        break
                    seen.append(piece)
            elif environ.get("wsgi.input_terminated"):
                seen.extend(iter(lambda: stream.read(1000), b""))
            start_response("200 OK", [])
            return [b""]

        environ = environ_of(Chunks(sent), **given)
        LinqWebhookMiddleware(app, ["/hook"], receiver)(environ, lambda *_: None)
        length = given.get("CONTENT_LENGTH") or ""
        expected = sent[: int(length)] if length.isdigit() else sent
        assert b"".join(seen) == (expected if given and length not in {"ten", "-1"} else b"")
        assert any(s.name.startswith("process") for s in exporter.get_finished_spans()) == is_joined

    def test_can_be_read_again(self, receiver: WebhookReceiver) -> None:
        """The stream can be rewound, and read by lines."""
        environ = environ_of(Chunks(BODY), CONTENT_LENGTH=str(len(BODY)))
        LinqWebhookMiddleware(lambda *_: [b""], receiver=receiver)(environ, lambda *_: None)
        stream = environ["wsgi.input"]
        assert (stream.readline(), stream.seek(0), stream.read()) == (BODY, 0, BODY)

    @pytest.mark.parametrize("error", [ConnectionResetError(), LookupError("bad chunk")], ids=repr)
    @pytest.mark.parametrize(
        "given", [{"CONTENT_LENGTH": str(len(BODY))}, {"wsgi.input_terminated": True}], ids=str
    )
    def test_a_broken_body_is_the_app_s_to_see(
        self, receiver: WebhookReceiver, given: dict[str, Any], error: Exception
    ) -> None:
        """It reads what came, and then meets the server's own error, as often as it asks."""
        environ = environ_of(Chunks(BODY[:150], breaks=error), **given)
        LinqWebhookMiddleware(lambda *_: [b""], receiver=receiver)(environ, lambda *_: None)
        assert environ["wsgi.input"].read(150) == BODY[:150]
        for _ in range(2):
            with pytest.raises(type(error)) as caught:
                environ["wsgi.input"].read(1)
            assert caught.value is error

    def test_a_broken_body_is_refused_where_we_enforce(self, provider: TracerProvider) -> None:
        """Though all of a good one came before; servers have errors of their own for it."""
        receiver = WebhookReceiver(
            p.SECRET, clock=lambda: p.SIGNED_AT, enforce=True, tracer_provider=provider
        )
        stream = Chunks(BODY, breaks=LookupError("a bad chunk"))
        environ = environ_of(stream, **{"wsgi.input_terminated": True})
        answers: list[str] = []
        app = LinqWebhookMiddleware(lambda *_: [b"handled"], ["/hook"], receiver)
        assert app(environ, lambda status, _: answers.append(status)) == [b""]
        assert answers == ["400 Bad Request"]

    def test_a_stream_that_can_go_back_is_left_where_it_was(
        self, receiver: WebhookReceiver
    ) -> None:
        """Test clients read their own stream again for a redirect."""
        stream = io.BytesIO(b"head" + BODY + b"tail")
        stream.seek(4)
        environ = environ_of(stream, CONTENT_LENGTH=str(len(BODY)))
        LinqWebhookMiddleware(lambda *_: [b""], receiver=receiver)(environ, lambda *_: None)
        assert (stream.read(), environ["wsgi.input"].read()) == (BODY + b"tail", BODY)

    def test_no_more_is_asked_of_a_server_at_once_than_by_an_app(
        self, receiver: WebhookReceiver
    ) -> None:
        """Werkzeug's server gives as much as it is asked for, though less may have come."""
        stream = Chunks(b"x" * (LIMIT - 1))
        environ = environ_of(stream, **{"wsgi.input_terminated": True})
        unlimited = WebhookReceiver(tracer_provider=receiver.tracing.settings.tracer_provider)
        LinqWebhookMiddleware(lambda *_: [b""], receiver=unlimited)(environ, lambda *_: None)
        assert stream.most == io.DEFAULT_BUFFER_SIZE

    def test_what_is_no_delivery_keeps_its_stream(self, receiver: WebhookReceiver) -> None:
        """Other requests are not touched at all."""
        stream = Chunks(b"")
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": stream}
        kept = dict(environ)
        answer = [b"x"]
        app = LinqWebhookMiddleware(lambda *_: answer, receiver=receiver)
        assert app(environ, lambda *_: None) is answer
        assert environ == kept


class TestAnswers:
    def serve(self, receiver: WebhookReceiver, make: Any) -> Any:
        """
        Serve one delivery by what *make* makes.
        """
        environ = environ_of(io.BytesIO(BODY), CONTENT_LENGTH=str(len(BODY)))
        app = LinqWebhookMiddleware(lambda _, start: make(start), receiver=receiver)
        return app(environ, lambda *_: None)

    def test_every_piece_is_made_inside_the_span(
        self, receiver: WebhookReceiver, exporter: InMemorySpanExporter
    ) -> None:
        """The first at once, for a generator's code runs there; the rest as the server asks."""
        made: list[Answer] = []
        given = self.serve(
            receiver, lambda start: made.append(Answer(start, b"a", b"b")) or made[0]
        )
        assert (len(made[0].spans), exporter.get_finished_spans()[1:]) == (1, ())
        assert list(given) == [b"a", b"b"]
        (process,) = [s for s in exporter.get_finished_spans() if s.name.startswith("process")]
        assert made[0].spans == [process.context.span_id] * 3
        assert dict(process.attributes or {})["http.response.status_code"] == 200
        given.close()
        assert made[0].closed == 1

    def test_an_answer_that_fails_at_once_is_closed(self, receiver: WebhookReceiver) -> None:
        """The server never gets it, so it cannot close it."""
        made: list[Answer] = []
        error = LookupError("x")
        with pytest.raises(LookupError):
            self.serve(receiver, lambda s: made.append(Answer(s, error=error)) or made[0])
        assert made[0].closed == 1

    def test_an_empty_answer_stays_empty(self, receiver: WebhookReceiver) -> None:
        """There is no first piece to ask for."""
        assert list(self.serve(receiver, lambda start: iter(()))) == []

    @pytest.mark.parametrize(
        "answer", [[b"a"], (b"a",), FileWrapper(io.BytesIO(b"a"))], ids=["list", "tuple", "file"]
    )
    def test_lists_and_files_are_the_server_s(
        self, receiver: WebhookReceiver, answer: object
    ) -> None:
        """Servers count lists and send files by the kernel, so they get the very object."""
        assert self.serve(receiver, lambda start: answer) is answer

    def test_exceptions_reach_start_response(self, receiver: WebhookReceiver) -> None:
        """``exc_info`` and the ``write`` of old apps pass through."""
        calls: list[tuple[object, ...]] = []

        def start_response(*args: object) -> str:
            calls.append(args)
            return "write"

        def app(environ: dict[str, Any], start: Any) -> list[bytes]:
            assert start("500 Oh", [("a", "b")], ("info",)) == "write"
            return []

        environ = environ_of(io.BytesIO(BODY), CONTENT_LENGTH=str(len(BODY)))
        LinqWebhookMiddleware(app, receiver=receiver)(environ, start_response)
        assert calls == [("500 Oh", [("a", "b")], ("info",))]
