"""
The frameworks, each with our adapter in it or without, called in process or behind real servers.

In process by default: a request is then a function call. `over_sockets` puts real servers on
loopback between, which proves the same of a wire.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import httpx
from aiohttp import web
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from linq_otel.webhooks import asgi, wsgi
from linq_otel.webhooks.aiohttp import linq_webhook_middleware
from linq_otel.webhooks.aws_lambda import linq_webhook
from support import web_apps
from support.asgi_servers import Reply, open_stage


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from linq_otel.webhooks import WebhookReceiver
    from support.web_apps import Seen

    Post = Callable[..., Reply]

VARIES = {"date", "server"}
BASE_URL = "http://127.0.0.1"
# What a server adds to a 500 is its own; that there is one is what matters.
DJANGO = "linq_otel.webhooks.django.LinqWebhookMiddleware"


@dataclass(frozen=True)
class Ours:
    """
    Our adapter as an app adds it.
    """

    receiver: WebhookReceiver
    paths: Sequence[str] = ()


_over_sockets: ContextVar[bool] = ContextVar("_over_sockets", default=False)


@contextmanager
def over_sockets() -> Iterator[None]:
    """
    Serve what is served in the block by real servers.
    """
    token = _over_sockets.set(True)
    try:
        yield
    finally:
        _over_sockets.reset(token)


def post_to(port: int) -> Post:
    def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> Reply:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            kept = tuple(h for h in answer.getheaders() if h[0].lower() not in VARIES)
            return Reply(answer.status, kept, answer.read())
        finally:
            connection.close()

    return post


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its name there.
        pass

    def get_stderr(self) -> Any:
        import io  # noqa: PLC0415

        return io.StringIO()


@contextmanager
def serve_wsgi(app: Any) -> Iterator[Post]:
    if not _over_sockets.get():
        with httpx.Client(transport=httpx.WSGITransport(app), base_url=BASE_URL) as client:
            yield lambda path, body, headers=(): _call(client, path, body, headers)
        return
    server = WSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield post_to(server.server_port)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _call(
    client: httpx.Client, path: str, body: bytes, headers: Sequence[tuple[str, str]]
) -> Reply:
    """
    Call a WSGI app; a server answers 500 where the app raises.
    """
    try:
        return _reply(client.post(path, content=body, headers=list(headers)))
    except LookupError:
        return Reply(500, (), b"")


def _reply(answer: httpx.Response) -> Reply:
    # As a client reads it from the wire, where spaces around a value are not part of it.
    found = tuple((name.decode(), value.decode().strip()) for name, value in answer.headers.raw)
    return Reply(answer.status_code, found, answer.content)


@contextmanager
def serve_asgi(app: Any) -> Iterator[Post]:
    if not _over_sockets.get():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)

        async def call(path: str, body: bytes, headers: Sequence[tuple[str, str]]) -> Reply:
            async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
                return _reply(await client.post(path, content=body, headers=list(headers)))

        yield lambda path, body, headers=(): asyncio.run(call(path, body, headers))
        return
    with open_stage() as stage:
        stage.app = app
        yield lambda path, body, headers=(): _stable(stage.post(path, body, headers))


def _stable(reply: Reply) -> Reply:
    kept = tuple(item for item in reply.headers if item[0] not in VARIES)
    return Reply(reply.status, kept, reply.body)


@contextmanager
def serve_aiohttp(app: web.Application, **options: Any) -> Iterator[Post]:
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, **options)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1]

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield post_to(port)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def starlette_host(seen: Seen, ours: Ours | None, build: Any = web_apps.starlette_app) -> Any:
    app = build(seen)
    if ours is not None:
        app.add_middleware(asgi.LinqWebhookMiddleware, paths=ours.paths, receiver=ours.receiver)
    with serve_asgi(app) as post:
        yield post


def fastapi_host(seen: Seen, ours: Ours | None) -> Any:
    return starlette_host(seen, ours, web_apps.fastapi_app)


def wsgi_host(seen: Seen, ours: Ours | None) -> Any:
    app = web_apps.wsgi_app(seen)
    return serve_wsgi(wsgi.LinqWebhookMiddleware(app, ours.paths, ours.receiver) if ours else app)


def flask_host(seen: Seen, ours: Ours | None) -> Any:
    app: Any = web_apps.flask_app(seen)
    if ours is not None:
        app.wsgi_app = wsgi.LinqWebhookMiddleware(app.wsgi_app, ours.paths, ours.receiver)
    return serve_wsgi(app)


def _django(seen: Seen, ours: Ours | None) -> None:
    if ours is None:
        web_apps.configure_django(seen)
    else:
        options = {"LINQ_WEBHOOK_PATHS": ours.paths, "LINQ_WEBHOOK_RECEIVER": ours.receiver}
        web_apps.configure_django(seen, DJANGO, **options)


def django_wsgi_host(seen: Seen, ours: Ours | None) -> Any:
    _django(seen, ours)
    return serve_wsgi(get_wsgi_application())


def django_asgi_host(seen: Seen, ours: Ours | None) -> Any:
    _django(seen, ours)
    return serve_asgi(get_asgi_application())


def aiohttp_host(seen: Seen, ours: Ours | None) -> Any:
    given = [linq_webhook_middleware(ours.paths, ours.receiver)] if ours else []
    return serve_aiohttp(web_apps.aiohttp_app(seen, middlewares=given))


class LambdaHost:
    """
    A function behind one of the four kinds of door.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @contextmanager
    def __call__(self, seen: Seen, ours: Ours | None) -> Iterator[Post]:
        """
        Yield what calls the function as AWS does.
        """
        app = web_apps.lambda_app(seen)
        handler = linq_webhook(receiver=ours.receiver)(app) if ours else app

        def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> Reply:
            try:
                answer = handler(self.event(path, body, headers), None)
            except LookupError:
                return Reply(500, (), b"")
            found = tuple(answer.get("headers") or ())
            return Reply(answer["statusCode"], found, answer.get("body", "").encode())

        yield post

    def event(self, path: str, body: bytes, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """
        Return the event as it reaches the function.
        """
        is_binary = self.kind in {"function URL", "balancer"}
        text = base64.b64encode(body).decode() if is_binary else body.decode()
        event: dict[str, Any] = {"body": text, "isBase64Encoded": is_binary}
        if self.kind in {"gateway 2", "function URL"}:
            context = {"http": {"method": "POST", "path": path}}
            lower = {name.lower(): value for name, value in headers}
            return event | {
                "version": "2.0", "rawPath": path, "requestContext": context, "headers": lower
            }  # fmt: skip
        event |= {"httpMethod": "POST", "path": path}
        many = {name: [value] for name, value in headers}
        if self.kind == "balancer, many values":
            return event | {"requestContext": {"elb": {}}, "multiValueHeaders": many}
        if self.kind == "balancer":
            return event | {"requestContext": {"elb": {}}, "headers": dict(headers)}
        return event | {"requestContext": {}, "headers": dict(headers), "multiValueHeaders": many}


LAMBDAS = ("gateway 1", "gateway 2", "function URL", "balancer", "balancer, many values")
SERVERS: dict[str, Any] = {
    "starlette": starlette_host,
    "fastapi": fastapi_host,
    "flask": flask_host,
    "django wsgi": django_wsgi_host,
    "django asgi": django_asgi_host,
    "aiohttp": aiohttp_host,
}
HOSTS: dict[str, Any] = {
    **SERVERS,
    "wsgi": wsgi_host,
    **{f"lambda, {kind}": LambdaHost(kind) for kind in LAMBDAS},
}
