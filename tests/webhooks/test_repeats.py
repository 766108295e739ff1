"""
Repeats of an event under ``duplicates="answer"``, above all those that come at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from linq_otel._origins import Origin
from linq_otel.errors import EventInProgressError
from linq_otel.stores import open_store
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.own import OwnStore
from linq_otel.webhooks import WebhookReceiver, _repeats
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.racing import Shared
from support.webhook_apps import BODY


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider

    from linq_otel.stores import Store
    from linq_otel.webhooks import Event
    from support.asgi_servers import Stage

    Open = Any

AT_ONCE = 5
KEY = f"key:handled:{p.EVENT_ID}"


@pytest.fixture(params=["memory", "shared", "sqlite"])
def hosts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Store]]:
    """
    Yield the store of each of two hosts; the same one where it is not shared by file.
    """
    if request.param == "sqlite":
        stores: list[Store] = [open_store(f"sqlite:///{tmp_path}/linq.db") for _ in range(2)]
    else:
        stores = [MemoryStore() if request.param == "memory" else Shared()] * 2
    yield stores
    for store in stores:
        store.close()


def receiver_of(provider: TracerProvider, store: Store, **options: Any) -> WebhookReceiver:
    given: Any = {"duplicates": "answer", "store_timeout": 2.0} | options
    if not store.is_shared:
        del given["store_timeout"]
    return WebhookReceiver(p.SECRET, clock=lambda: p.SIGNED_AT, tracer_provider=provider,
                           store=store, **given)  # fmt: skip


class Handler:
    """
    What takes a while for each event, and fails as often as it is told to.
    """

    def __init__(self, failures: int = 0, seconds: float = 0.08) -> None:
        self.failures, self.seconds = failures, seconds
        self.lock = threading.Lock()
        self.runs = self.under_way = self.most = 0

    def begin(self) -> None:
        """
        Count a run.
        """
        with self.lock:
            self.runs += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)

    def end(self) -> None:
        """
        Fail, or not.
        """
        with self.lock:
            self.under_way -= 1
            self.failures -= 1
            if self.failures >= 0:
                raise LookupError

    def take(self, receiver: WebhookReceiver) -> bool | None:
        """
        Handle one delivery in a thread; returns whether it ran, None if it failed.
        """
        try:
            with receiver.process(p.headers_of(BODY), BODY) as event:
                if event is None:
                    return False
                self.begin()
                time.sleep(self.seconds)
                self.end()
                return True
        except LookupError:
            return None

    async def atake(self, receiver: WebhookReceiver) -> bool | None:
        """
        Handle one in a coroutine.
        """
        try:
            async with receiver.aprocess(p.headers_of(BODY), BODY) as event:
                if event is None:
                    return False
                self.begin()
                await asyncio.sleep(self.seconds)
                self.end()
                return True
        except LookupError:
            return None


class TestAtOnce:
    @pytest.mark.parametrize("failures", [0, 1])
    def test_of_five_in_threads_one_is_handled(
        self, provider: TracerProvider, hosts: list[Store], failures: int
    ) -> None:
        """The others wait for it, on any host; where it fails, one of them is handled instead."""
        receivers = [receiver_of(provider, store) for store in hosts]
        handler = Handler(failures)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            given = [receivers[n % 2] for n in range(AT_ONCE)]
            took = list(threads.map(handler.take, given))
        assert (handler.runs, handler.most) == (1 + failures, 1)
        assert (took.count(True), took.count(None)) == (1, failures)
        assert handler.take(receivers[0]) is False

    @pytest.mark.parametrize("failures", [0, 1])
    def test_of_five_in_coroutines_one_is_handled(
        self, provider: TracerProvider, hosts: list[Store], failures: int
    ) -> None:
        """In one event loop it is the same."""
        receivers = [receiver_of(provider, store) for store in hosts]
        handler = Handler(failures)

        async def run() -> list[bool | None]:
            return await asyncio.gather(*(handler.atake(receivers[n % 2]) for n in range(AT_ONCE)))

        took = asyncio.run(run())
        assert (handler.runs, handler.most) == (1 + failures, 1)
        assert (took.count(True), took.count(None)) == (1, failures)

    def test_of_five_over_http_one_is_handled(
        self, provider: TracerProvider, served: Stage
    ) -> None:
        """The other four are answered 200, once it has succeeded."""
        handler = Handler()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            handler.begin()
            await asyncio.sleep(handler.seconds)
            handler.end()
            await Response(status_code=202)(scope, receive, send)

        served.app = LinqWebhookMiddleware(app, receiver=receiver_of(provider, Shared()))
        headers = list(p.headers_of(BODY).items())
        with ThreadPoolExecutor(AT_ONCE) as threads:
            replies = list(threads.map(lambda _: served.post("/", BODY, headers), range(AT_ONCE)))
        assert sorted(reply.status for reply in replies) == [200] * 4 + [202]
        assert handler.runs == 1


class TestRunsThatDoNotEnd:
    """
    A process may be killed in the middle of a run.
    """

    def note(self, store: Store, seconds_ago: float) -> None:
        """
        Leave what such a process leaves: a claim, and the note of a run.
        """
        assert store.claim(p.EVENT_ID)
        began_at = time.time_ns() - int(seconds_ago * 1e9)
        store.save(Origin("", idempotency_key=KEY.removeprefix("key:"), requested_at=began_at))

    def test_are_waited_for_a_while(
        self, provider: TracerProvider, served: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then Linq is told to deliver again, or the caller is: the event is not lost."""
        monkeypatch.setattr(_repeats, "_PATIENCE", 0.05)
        store = MemoryStore()
        self.note(store, 1)
        receiver = receiver_of(provider, store)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            pytest.fail("the handler runs")

        served.app = LinqWebhookMiddleware(app, receiver=receiver)
        assert served.post("/", BODY, list(p.headers_of(BODY).items())).status == 503
        with (
            pytest.raises(EventInProgressError) as raised,
            receiver.process(p.headers_of(BODY), BODY),
        ):
            pytest.fail("the handler runs")
        assert raised.value.status == 503

    def test_are_given_up_after_the_lease(self, provider: TracerProvider) -> None:
        """And of several repeats, one runs."""
        store, handler = MemoryStore(), Handler()
        self.note(store, _repeats.LEASE + 1)
        receiver = receiver_of(provider, store)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            took = list(threads.map(handler.take, [receiver] * AT_ONCE))
        assert (handler.runs, took.count(True)) == (1, 1)

    @pytest.mark.parametrize("claims", [(p.EVENT_ID,), (p.EVENT_ID, f"{p.EVENT_ID}:after:0")])
    def test_may_have_left_no_note(self, provider: TracerProvider, claims: tuple[str, ...]) -> None:
        """What was claimed and has no note is handled, after the moment a note takes."""
        store, handler = MemoryStore(), Handler(seconds=0)
        assert all(store.claim(claim) for claim in claims)
        assert handler.take(receiver_of(provider, store)) is True
        assert handler.take(receiver_of(provider, store)) is False


class TestOwnStore:
    def test_each_process_handles_an_event_once(self, provider: TracerProvider) -> None:
        """Its notes stay in the process; the app's function is asked for ids of events alone."""
        claimed: list[str] = []

        def claim(event_id: str) -> bool:
            claimed.append(event_id)
            return claimed.count(event_id) == 1

        handler = Handler(seconds=0)
        receivers = [
            receiver_of(provider, OwnStore(find=lambda keys: None, claim=claim)) for _ in range(3)
        ]
        took = [handler.take(receiver) for receiver in receivers * 2]
        assert took == [True] * 3 + [False] * 3
        assert set(claimed) == {p.EVENT_ID}


class TestNested:
    @pytest.mark.parametrize("kinds", ["aa", "ma", "maa", "mama"])
    def test_receivers_within_each_other_see_one_delivery(
        self, provider: TracerProvider, kinds: str
    ) -> None:
        """An inner one neither waits for the run it is in, nor says for it that it went well."""
        store, given = MemoryStore(), []
        options: dict[str, Any] = {"m": {"duplicates": "mark"}, "a": {}}
        receivers = [receiver_of(provider, store, **options[kind]) for kind in kinds]

        def nest(depth: int = 0) -> Event | None:
            with receivers[depth].process(p.headers_of(BODY), BODY) as event:
                return nest(depth + 1) if event and depth + 1 < len(receivers) else event

        began = time.monotonic()
        given = [nest() is not None for _ in range(2)]
        assert (given, time.monotonic() - began < 4) == ([True, False], True)

    def test_an_outer_one_has_the_last_word(self, provider: TracerProvider) -> None:
        """What fails after the inner block has ended is handled again."""
        store, runs = MemoryStore(), [False, False]
        outer, inner = receiver_of(provider, store), receiver_of(provider, store)
        for run, wanted in enumerate((pytest.raises(LookupError), nullcontext())):
            with wanted, outer.process(p.headers_of(BODY), BODY):
                with inner.process(p.headers_of(BODY), BODY) as event:
                    runs[run] = event is not None
                if not run:
                    raise LookupError
        assert runs == [True, True]
