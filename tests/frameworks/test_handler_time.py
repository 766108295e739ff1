"""
When a handler ends: as its answer is sent, however that is made; and what runs in its context.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from fastapi import BackgroundTasks, FastAPI, Request
from flask import Flask, after_this_request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from linq_otel._deliveries import current_event
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.aiohttp import linq_webhook_middleware
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from linq_otel.webhooks.wsgi import LinqWebhookMiddleware as WsgiMiddleware
from support import payloads as p
from support.web_hosts import HOSTS, SERVERS, over_sockets, serve_aiohttp, serve_asgi, serve_wsgi


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from tests.frameworks.conftest import Site


BODY = p.body_of("message.delivered")
PROCESS = "process message.delivered"


def signed() -> list[tuple[str, str]]:
    return list(p.headers_of(BODY, signed_at=int(time.time())).items())


class Work:
    """
    What an app does beside its answer, each time in a span of its own.
    """

    def __init__(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        self.tracer = provider.get_tracer("app")
        self.exporter = exporter
        self.runs: list[tuple[str, str | None, bool]] = []
        self.fails_in = ""

    def __call__(self, name: str) -> bytes:
        """
        Do some of it: note its event, and whether the handler's span has ended.
        """
        event = current_event()
        has_ended = any(span.name == PROCESS for span in self.exporter.get_finished_spans())
        with self.tracer.start_as_current_span(name):
            self.runs.append((name, event and event.event_type, has_ended))
        if name == self.fails_in:
            raise LookupError(name)
        return name.encode()

    def inside(self) -> list[str]:
        """
        Return the names of what hangs under the one handler's span, in order of their ends.
        """
        process = self.process()
        assert process.context is not None
        return [
            span.name
            for span in self.exporter.get_finished_spans()
            if span.parent is not None and span.parent.span_id == process.context.span_id
        ]

    def process(self) -> ReadableSpan:
        """
        Return the handler's span, which may end after the answer has arrived.
        """
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for span in self.exporter.get_finished_spans():
                if span.name == PROCESS:
                    return span
            time.sleep(0.005)
        raise AssertionError("the handler's span has not ended")


@pytest.fixture
def work(provider: TracerProvider, exporter: InMemorySpanExporter) -> Work:
    """
    Return what the app does.
    """
    return Work(provider, exporter)


@pytest.fixture(params=[False, True], ids=["added", "zero code"])
def put_in(
    request: pytest.FixtureRequest, provider: TracerProvider
) -> Iterator[Callable[..., WebhookReceiver | None]]:
    """
    Yield what gives an adapter its receiver, or instruments the framework and gives None.
    """
    shared: dict[str, Any] = {"tracer_provider": provider, "store": MemoryStore()}

    def put(**options: Any) -> WebhookReceiver | None:
        if not request.param:
            return WebhookReceiver(p.SECRET, **options, **shared)
        LinqWebhooksInstrumentor().instrument(webhook_secret=p.SECRET, **options, **shared)
        return None

    yield put
    if request.param:
        LinqWebhooksInstrumentor().uninstrument()


def fastapi_app(work: Work) -> Any:
    app = FastAPI()

    @app.post("/hook", status_code=202)
    async def hook(tasks: BackgroundTasks) -> str:
        work("handler")
        tasks.add_task(work, "task")
        return "ok"

    return app


def starlette_app(work: Work, *middleware: Middleware) -> Any:
    async def hook(request: Request) -> PlainTextResponse:
        work("handler")
        return PlainTextResponse("ok", 202, background=BackgroundTask(work, "task"))

    return Starlette(routes=[Route("/hook", hook, methods=["POST"])], middleware=middleware)


async def _pass(request: Request, call_next: Any) -> Any:
    return await call_next(request)


def layered_app(work: Work) -> Any:
    return starlette_app(work, Middleware(BaseHTTPMiddleware, dispatch=_pass))


BUILDS = [fastapi_app, starlette_app]
if "more_body" in inspect.getsource(BaseHTTPMiddleware):
    # That of old versions keeps the end of an answer until all tasks are done.
    BUILDS.append(layered_app)


class TestBackgroundTasks:
    @pytest.mark.parametrize("build", BUILDS)
    def test_run_in_the_handler_s_context_after_its_end(
        self, work: Work, put_in: Any, build: Any
    ) -> None:
        """The span ends with the answer, and a task that fails after a 202 fails alone."""
        work.fails_in = "task"
        receiver, app = put_in(duplicates="answer"), build(work)
        if receiver is not None:
            app = LinqWebhookMiddleware(app, receiver=receiver)
        with over_sockets(), serve_asgi(app) as post:
            assert [post("/hook", BODY, signed()).status for _ in range(2)] == [202, 200]
        process = work.process()
        assert work.runs == [
            ("handler", "message.delivered", False),
            ("task", "message.delivered", True),
        ]
        assert work.inside() == ["handler", "task"]
        assert (process.status.status_code.name, process.events) == ("UNSET", ())
        attributes = process.attributes or {}
        assert attributes["http.response.status_code"] == 202
        assert "error.type" not in attributes

    @pytest.mark.parametrize(
        ("start", "last"),
        [
            ({}, {"type": "http.response.body", "body": b"x"}),
            ({}, {"type": "http.response.pathsend", "path": "/x"}),
            ({"trailers": True}, {"type": "http.response.trailers", "headers": []}),
        ],
        ids=["body", "file", "trailers"],
    )
    @pytest.mark.anyio
    def test_whatever_message_ends_the_answer(
        self, work: Work, provider: TracerProvider, start: Any, last: Any
    ) -> None:
        """The messages before it do not, and each is passed on as it is."""
        sent: list[Any] = []
        pieces = [
            {"type": "http.response.start", "status": 200, "headers": [], **start},
            {"type": "http.response.body", "body": b"a", "more_body": "trailers" not in start},
        ]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            for message in (*pieces, last):
                await send(message)
                work(message["type"].rpartition(".")[2])

        async def receive() -> Any:
            return {"type": "http.request", "body": BODY}

        async def send(message: Any) -> None:
            sent.append(message)

        receiver = WebhookReceiver(p.SECRET, tracer_provider=provider, store=MemoryStore())
        headers = [(name.lower().encode(), value.encode()) for name, value in signed()]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
        asyncio.run(LinqWebhookMiddleware(app, receiver=receiver)(scope, receive, send))
        assert [has_ended for _, _, has_ended in work.runs] == [False, False, True]
        assert sent == [*pieces, last]


# The answers of a Lambda are whole.
STREAMING = [
    *((name, False) for name in HOSTS if not name.startswith("lambda")),
    *((name, True) for name in SERVERS),
]


@pytest.mark.parametrize("site", STREAMING, ids=str, indirect=True)
class TestStreams:
    def test_are_made_inside_the_handler_s_span(self, site: Site, work: Work) -> None:
        """Each piece has the handler's context, and its span lasts until the last one."""
        site.seen.make = lambda number: work(f"{number}")  # type: ignore[method-assign]
        with site.open() as post:
            assert post("/stream", BODY, signed()).body == b"012"
        assert work.inside() == ["0", "1", "2"]
        assert work.runs == [(name, "message.delivered", False) for name in "012"]
        assert (work.process().attributes or {})["http.response.status_code"] == 200
        assert site.desk.one(PROCESS)["status"] == "UNSET"

    def test_one_that_breaks_off_is_a_failure(self, site: Site, work: Work) -> None:
        """Linq delivers again, and the handler runs again; then the event is done with."""
        site.seen.make = lambda number: work(f"{number}")  # type: ignore[method-assign]
        work.fails_in = "1"
        with site.open(duplicates="answer") as post:
            try:
                post("/stream", BODY, signed())
            except HTTPException:
                assert site.name == "aiohttp"
            process = work.process()
            work.fails_in = ""
            assert post("/stream", BODY, signed()).body == b"012"
            assert post("/stream", BODY, signed()).body == b""
        # Old versions of Starlette stream in a task group.
        error_type = str((process.attributes or {})["error.type"])
        assert error_type.endswith(("LookupError", "ExceptionGroup"))
        assert process.status.status_code.name == "ERROR"
        assert [name for name, _, _ in work.runs] == ["0", "1", "0", "1", "2"]
        assert site.seen.bodies == [BODY] * 2


class TestFlask:
    def test_what_it_does_after_a_view(self, work: Work, put_in: Any) -> None:
        """``after_this_request`` makes the answer; ``call_on_close`` comes after it."""
        app: Any = Flask("app")

        @app.post("/hook")
        def hook() -> Any:
            @after_this_request
            def change(response: Any) -> Any:
                work("after")
                return response

            response = app.response_class("ok", 202)
            response.call_on_close(lambda: work("close"))
            return response

        receiver = put_in()
        if receiver is not None:
            app.wsgi_app = WsgiMiddleware(app.wsgi_app, receiver=receiver)
        with over_sockets(), serve_wsgi(app) as post:
            assert post("/hook", BODY, signed()).status == 202
            work.process()
        assert work.runs == [
            ("after", "message.delivered", False),
            ("close", "message.delivered", True),
        ]
        assert work.inside() == ["after", "close"]


class TestAiohttp:
    def test_a_body_that_is_made_while_it_is_sent(self, work: Work, put_in: Any) -> None:
        """A generator given as the body of a response is asked once the handler has returned."""

        async def pieces() -> Any:
            for name in "012":
                yield work(name)

        async def hook(request: web.Request) -> web.Response:
            return web.Response(body=pieces(), status=202)

        receiver = put_in()
        app = web.Application(
            middlewares=[linq_webhook_middleware((), receiver)] if receiver else []
        )
        app.add_routes([web.post("/hook", hook)])
        with serve_aiohttp(app) as post:
            reply = post("/hook", BODY, signed())
        assert (reply.status, reply.body) == (202, b"012")
        assert work.inside() == ["0", "1", "2"]
        assert work.runs == [(name, "message.delivered", False) for name in "012"]
