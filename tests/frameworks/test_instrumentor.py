"""
The zero-code door: how it is configured, what it leaves alone, and how it is taken out.
"""

from __future__ import annotations

import asyncio
import io
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import aiohttp.web_app
import flask
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from django.core.handlers.base import BaseHandler
from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import create_environ

from linq_otel import instrument, uninstrument
from linq_otel._runtime import configure_tracing, get_tracing
from linq_otel.errors import ConfigurationError
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver, _endpoint
from linq_otel.webhooks import instrumentor as door
from linq_otel.webhooks._frameworks import flask as seam
from linq_otel.webhooks._options import WebhookSettings
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support import payloads as p
from support import web_apps
from support.web_apps import Seen
from support.web_hosts import SERVERS, Ours, serve_aiohttp, serve_asgi, serve_wsgi


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


BODY = p.body_of("message.delivered")
PATCHED: list[tuple[Any, str]] = [
    (ExceptionMiddleware, "__call__"),
    (flask.Flask, "full_dispatch_request"),
    (flask.Flask, "dispatch_request"),
    (BaseHandler, "_get_response"),
    (BaseHandler, "_get_response_async"),
    (aiohttp.web_urldispatcher.UrlDispatcher, "resolve"),
    (aiohttp.web_urldispatcher.UrlMappingMatchInfo, "handler"),
]


def signed() -> list[tuple[str, str]]:
    return list(p.headers_of(BODY, signed_at=int(time.time())).items())


@contextmanager
def instrumented(**options: Any) -> Iterator[None]:
    instrumentor = LinqWebhooksInstrumentor()
    instrumentor.instrument(**options)
    try:
        yield
    finally:
        instrumentor.uninstrument()


def processes(exporter: InMemorySpanExporter) -> list[str]:
    return [s.name for s in exporter.get_finished_spans() if s.name.startswith("process")]


class TestPatches:
    def test_uninstrument_gives_the_originals_back(self) -> None:
        """Every name is the very function it was."""
        before = [vars(owner)[name] for owner, name in PATCHED]
        with instrumented():
            changed = [vars(owner)[name] for owner, name in PATCHED]
        assert all(a is not b for a, b in zip(before, changed, strict=True))
        assert [vars(owner)[name] for owner, name in PATCHED] == before

    @pytest.mark.parametrize(("owner", "name"), PATCHED)
    def test_a_name_that_is_gone_is_passed_over(
        self,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        owner: Any,
        name: str,
    ) -> None:
        """It is reported, and the others are patched all the same."""
        monkeypatch.delattr(owner, name)
        others = [pair for pair in PATCHED if pair != (owner, name)]
        before = [vars(o)[n] for o, n in others]
        with instrumented():
            changed = [vars(o)[n] for o, n in others]
        assert all(a is not b for a, b in zip(before, changed, strict=True))
        assert f"the web framework has no {owner.__name__}.{name} (logged once)" in [
            record.getMessage() for record in caplog.records
        ]

    @pytest.mark.parametrize("module", ["starlette", "flask", "django", "aiohttp"])
    @pytest.mark.usefixtures("forgiving")
    def test_a_framework_of_another_shape_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, module: str
    ) -> None:
        """Whatever a seam meets while it is put in, the app goes on."""

        def broken(*_args: object) -> None:
            raise ImportError

        monkeypatch.setattr(door, "_install", broken)
        with instrumented():
            pass

    @pytest.mark.parametrize("name", SERVERS)
    def test_an_app_that_goes_on_after_uninstrument(
        self, name: str, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """An app that was built meanwhile is served without us."""
        options = {"tracer_provider": provider, "store": MemoryStore()}
        instrumentor = LinqWebhooksInstrumentor()
        instrumentor.instrument(**options)
        seen = Seen()
        with SERVERS[name](seen, None) as post:
            first = post("/hook", BODY, signed())
            instrumentor.uninstrument()
            second = post("/hook", BODY, signed())
        assert (first, seen.bodies) == (second, [BODY, BODY])
        assert processes(exporter) == ["process message.delivered"]


class TestAiohttp:
    @pytest.mark.parametrize("kind", ["function", "class", "method", "middlewares", "sub-app"])
    def test_the_app_is_left_as_it_is(
        self, kind: str, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Its middlewares are its own, before and after it has begun to serve."""
        seen: list[Any] = []

        async def take(request: aiohttp.web.Request) -> aiohttp.web.Response:
            seen.append((await request.read(), request.match_info.handler))
            return aiohttp.web.Response(status=202)

        class View(aiohttp.web.View):
            async def post(self) -> aiohttp.web.Response:
                return await take(self.request)

        class Views:
            async def take(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
                return await take(request)

        @aiohttp.web.middleware
        async def own(request: Any, handler: Any) -> Any:
            assert handler.__name__ == "take"
            return await handler(request)

        views = Views()
        handler: Any = {"class": View, "method": views.take}.get(kind, take)
        app = inner = aiohttp.web.Application(middlewares=[own] if kind == "middlewares" else [])
        prefix = ""
        if kind == "sub-app":
            inner, prefix = aiohttp.web.Application(), "/inner"
        inner.router.add_route("*", "/hook", handler)
        if inner is not app:
            app.add_subapp(prefix, inner)
        before = list(app.middlewares)
        with serve_aiohttp(app) as post:
            # It serves already.
            assert post(f"{prefix}/hook", BODY, signed()).status == 202
            with instrumented(
                tracer_provider=provider, webhook_secret=p.SECRET, enforce=True, paths=["/hook"]
            ):
                statuses = [post(f"{prefix}/hook", BODY, signed()).status for _ in range(2)]
                forged = post(f"{prefix}/hook", b"{}", signed()).status
                assert list(app.middlewares) == before
                assert app._run_middlewares == (kind == "middlewares")
        assert (statuses, forged) == ([202, 202], 401)
        assert seen == [(BODY, handler)] * 3
        assert processes(exporter) == ["process message.delivered"] * 2

    def test_a_route_that_is_looked_up(self) -> None:
        """It has the app's own handler, for it serves no request."""

        async def take(_request: Any) -> Any:
            raise AssertionError

        app = aiohttp.web.Application()
        app.router.add_post("/hook", take)
        request = make_mocked_request("POST", "/hook")
        with instrumented():
            assert asyncio.run(app.router.resolve(request)).handler is take


class TestUnguarded:
    @pytest.mark.parametrize(("owner", "name"), PATCHED)
    def test_a_name_that_is_gone(
        self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
    ) -> None:
        """Where `enforce` cannot guard a framework that is there, the app does not start."""
        others = [pair for pair in PATCHED if pair != (owner, name)]
        before = [vars(o)[n] for o, n in others]
        with monkeypatch.context() as gone:
            gone.delattr(owner, name)
            with pytest.raises(ConfigurationError, match="enforce cannot guard this version of"):
                instrument(enforce=True, paths=["/hook"], webhook_secret=p.SECRET)
        assert [vars(o)[n] for o, n in others] == before
        assert not LinqWebhooksInstrumentor().is_instrumented_by_opentelemetry
        uninstrument()


class TestOnce:
    @pytest.mark.parametrize("name", SERVERS)
    def test_our_own_middleware_is_not_repeated(
        self, name: str, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """An app that adds it, and is instrumented too, has one span, which is no duplicate."""
        options: Any = {"tracer_provider": provider, "store": MemoryStore()}
        receiver = WebhookReceiver(p.SECRET, duplicates="answer", **options)
        seen = Seen()
        with (
            instrumented(duplicates="answer", webhook_secret=p.SECRET, **options),
            SERVERS[name](seen, Ours(receiver)) as post,
        ):
            replies = [post("/hook", BODY, signed()).status for _ in range(2)]
        assert (replies, seen.bodies) == ([202, 200], [BODY])
        spans = [s for s in exporter.get_finished_spans() if s.name.startswith("process")]
        marks = [dict(s.attributes or {}).get("linq.webhook.duplicate") for s in spans]
        assert marks == [None, True]

    def test_a_receiver_inside_judges_for_itself(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Its secret is the app's own, and the span is the one that is there."""
        options: Any = {"tracer_provider": provider, "store": MemoryStore()}
        outer = WebhookReceiver(**options)
        good = WebhookReceiver(p.SECRET, clock=lambda: p.SIGNED_AT, **options)
        bad = WebhookReceiver(p.OTHER_SECRET, clock=lambda: p.SIGNED_AT, **options)
        headers = p.headers_of(BODY)
        with outer.process(headers, BODY), good.process(headers, BODY) as event:
            assert event is not None
            assert event.verified is True
            with bad.process(headers, BODY) as forged:
                assert forged is None

            async def inner() -> bool:
                async with good.aprocess(headers, BODY) as same:
                    return same is not None

            assert asyncio.run(inner())
        assert processes(exporter) == ["process message.delivered"]

    def test_work_that_outlives_its_handler_is_its_own(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """A task keeps the handler's context, but what it receives later is a delivery again."""
        receiver = WebhookReceiver(tracer_provider=provider, store=MemoryStore())

        async def later(gate: asyncio.Event) -> None:
            await gate.wait()
            async with receiver.aprocess({}, BODY):
                pass

        async def run() -> None:
            gate = asyncio.Event()
            async with receiver.aprocess({}, BODY):
                task = asyncio.create_task(later(gate))
            gate.set()
            await task

        asyncio.run(run())
        assert processes(exporter) == ["process message.delivered"] * 2


class TestOptions:
    def test_the_environment_is_read(self) -> None:
        """Each option has a variable."""
        environ = {
            "OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "/a, /b",
            "OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES": "answer",
            "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE": "TRUE",
            "OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY": "500",
        }
        assert WebhookSettings.read({}, environ) == WebhookSettings(
            paths=("/a", "/b"), enforce=True, duplicates="answer", max_body=500
        )
        given = {"paths": ["/c"], "enforce": False, "duplicates": "mark", "max_body": 9}
        assert WebhookSettings.read(given, environ) == WebhookSettings(paths=("/c",), max_body=9)

    def test_a_wrong_variable_is_passed_over(self, caplog: pytest.LogCaptureFixture) -> None:
        """The app must start."""
        environ = {
            "OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "a",
            "OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES": "drop",
            "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE": "very",
            "OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY": "-1",
        }
        assert WebhookSettings.read({}, environ) == WebhookSettings()
        assert len(caplog.records) == 4

    def test_a_variable_that_cannot_guard_is_an_error(self) -> None:
        """An app that believes itself guarded must not start."""
        environ = {"OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE": "true"}
        with pytest.raises(ConfigurationError, match="OTEL_PYTHON_LINQ_WEBHOOK_PATHS"):
            WebhookSettings.read({}, environ)

    @pytest.mark.parametrize(
        "given",
        [{"paths": "a"}, {"enforce": "yes", "paths": "/a"}, {"enforce": True},
         {"duplicates": "drop"}, {"max_body": 0}, {"max_body": True}, {"nonsense": 1}],
        ids=str,
    )  # fmt: skip
    def test_a_wrong_keyword_is_an_error(self, given: Any) -> None:
        """Somebody typed it here."""
        with pytest.raises(ConfigurationError):
            LinqWebhooksInstrumentor().instrument(**given)
        LinqWebhooksInstrumentor()._is_instrumented_by_opentelemetry = False

    def test_what_was_configured_first_is_kept(self, caplog: pytest.LogCaptureFixture) -> None:
        """A sender and a receiver share one store."""
        store = MemoryStore()
        configure_tracing({"store": store})
        with instrumented(store=MemoryStore(), join="app"):
            assert get_tracing().origins.store is store
        assert get_tracing().origins.store is store
        assert "configured already: join, store passed over (logged once)" in caplog.text

    def test_its_own_are_forgotten_with_it(self) -> None:
        """Where nobody else had configured the process."""
        store = MemoryStore()
        with instrumented(store=store):
            assert get_tracing().origins.store is store
        assert get_tracing().origins.store is not store


class TestEnforcing:
    @pytest.mark.parametrize("secret", ["", " ", "changeme"])
    def test_the_environment_alone_without_a_secret(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, secret: str
    ) -> None:
        """The app starts, as no code can be told; nothing is let in, and a line says why."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", secret)
        monkeypatch.setenv("OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE", "true")
        monkeypatch.setenv("OTEL_PYTHON_LINQ_WEBHOOK_PATHS", "/hook")
        seen = Seen()
        with instrumented(), SERVERS["flask"](seen, None) as post:
            assert [post("/hook", BODY, signed()).status, seen.bodies] == [401, []]
        fault = (
            "must be 'whsec_' and base64: it does not begin with whsec_"
            if secret.strip()
            else "enforce needs a secret to check signatures with"
        )
        assert fault in caplog.text
        with pytest.raises(ConfigurationError, match=fault):
            instrument()

    @pytest.mark.parametrize("error", [LookupError("a bad chunk"), OSError()], ids=repr)
    @pytest.mark.parametrize("name", ["flask", "django wsgi"])
    def test_a_body_that_the_server_cannot_read(
        self, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
    ) -> None:
        """Refused, by any error of the server; without `enforce` the app meets that error."""
        given: list[Any] = []

        class Broken(io.BytesIO):
            def read(self, *_: Any) -> bytes:
                raise error

        def call(app: Any) -> str:
            environ = {
                **create_environ("/hook", method="POST", headers=signed()),
                "wsgi.input": Broken(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "9",
            }  # fmt: skip
            answers: list[str] = []
            list(app(environ, lambda status, *_: answers.append(status)))
            return answers[0]

        class Noting(Seen):
            def note(self, body: bytes) -> str:
                given.append(body)
                return ""

        def build() -> Any:
            if name == "flask":
                return web_apps.flask_app(Noting())
            web_apps.configure_django(Noting())
            return get_wsgi_application()

        bare = [(build(), instrumented()), (build(), nullcontext())]
        answers = []
        for app, context in bare:
            with context:
                answers.append(call(app))
        assert answers[0] == answers[1]
        with instrumented(enforce=True, paths=["/hook"], webhook_secret=p.SECRET):
            assert call(build()).startswith("400 ")
        assert given == []

    @pytest.mark.usefixtures("forgiving")
    def test_a_failure_of_ours_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where we enforce, a request that we could not look at does not pass."""

        def fail(*_: object) -> None:
            raise LookupError

        monkeypatch.setattr(seam, "find_headers", fail)
        seen = Seen()
        with (
            instrumented(enforce=True, paths=["/hook"], webhook_secret=p.SECRET),
            SERVERS["flask"](seen, None) as post,
        ):
            assert (post("/hook", BODY, signed()).status, seen.bodies) == (400, [])
        with instrumented(), SERVERS["flask"](seen, None) as post:
            assert (post("/hook", BODY, signed()).status, seen.bodies) == (202, [BODY])

    def test_an_app_that_is_mounted(self) -> None:
        """Its paths are those it has itself, and those a client sees."""
        seen = Seen()
        whole = Starlette(routes=[Mount("/sub", app=web_apps.starlette_app(seen))])
        outer, inner = web.Application(), web_apps.aiohttp_app(seen)
        outer.add_subapp("/sub", inner)
        wsgi = DispatcherMiddleware(web_apps.flask_app(seen), {"/sub": web_apps.flask_app(seen)})
        for path in ("/hook", "/sub/hook"):
            with instrumented(enforce=True, paths=[path], webhook_secret=p.SECRET):
                for server in (serve_asgi(whole), serve_aiohttp(outer), serve_wsgi(wsgi)):
                    with server as post:
                        assert post("/sub/hook", BODY, []).status == 401
                outer, inner = web.Application(), web_apps.aiohttp_app(seen)
                outer.add_subapp("/sub", inner)
        assert seen.bodies == []

    def test_a_body_that_a_middleware_has_read(self) -> None:
        """Aiohttp gives its handler the same bytes, so they are what is verified."""
        seen = Seen()

        @web.middleware
        async def read(request: web.Request, handler: Any) -> web.StreamResponse:
            await request.read()
            return await handler(request)

        with (
            instrumented(enforce=True, paths=["/hook"], webhook_secret=p.SECRET),
            serve_aiohttp(web_apps.aiohttp_app(seen, middlewares=[read])) as post,
        ):
            statuses = [post("/hook", BODY, headers).status for headers in ([], signed())]
        assert (statuses, seen.bodies) == ([401, 202], [BODY])

    def test_a_body_that_does_not_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Aiohttp's handler is not kept waiting; one that is guarded is not run."""
        monkeypatch.setattr(_endpoint, "_PATIENCE", {"guarded": 0.05, "open": 0.05})

        async def hook(_request: web.Request) -> web.Response:
            return web.Response(status=203)

        async def ask(enforce: bool) -> bytes:  # noqa: FBT001  # A table of two.
            app = web.Application()
            app.router.add_post("/hook", hook)
            runner = web.AppRunner(app, lingering_time=0)
            with instrumented(enforce=enforce, paths=["/hook"], webhook_secret=p.SECRET):
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                reader, writer = await asyncio.open_connection(*runner.addresses[0])
                writer.write(b"POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
                answer = await asyncio.wait_for(reader.readline(), 5)
                writer.close()
                await runner.cleanup()
                return answer.split()[1]

        assert [asyncio.run(ask(enforce)) for enforce in (False, True)] == [b"203", b"400"]


class TestRedirects:
    def test_flask_s_client_sends_the_body_again(self) -> None:
        """It reads its own stream once more, from where it was."""
        seen = Seen()
        app = web_apps.flask_app(seen)
        app.add_url_rule("/old", view_func=lambda: flask.redirect("/hook", 307), methods=["POST"])
        with instrumented():
            client = app.test_client()
            answer = client.post("/old", data=BODY, headers=signed(), follow_redirects=True)
        assert (answer.status_code, seen.bodies) == (202, [BODY])

    def test_who_is_sent_elsewhere_was_not_answered(self, provider: TracerProvider) -> None:
        """With `duplicates="answer"` the second request runs the handler."""
        options: Any = {"tracer_provider": provider, "store": MemoryStore()}
        seen = Seen()
        app = web_apps.flask_app(seen)
        app.add_url_rule("/old", view_func=lambda: flask.redirect("/hook", 307), methods=["POST"])
        with (
            instrumented(duplicates="answer", webhook_secret=p.SECRET, **options),
            serve_wsgi(app) as post,
        ):
            statuses = [post(path, BODY, signed()).status for path in ("/old", "/hook", "/hook")]
        assert (statuses, seen.bodies) == ([307, 202, 200], [BODY])


class TestPathsAlone:
    @pytest.mark.parametrize("name", SERVERS)
    def test_other_paths_are_untouched(
        self, name: str, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Where paths are given, headers alone make no delivery; and on them none are needed."""
        options: Any = {"tracer_provider": provider, "store": MemoryStore()}
        with instrumented(paths="/hook", **options), SERVERS[name](Seen(), None) as post:
            post("/stream", BODY, signed())
            assert processes(exporter) == []
            post("/hook", BODY)
        assert processes(exporter) == ["process message.delivered"]
