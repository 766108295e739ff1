"""
One app, written once for each framework: it keeps what it was given, and answers by path.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import django
from aiohttp import web
from django.apps import apps
from django.conf import settings
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import clear_url_caches
from django.urls import path as django_path
from fastapi import FastAPI, Request
from flask import Flask, abort, request
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


# Linq reads the routing header back; a repeated header must stay two.
HEADERS = [("Linq-Routing", "r1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@dataclass
class Seen:
    """
    What an app was given, in order.
    """

    bodies: list[bytes] = field(default_factory=list)

    def note(self, body: bytes) -> str:
        """
        Keep *body*, and return what the app answers with.
        """
        self.bodies.append(body)
        return json.dumps({"length": len(body), "sha256": hashlib.sha256(body).hexdigest()})

    def make(self, number: int) -> bytes:
        """
        Return a piece of a streamed answer.
        """
        return b"%d\n" % number


async def _lines(seen: Seen) -> AsyncIterator[bytes]:
    for number in range(3):
        yield seen.make(number)


def starlette_app(seen: Seen, kind: Any = Starlette) -> Any:
    async def hook(request: Request) -> Response:
        response = Response(seen.note(await request.body()), 202)
        for name, value in HEADERS:
            response.headers.append(name, value)
        return response

    async def fail(request: Request) -> Response:
        seen.note(await request.body())
        raise LookupError("secret of the app")

    async def stream(request: Request) -> Response:
        seen.note(b"".join([piece async for piece in request.stream()]))
        return StreamingResponse(_lines(seen))

    async def missing(request: Request) -> Response:
        seen.note(await request.body())
        raise HTTPException(404)

    views = {"/hook": hook, "/fail": fail, "/stream": stream, "/missing": missing}
    return kind(routes=[Route(path, view, methods=["POST"]) for path, view in views.items()])


def fastapi_app(seen: Seen) -> Any:
    return starlette_app(seen, FastAPI)


def flask_app(seen: Seen) -> Flask:
    app = Flask("app")

    @app.post("/hook")
    def hook() -> Any:
        return seen.note(request.get_data()), 202, HEADERS

    @app.post("/fail")
    def fail() -> Any:
        seen.note(request.get_data())
        raise LookupError("secret of the app")

    @app.post("/stream")
    def stream() -> Any:
        seen.note(request.stream.read())
        return map(seen.make, range(3))

    @app.post("/missing")
    def missing() -> Any:
        seen.note(request.get_data())
        abort(404)

    return app


def wsgi_app(seen: Seen) -> Any:
    """
    Return a generator function: nothing of it runs before its first piece is asked for.
    """

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        length = environ.get("CONTENT_LENGTH")
        answer = seen.note(environ["wsgi.input"].read(int(length) if length else -1))
        where = environ["PATH_INFO"]
        if where == "/fail":
            raise LookupError("secret of the app")
        if where == "/missing":
            start_response("404 Not Found", [("Content-Length", "0")])
        elif where == "/stream":
            start_response("200 OK", [])
            yield from map(seen.make, range(3))
        else:
            start_response("202 Accepted", HEADERS)
            yield answer.encode()

    return app


def aiohttp_app(seen: Seen, **options: Any) -> web.Application:
    async def hook(request: web.Request) -> web.Response:
        response = web.Response(text=seen.note(await request.read()), status=202)
        response.headers.extend(HEADERS)
        return response

    async def fail(request: web.Request) -> web.Response:
        seen.note(await request.read())
        raise LookupError("secret of the app")

    async def stream(request: web.Request) -> web.StreamResponse:
        seen.note(await request.content.read())
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in _lines(seen):
            await response.write(line)
        return response

    async def missing(request: web.Request) -> web.Response:
        seen.note(await request.read())
        raise web.HTTPNotFound

    app = web.Application(client_max_size=4 * 1024 * 1024, **options)
    views = {"/hook": hook, "/fail": fail, "/stream": stream, "/missing": missing}
    app.add_routes([web.post(path, view) for path, view in views.items()])
    return app


def configure_django(seen: Seen, *middleware: str, **options: Any) -> None:
    """
    Set up the one Django of this process anew.
    """
    if not settings.configured:
        settings.configure()
    if not apps.ready:
        settings.ROOT_URLCONF, settings.SECRET_KEY = "linq_otel_test_urls", "x"
        settings.ALLOWED_HOSTS = ["*"]
        django.setup()
    for name in ("LINQ_WEBHOOK_PATHS", "LINQ_WEBHOOK_RECEIVER"):
        if hasattr(settings, name):
            delattr(settings, name)
    # Django's official instrumentation is an entry of this list.
    theirs = [name for name in settings.MIDDLEWARE if name.startswith("opentelemetry.")]
    settings.MIDDLEWARE = [*theirs, *middleware]
    for name, value in options.items():
        setattr(settings, name, value)
    urls: Any = sys.modules.setdefault(
        "linq_otel_test_urls", types.ModuleType("linq_otel_test_urls")
    )
    urls.seen = seen
    urls.urlpatterns = [
        django_path(view.__name__.removeprefix("_django_"), view)
        for view in (_django_hook, _django_fail, _django_stream, _django_missing)
    ]
    clear_url_caches()


def _django_seen() -> Seen:
    return sys.modules["linq_otel_test_urls"].seen


def _django_hook(request: Any) -> HttpResponse:
    response = HttpResponse(_django_seen().note(request.body), status=202)
    response["Linq-Routing"] = "r1"
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def _django_fail(request: Any) -> HttpResponse:
    _django_seen().note(request.body)
    raise LookupError("secret of the app")


def _django_stream(request: Any) -> StreamingHttpResponse:
    _django_seen().note(request.read())
    is_asgi = hasattr(request, "scope")
    seen = _django_seen()
    return StreamingHttpResponse(_lines(seen) if is_asgi else map(seen.make, range(3)))


def _django_missing(request: Any) -> HttpResponse:
    _django_seen().note(request.body)
    raise Http404


def lambda_app(seen: Seen) -> Any:
    def handler(event: dict[str, Any], context: object) -> Any:
        raw = event["body"]
        answer = seen.note(base64.b64decode(raw) if event["isBase64Encoded"] else raw.encode())
        where = event.get("path") or event["rawPath"]
        if where == "/fail":
            raise LookupError("secret of the app")
        if where == "/missing":
            return {"statusCode": 404}
        if where == "/stream":
            return {"statusCode": 200, "body": "0\n1\n2\n"}
        return {"statusCode": 202, "body": answer, "headers": HEADERS}

    return handler
