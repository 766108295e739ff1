from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import _shield
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support import payloads as p
from support.web_apps import Seen
from support.web_hosts import HOSTS, SERVERS, Ours
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.asgi_servers import Reply


@dataclass
class Site:
    """
    One framework with our adapter in it, and the same app without.
    """

    name: str
    host: Any
    is_instrumented: bool
    desk: Desk
    seen: Seen = field(default_factory=Seen)

    @contextmanager
    def open(self, **options: Any) -> Iterator[Callable[..., Reply]]:
        """
        Serve the app with us; *options* are those of a receiver, and ``paths``.
        """
        paths = options.pop("paths", ())
        shared = {"tracer_provider": self.desk.provider, "store": self.desk.store}
        if not self.is_instrumented:
            receiver = WebhookReceiver(p.SECRET, **options, **shared)
            with self.host(self.seen, Ours(receiver, paths)) as post:
                yield post
            return
        instrumentor = LinqWebhooksInstrumentor()
        options |= {"paths": paths} if paths else {}
        instrumentor.instrument(webhook_secret=p.SECRET, **options, **shared)
        try:
            with self.host(self.seen, None) as post:
                yield post
        finally:
            instrumentor.uninstrument()

    @contextmanager
    def open_bare(self) -> Iterator[Callable[..., Reply]]:
        """
        Serve the app without us.
        """
        with self.host(Seen(), None) as post:
            yield post


SITES = [(name, False) for name in HOSTS] + [(name, True) for name in SERVERS]


@pytest.fixture(params=SITES, ids=[f"{name}{', zero code' * is_on}" for name, is_on in SITES])
def site(
    request: pytest.FixtureRequest,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Site:
    """
    Return each framework with each way of putting us in.
    """
    name, is_instrumented = request.param
    # Frameworks log what an app raises.
    for logger in ("django.request", "aiohttp.server", "app"):
        caplog.set_level(logging.CRITICAL, logger)
    desk = Desk(provider, exporter, store=MemoryStore())
    return Site(name, HOSTS[name], is_instrumented, desk)


@pytest.fixture
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Shield our own failures again, as outside the suite.
    """
    monkeypatch.setattr(_shield, "_strict", False)
