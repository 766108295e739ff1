"""
What an app makes and drops again leaves nothing behind: no memory, no file, no thread.
"""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import LinqAPIV3
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from bounds.lives import Drawn, Usage
from linq_otel import LinqInstrumentor, _forks
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.scripted_linq import SENT
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


pytestmark = pytest.mark.slow


BODY = p.body_of("message.delivered")


ROUNDS = 5


def check_nothing_is_left(make: Callable[[], object], times: int) -> None:
    """
    Make it *times* in each of five rounds, of which one leaves nothing behind.

    The caches of libraries fill up for a while; what is left of each would be left in every round.
    """
    usages = [Usage.now()]
    for _ in range(ROUNDS):
        for _ in range(times):
            make()
        usages.append(Usage.now())
    growths = [after.blocks - before.blocks for before, after in pairwise(usages)]
    assert min(growths) < times // 10, growths
    assert usages[-1].descriptors == usages[1].descriptors
    # Of other tests there may be threads that are idle, and end by and by.
    assert usages[-1].threads <= usages[0].threads


def receive(receiver: WebhookReceiver) -> None:
    with receiver.process({}, BODY) as event:
        assert event is not None


@pytest.fixture
def tracers() -> Iterator[TracerProvider]:
    """
    Yield where spans go, and are not kept.
    """
    provider = TracerProvider()
    provider.add_span_processor(Drawn())
    yield provider
    provider.shutdown()


@pytest.fixture
def meters() -> Iterator[MeterProvider]:
    """
    Yield where metrics go.
    """
    provider = MeterProvider([InMemoryMetricReader()])
    yield provider
    provider.shutdown()


class TestReceivers:
    def test_of_the_process(self) -> None:
        """Ten thousand, one after another, of the tracing they all share."""
        check_nothing_is_left(lambda: WebhookReceiver(p.SECRET), 2_000)

    def test_with_options(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        """Each with a store and a tracing of its own, and each used once."""

        def make() -> None:
            options: Any = {"tracer_provider": tracers, "meter_provider": meters}
            receive(WebhookReceiver(store=MemoryStore(size=10), **options))

        check_nothing_is_left(make, 400)

    def test_without_a_meter_provider(self, tracers: TracerProvider) -> None:
        """The same in an app that measures nothing."""
        check_nothing_is_left(
            lambda: receive(WebhookReceiver(store=MemoryStore(size=10), tracer_provider=tracers)),
            100,
        )

    def test_middleware(self, tracers: TracerProvider) -> None:
        """An app that is built anew for each of its tests."""

        async def app(*_: object) -> None:
            """Answer nothing."""

        check_nothing_is_left(lambda: LinqWebhookMiddleware(app, ["/hook"]), 2_000)


class TestClients:
    def test_of_the_sdk(self, tracers: TracerProvider) -> None:
        """A client for each request, as people write them."""

        def make() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(202, json=SENT))
            with (
                httpx.Client(transport=transport) as http,
                LinqAPIV3(api_key="k", base_url="http://l/api/partner", http_client=http) as client,
            ):
                send(client)

        LinqInstrumentor().instrument(tracer_provider=tracers, store="memory:?size=10")
        try:
            check_nothing_is_left(make, 400)
        finally:
            LinqInstrumentor().uninstrument()


class TestStores:
    def test_in_memory(self) -> None:
        """Ten thousand, of which each wanted to know of forks."""
        gc.collect()  # What earlier tests have left behind.
        hooks = len(_forks._in_child)
        check_nothing_is_left(MemoryStore, 2_000)
        assert len(_forks._in_child) == hooks

    def test_in_a_file(self, tmp_path: Path) -> None:
        """Opened, used and closed, again and again."""

        def make() -> None:
            store = SQLiteStore(str(tmp_path / "linq.db"))
            store.claim("e1")
            store.close()

        check_nothing_is_left(make, 60)


class TestThreads:
    def test_many_callers_of_one_store(self, tracers: TracerProvider, tmp_path: Path) -> None:
        """A hundred webhooks at once are served by four threads of ours, and one connection."""
        with closing(SQLiteStore(str(tmp_path / "linq.db"))) as store:
            receiver = WebhookReceiver(store=store, store_timeout=5.0, tracer_provider=tracers)
            receive(receiver)
            before, ours = Usage.now(), set[str]()
            running = set(threading.enumerate())

            def serve(number: int) -> None:
                body = p.body_of("message.sent", event_id=f"event-{number}")
                with receiver.process({}, body):
                    names = {t.name for t in set(threading.enumerate()) - running}
                    ours.update(name for name in names if name.startswith("linq-otel"))

            with ThreadPoolExecutor(20) as pool:
                list(pool.map(serve, range(100)))
            after = Usage.now()
            started = set(threading.enumerate()) - running
        assert ours == {"linq-otel-store"}
        assert len(started) <= 3
        assert after.descriptors == before.descriptors
