"""
Beside the official instrumentations, whichever is loaded first.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor

from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support import payloads as p
from support import web_apps
from support.web_apps import Seen
from support.web_hosts import serve_aiohttp, serve_asgi, serve_wsgi


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


BODY = p.body_of("message.delivered")
OFFICIAL: dict[str, Any] = {
    "starlette": StarletteInstrumentor,
    "fastapi": FastAPIInstrumentor,
    "flask": FlaskInstrumentor,
    "django wsgi": DjangoInstrumentor,
    "django asgi": DjangoInstrumentor,
    "aiohttp": AioHttpServerInstrumentor,
}


def serve(name: str, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    Build the app as it would be built now: those instrumentations exchange the class itself.
    """
    import aiohttp.web  # noqa: PLC0415
    import fastapi  # noqa: PLC0415
    import flask  # noqa: PLC0415
    import starlette.applications  # noqa: PLC0415

    if name == "starlette":
        return serve_asgi(web_apps.starlette_app(seen, starlette.applications.Starlette))
    if name == "fastapi":
        return serve_asgi(web_apps.starlette_app(seen, fastapi.FastAPI))
    if name == "flask":
        monkeypatch.setattr(web_apps, "Flask", flask.Flask)
        return serve_wsgi(web_apps.flask_app(seen))
    if name == "aiohttp":
        monkeypatch.setattr(web_apps.web, "Application", aiohttp.web.Application)
        return serve_aiohttp(web_apps.aiohttp_app(seen, middlewares=[]))
    return None


class TestNeighbours:
    @pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "theirs first"])
    @pytest.mark.parametrize("join", ["linq", "link"])
    @pytest.mark.parametrize("name", OFFICIAL)
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_one_server_span_around_ours(  # noqa: PLR0917  # Fixtures.
        self, name: str, join: Any, ours_first: bool, provider: TracerProvider,  # noqa: FBT001
        exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """Our span runs inside the SERVER span, is linked with it both ways, and notes 202 too."""
        seen, theirs, ours = Seen(), OFFICIAL[name](), LinqWebhooksInstrumentor()
        if name.startswith("django"):
            web_apps.configure_django(seen)
        options = {"tracer_provider": provider, "store": MemoryStore(), "webhook_secret": p.SECRET}
        order: list[Any] = [
            lambda: ours.instrument(join=join, **options),
            lambda: theirs.instrument(tracer_provider=provider),
        ]
        for step in order if ours_first else order[::-1]:
            step()
        inside: list[trace.Span] = []
        note = seen.note
        seen.note = lambda body: inside.append(trace.get_current_span()) or note(body)  # type: ignore[method-assign]
        try:
            with serve(name, seen, monkeypatch) or _django(name) as post:
                headers = list(p.headers_of(BODY, signed_at=int(time.time())).items())
                assert post("/hook", BODY, headers).status == 202
        finally:
            theirs.uninstrument()
            ours.uninstrument()
        spans = exporter.get_finished_spans()
        (server,) = [span for span in spans if span.kind is trace.SpanKind.SERVER]
        (process,) = [span for span in spans if span.name == "process message.delivered"]
        assert inside[0].get_span_context() == process.context
        assert dict(process.attributes or {})["http.response.status_code"] == 202
        if join == "link":
            assert process.parent is not None
            assert process.parent.span_id == server.context.span_id
        else:
            targets = {(link.attributes or {})["linq.link"]: link.context for link in process.links}
            assert targets["webhook"].span_id == server.context.span_id
            assert [link.context.span_id for link in server.links] == [process.context.span_id]


def _django(name: str) -> Any:
    from django.core.asgi import get_asgi_application  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    if name == "django wsgi":
        return serve_wsgi(get_wsgi_application())
    return serve_asgi(get_asgi_application())
