from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import APIConnectionError, AsyncLinqAPIV3, LinqAPIV3

from bounds.growing import find_growing
from linq_otel import LinqInstrumentor, _delivery_spans, _replies, _runtime, _unsent
from linq_otel._events import parse_event
from linq_otel._runtime import configure_tracing
from linq_otel._shield import Tally, tally
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.bad_deliveries import ROWS
from support.sending import asend, send


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider

    from linq_otel._keeping import OriginKeeper


# What bounds each. A new one needs a line here, and that line needs to be true.
BOUNDED_BY = {
    "_attempts.linq_trace_ids": "the attempts of one call, with which it goes",
    "_clients._late._waiting": "the responses the app still holds: weak keys",
    "_clients._neighbours._is_wrapped": "64 types of transport",
    "_clients._streamed._parts": "one body of at most a megabyte, with which it goes",
    "_delivery_spans._unknown_types": "200 event types",
    "_exits._at_signals": "the exports of the process",
    "_exits._functions": "the exports of the process",
    "_forks._methods": "the objects that are alive: weak references",
    "_forks._renewing": "the threads that renew at this moment",
    "_guarding._notes": "10,000 notes",
    "_guarding._waiting": "1,000 origins",
    "_json._NOTHING": "never written",
    "_keeping.sends_under_way": "the sends under way",
    "_meters._codes": "100 error codes",
    "_meters._of_providers": "the meter providers that are alive: weak keys",
    "_meters._of_the_process": "one",
    "_meters._stuck": "the tracings that are alive: weak references",
    "_import_hooks._hooks": "the modules that are waited for",
    "_patching._hooks": "the modules that are waited for",
    "_patching._patched": "the methods that are wrapped",
    "_replies._arrivals": "10,000 chats",
    "_shield._counts": "200 kinds",
    "_store_threads._idle": "four threads",
    "_store_threads._waiting": "what four threads have not done when the circuit opens",
    "_times._read_minute": "64 minutes",
    "_unsent._accepted": "10,000 messages, and a day",
    "_unsent._missed": "those of them that are due",
    "webhooks._asgi._messages": "what a body of `max_body` bytes came in",
    "doctor._listening._parts": "10,000 webhooks",
    "doctor._listening._told": "two reasons",
    "doctor._objects._read_entry_points": "one path",
    "doctor._sdk_files._read_methods": "512 files",
    "doctor._sdk_files._read_requests": "512 files",
    "doctor._sdk_files.seams": "the methods that would be wrapped",
    "stores._redis_clients._crossed_a_fork": "the forks between this process and the first",
    "stores._sql_connections._crossed_a_fork": "the forks between this process and the first",
    "stores._sql_own_connections._crossed_a_fork": "the forks between this process and the first",
    "stores._sql_own_connections._free": "eight connections",
    "stores._sql_own_connections._idle": "eight connections",
    "stores._sql_statements._finds": "the numbers of keys an origin has, and powers of two",
    "stores._sql_statements._saves": "the numbers of keys an origin has",
    "stores._sql_watch._ends": "the operations under way",
    "stores.memory._rows": "`size` keys",
    "stores.sqlite._crossed_a_fork": "the forks between this process and the first",
    "stories._sources._gathering._seen": "100 traces",
    "stories._sources._gathering.spans": "50,000 spans, and one answer of at most 64 MiB",
    "viewer._archive._waiting": "256 exports",
    "viewer._intake.dropped": "two signals",
}


class TestContainers:
    def test_each_has_a_bound(self) -> None:
        """Whatever can grow is in the table above, and nothing else is."""
        assert sorted(find_growing()) == sorted(BOUNDED_BY)


class TestMessages:
    def test_of_chats_that_wait_for_a_reply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The chat that has waited longest makes room, and is not measured."""
        monkeypatch.setattr(_replies, "_MOST_CHATS", 2)
        replies = configure_tracing({"store": MemoryStore()}).replies
        for number in range(3):
            data = p.message_data("x", inbound=True)
            data["chat"]["id"] = f"c{number}"
            replies.note_arrival(parse_event(p.encode(p.envelope("message.received", data))))
        assert list(replies._arrivals) == ["c1", "c2"]

    def test_of_messages_that_may_be_stuck(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oldest makes room, and none is counted for longer than a day."""
        monkeypatch.setattr(_unsent, "_MOST_MESSAGES", 2)
        unsent = configure_tracing({"store": MemoryStore(), "stuck_after": 1e-9}).unsent
        for number in range(3):
            unsent.note_accepted(f"m{number}")
        assert list(unsent._accepted) == ["m1", "m2"]
        assert list(unsent._due()) == ["m1", "m2"]
        monkeypatch.setattr(_unsent, "_LONGEST_SECONDS", 0.0)
        assert (unsent._due(), list(unsent._accepted)) == ({}, [])


class TestTally:
    def test_kinds(self) -> None:
        """A hook that raises a type of its own each time makes 200 kinds, and then one more."""
        counted = Tally()
        assert [counted.add(f"hook: E{number}") for number in range(200)] == [True] * 200
        assert [counted.add(f"hook: F{number}") for number in range(300)] == [True] + [False] * 299
        assert counted.add("hook: E7") is False
        assert counted.counts() == {
            **{f"hook: E{number}": 1 for number in range(200)},
            "hook: E7": 2,
            "other kinds": 300,
        }

    def test_kinds_of_a_flood(self, provider: TracerProvider) -> None:
        """All that a stranger may send, with and without a secret, is of a dozen kinds."""
        receivers = [
            WebhookReceiver(secret, clock=lambda: p.SIGNED_AT, tracer_provider=provider)
            for secret in (None, p.SECRET)
        ]
        for row in ROWS:
            for receiver in receivers:
                with receiver.process(row.headers_signed(), row.body):
                    pass
        assert set(tally.counts()) == {
            "webhook malformed: event_type",
            "webhook malformed: json",
            "webhook malformed: object",
            "webhook malformed: size",
            "webhook malformed: utf8",
            "webhook unverified: headers",
            "webhook unverified: signature",
            "webhook unverified: timestamp",
            "webhook: no secret",
        }


class TestEventTypes:
    def test_a_thousand_invented_ones(self, provider: TracerProvider) -> None:
        """Of 1,000 types nobody knows, 200 are told apart."""
        receiver = WebhookReceiver(tracer_provider=provider)
        letters = "abcdefghij"
        for number in range(1_000):
            name = "".join(letters[int(digit)] for digit in f"{number:03}")
            for verified in (None, True):
                body = p.body_of(f"made.up_{name}")
                with receiver.process({}, body, verified=verified) as event:
                    assert event is not None
        assert len(_delivery_spans._unknown_types) == 200


@pytest.fixture
def origins(provider: TracerProvider) -> Iterator[OriginKeeper]:
    """
    Yield the origins of an instrumented process.
    """
    LinqInstrumentor().instrument(tracer_provider=provider)
    yield _runtime.get_tracing().origins
    LinqInstrumentor().uninstrument()


def break_off(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("broken off", request=request)


async def hang(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(10)
    raise AssertionError(request)


class TestSendsUnderWay:
    def test_calls_that_fail(self, origins: OriginKeeper) -> None:
        """A call that raises is not under way any more."""
        with (
            httpx.Client(transport=httpx.MockTransport(break_off)) as http,
            LinqAPIV3(api_key="k", base_url="http://l/api/partner", http_client=http) as client,
        ):
            for _ in range(20):
                with contextlib.suppress(APIConnectionError):
                    send(client.with_options(max_retries=0))
        assert origins.sends_under_way == set()

    def test_calls_that_are_cancelled(self, origins: OriginKeeper) -> None:
        """Nor is one that was cancelled."""

        async def cancel() -> set[int]:
            transport: Any = httpx.MockTransport(hang)
            async with (
                httpx.AsyncClient(transport=transport) as http,
                AsyncLinqAPIV3(api_key="k", base_url="http://l/api/partner", http_client=http) as c,
            ):
                tasks = [asyncio.create_task(asend(c)) for _ in range(20)]
                await asyncio.sleep(0.1)
                under_way = set(origins.sends_under_way)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return under_way

        assert len(asyncio.run(cancel())) == 20
        assert origins.sends_under_way == set()
