from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from linq_otel.errors import MalformedEventError, SignatureError
from linq_otel.webhooks import MAX_BODY, WebhookReceiver, _endpoint
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.webhook_apps import (
    BODY,
    GONE,
    SCOPE,
    Failing,
    Messages,
    Reader,
    Stalled,
    Wire,
    chunk,
    run,
)
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from starlette.requests import Request


class TestMessages:
    """
    The protocol itself, message by message.
    """

    @pytest.mark.parametrize(
        "messages",
        [
            [chunk(BODY, more=False), GONE],
            [chunk(BODY[:7], more=True), chunk(BODY[7:], more=False), GONE],
            [chunk(b"", more=True), chunk(BODY, more=True), chunk(b"", more=False), GONE],
            [{"type": "http.request"}, GONE],
            [{"type": "http.request", "body": BODY}, GONE],
            [chunk(BODY, more=True), GONE],
            [GONE],
            [
                chunk(b"x" * MAX_BODY, more=True),
                chunk(b"x", more=True),
                chunk(b"y", more=False),
                GONE,
            ],
        ],
    )
    def test_the_app_is_given_the_very_messages(self, desk: Desk, messages: Messages) -> None:
        """The same objects in the same order, and then whatever comes."""
        reader, wire = Reader(), Wire(*messages)
        run(LinqWebhookMiddleware(reader, receiver=desk.receiver), wire)
        assert [id(message) for message in reader.seen] == [id(message) for message in messages]

    def test_no_more_is_read_ahead_than_there_must_be(self, desk: Desk) -> None:
        """An app that reads nothing has read one body, and no message after it."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            return

        wire = Wire(chunk(BODY[:7], more=True), chunk(BODY[7:], more=False), GONE)
        run(LinqWebhookMiddleware(app, receiver=desk.receiver), wire)
        assert len(wire.given) == 2

    def test_reading_stops_at_the_limit(self, desk: Desk) -> None:
        """A body without end is not collected."""
        endless = [chunk(b"x" * 100_000, more=True) for _ in range(50)]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            return

        wire = Wire(*endless)
        run(LinqWebhookMiddleware(app, receiver=desk.receiver), wire)
        assert len(wire.given) == MAX_BODY // 100_000 + 1

    def test_an_app_meets_the_error_that_ended_the_body(self, desk: Desk) -> None:
        """It reads what came, and then the server raises, as it does without us."""
        reader, wire = Reader(), Failing(chunk(BODY, more=True))
        with pytest.raises(LookupError):
            run(LinqWebhookMiddleware(reader, receiver=desk.receiver), wire)
        assert (reader.seen, desk.spans) == ([chunk(BODY, more=True)], ())

    def test_an_app_that_answers_before_the_body_is_there(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The body is not waited for without end, and what came of it is the app's."""
        monkeypatch.setitem(_endpoint._PATIENCE, "open", 0.05)
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(await receive())
            await send({"type": "http.response.start", "status": 403, "headers": []})

        wire = Stalled(chunk(BODY[:7], more=True))
        run(LinqWebhookMiddleware(app, receiver=desk.receiver), wire)
        assert (seen, wire.sent[0]["status"]) == ([chunk(BODY[:7], more=True)], 403)

    @pytest.mark.parametrize("missing", ["method", "headers", "path"])
    @pytest.mark.parametrize("paths", [(), ("/hook",)], ids=["headers tell", "paths"])
    def test_a_scope_that_lacks_a_key_is_the_app_s(
        self, desk: Desk, missing: str, paths: tuple[str, ...]
    ) -> None:
        """Tests of apps leave out what they do not need."""
        scope = {name: value for name, value in SCOPE.items() if name != missing}
        reader, wire = Reader(), Wire(chunk(BODY, more=False), GONE)
        run(LinqWebhookMiddleware(reader, paths, desk.receiver), wire, scope)
        assert reader.seen == [chunk(BODY, more=False), GONE]

    @pytest.mark.parametrize("length", [len(BODY), None], ids=["declared", "chunked"])
    @pytest.mark.parametrize(
        ("of_route", "status", "spans"), [(None, 413, 1), (10_000, 200, 1), (20, 413, 1)]
    )
    @pytest.mark.skipif(
        "max_body_size" not in inspect.signature(Starlette.__init__).parameters,
        reason="Starlette 1.4 and later have a limit",
    )
    def test_starlette_s_limits_are_those_of_the_route(
        self, desk: Desk, length: int | None, of_route: int | None, status: int, spans: int
    ) -> None:
        """A body is read ahead before the route is found, whose limit may be wider."""

        async def hook(request: Request) -> Response:
            return Response(await request.body())

        limits: Any = {} if of_route is None else {"max_body_size": of_route}
        app = Starlette(
            routes=[Route("/hook", hook, methods=["POST"], **limits)],
            middleware=[Middleware(LinqWebhookMiddleware, receiver=desk.receiver)],
            max_body_size=50,
        )
        declared = [] if length is None else [(b"content-length", b"%d" % length)]
        wire = Wire(chunk(BODY[:30], more=True), chunk(BODY[30:], more=False), GONE)
        run(app, wire, {**SCOPE, "headers": [*SCOPE["headers"], *declared]})
        assert wire.sent[0]["status"] == status
        assert len(desk.named("process message.delivered")) == spans

    @pytest.mark.parametrize("body", [BODY, b"{}", b"x"])
    def test_the_answer_goes_out_as_the_app_sent_it(self, desk: Desk, body: bytes) -> None:
        """The same objects: headers are neither added nor put in order."""
        answer: Messages = [
            {
                "type": "http.response.start",
                "status": 204,
                "headers": [(b"X-Routing-Token", b"r"), (b"x-b", b"1"), (b"x-b", b"2")],
                "trailers": True,
            },
            {"type": "http.response.body", "body": b"", "more_body": True},
            {"type": "http.response.body", "body": b"end"},
            {"type": "http.response.trailers", "headers": []},
        ]
        kept = [dict(message) for message in answer]
        wire = Wire(chunk(body, more=False), GONE)
        run(LinqWebhookMiddleware(Reader(answer), receiver=desk.receiver), wire)
        assert [id(message) for message in wire.sent] == [id(message) for message in answer]
        assert wire.sent == kept

    @pytest.mark.parametrize(
        ("scope", "paths"),
        [
            ({**SCOPE, "method": "GET"}, ()),
            ({**SCOPE, "method": "PUT"}, ("/hook",)),
            ({**SCOPE, "headers": []}, ()),
            ({**SCOPE, "headers": [(b"webhook-id", b"x")]}, ()),
            (SCOPE, ("/other",)),
            (SCOPE, ("/hook/",)),
            ({"type": "websocket", "path": "/hook", "headers": SCOPE["headers"]}, ("/hook",)),
            ({"type": "lifespan"}, ()),
            ({"type": "lifespan"}, ("/hook",)),
        ],
    )
    def test_what_is_no_delivery_is_passed_on(
        self, desk: Desk, scope: dict[str, Any], paths: tuple[str, ...]
    ) -> None:
        """The app is called with the server's own objects, and nothing is read."""
        called: list[Any] = []

        async def app(*args: Any) -> None:
            called.extend(args)

        wire = Wire(chunk(BODY, more=False))
        receive, send = wire.receive, wire.send
        asyncio.run(LinqWebhookMiddleware(app, paths, desk.receiver)(scope, receive, send))
        assert called[0] is scope
        assert (called[1:], wire.given, desk.spans) == ([receive, send], [], ())

    @pytest.mark.parametrize(
        ("headers", "paths"),
        [
            ([], ("/hook",)),
            ([(b"x-webhook-event", b"a")], ()),
            ([(b"Webhook-Id", b"a"), (b"Webhook-Signature", b"b")], ()),
        ],
    )
    def test_paths_or_headers_say_what_is_one(
        self, desk: Desk, headers: list[tuple[bytes, bytes]], paths: tuple[str, ...]
    ) -> None:
        """With paths, each POST to one; without, each POST with Linq's headers."""
        wire = Wire(chunk(BODY, more=False), GONE)
        scope = {**SCOPE, "headers": headers}
        run(LinqWebhookMiddleware(Reader(), paths, desk.receiver), wire, scope)
        assert len(desk.named("process message.delivered")) == 1

    def test_an_app_that_answers_by_no_rule_is_left_alone(self, desk: Desk) -> None:
        """A status that is no number is not our business."""
        answer: Messages = [{"type": "http.response.start", "status": 200, "headers": []}]
        wire = Wire(chunk(BODY, more=False), GONE)
        run(LinqWebhookMiddleware(Reader(answer), receiver=desk.receiver), wire)
        assert wire.sent == answer

    @pytest.mark.parametrize("error", [SignatureError("app", "x"), MalformedEventError("app", "x")])
    def test_our_own_error_raised_by_the_app_passes_through(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, error: Exception
    ) -> None:
        """Even where we enforce, an error out of the app is the app's, and no answer of ours."""
        strict = Desk(provider, exporter, secret=p.SECRET, enforce=True)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise error

        wire = Wire(chunk(BODY, more=False), GONE)
        with pytest.raises(type(error)) as caught:
            run(LinqWebhookMiddleware(app, ["/hook"], strict.receiver), wire)
        assert (caught.value is error, wire.sent) == (True, [])

    def test_a_cancelled_request_is_no_error(self, desk: Desk) -> None:
        """Servers cancel what nobody waits for any more."""
        started = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            started.set()
            await asyncio.sleep(10)

        async def cancel() -> None:
            wire = Wire(chunk(BODY, more=False), GONE)
            middleware = LinqWebhookMiddleware(app, receiver=desk.receiver)
            task = asyncio.create_task(middleware(SCOPE, wire.receive, wire.send))
            await started.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()

        asyncio.run(cancel())
        span = desk.one("process message.delivered")
        assert (span["status"], "error.type" in span["attributes"]) == ("UNSET", False)


@pytest.fixture
def strict(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """
    Return a process that lets nothing unverified in.
    """
    return Desk(provider, exporter, secret=p.SECRET, enforce=True)


class TestDefaults:
    def test_without_arguments_it_takes_what_the_process_has(self) -> None:
        """Nothing is set up, and the app is served."""
        reader, wire = Reader(), Wire(chunk(BODY, more=False), GONE)
        run(LinqWebhookMiddleware(reader), wire)
        assert reader.seen == [chunk(BODY, more=False), GONE]

    def test_it_has_a_receiver_of_its_own(self) -> None:
        """Which verifies nothing and enforces nothing."""
        middleware = LinqWebhookMiddleware(Reader())
        assert isinstance(middleware._endpoint._receiver, WebhookReceiver)
        assert middleware._endpoint._receiver.enforce is False
