"""
Retries under a key of ours: Linq takes a message on once, however often the SDK asks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import linq as sdk
import pytest

from linq_otel._origins import hash_key
from linq_otel.stores.memory import MemoryStore
from linq_otel.testing import Answer, LinqSimulator, Scenario
from support.carrying import CARRIERS, TEXT, Line, carrying, open_line, traceparent_of
from support.lives import get_origin
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


# What the client hears of a message that was taken on: nothing, or that it failed.
UNHEARD = {
    "timeout": Answer(hang=True),
    "lost connection": Answer(drop=True),
    "503": Answer(503, accept=True),
    "500": Answer(500, accept=True),
    "bad gateway": Answer(502, accept=True, text="<h1>Bad gateway</h1>"),
}


@pytest.fixture
def line() -> Iterator[Line]:
    """
    Yield a chat at a simulated Linq, and a client that does not wait long.
    """
    with LinqSimulator(seed=7, speed=0) as linq, open_line(linq, timeout=0.3) as line:
        yield line


def only(keys: list[dict[str, str]]) -> str:
    """
    Return the one key that stands in every place of every request.
    """
    (key,) = {key for places in keys for key in places.values()}
    return key


class TestRetries:
    @pytest.mark.parametrize(
        ("name", "answer"),
        [(name, "503") for name in CARRIERS]
        + [("chats.messages.send", answer) for answer in UNHEARD if answer != "503"],
    )
    def test_one_message(
        self, line: Line, provider: TracerProvider, name: str, answer: str
    ) -> None:
        """Two requests with one key are one message."""
        line.linq.script(Scenario(answers=(UNHEARD[answer],)))
        with carrying(tracer_provider=provider):
            CARRIERS[name][0](line)
        assert len(line.wire()) == 2
        assert line.accepted() == [only(line.carried())]

    @pytest.mark.parametrize("answer", UNHEARD)
    def test_two_without(self, line: Line, provider: TracerProvider, answer: str) -> None:
        """Without it they are two, as ever."""
        line.linq.script(Scenario(answers=(UNHEARD[answer],)))
        with carrying(tracer_provider=provider, carrier="none"):
            line.send()
        assert line.accepted() == [None, None]

    @pytest.mark.parametrize("answer", UNHEARD)
    def test_async(self, line: Line, provider: TracerProvider, answer: str) -> None:
        """The async client's retries repeat theirs as well."""
        line.linq.script(Scenario(answers=(UNHEARD[answer],)))
        settings = {"api_key": line.linq.api_key, "base_url": line.linq.base_url, "timeout": 0.3}

        async def run() -> None:
            async with sdk.AsyncLinqAPIV3(**settings) as client:
                await client.chats.messages.send(line.chat_id, message=TEXT)

        with carrying(tracer_provider=provider):
            asyncio.run(run())
        assert len(line.wire()) == 2
        assert line.accepted() == [only(line.carried())]

    def test_three_attempts(self, line: Line, provider: TracerProvider) -> None:
        """As often as the SDK tries; a refusal in between changes nothing."""
        answers = (Answer(503, accept=True), Answer(429, retry_after=0), Answer(409))
        line.linq.script(Scenario(answers=answers))
        with carrying(tracer_provider=provider):
            line.client.with_options(max_retries=3).chats.messages.send(line.chat_id, message=TEXT)
        assert [r.status for r in line.linq.requests[1:]] == [503, 429, 409, 202]
        assert line.accepted() == [only(line.carried())]

    def test_given_up(self, line: Line, provider: TracerProvider) -> None:
        """A call that fails is over: calling again is another message with another key."""
        line.linq.script(Scenario(answers=(Answer(503, accept=True),) * 2))
        client = line.client.with_options(max_retries=1)
        with carrying(tracer_provider=provider):
            with pytest.raises(sdk.InternalServerError):
                client.chats.messages.send(line.chat_id, message=TEXT)
            client.chats.messages.send(line.chat_id, message=TEXT)
        first, repeated, second = (keys["message"] for keys in line.carried())
        assert first == repeated != second
        assert line.accepted() == [first, second]

    def test_refused(self, line: Line, provider: TracerProvider) -> None:
        """A call that Linq refuses leaves its key unused; the next has its own."""
        line.linq.script(Scenario(answers=(Answer(400),)))
        with carrying(tracer_provider=provider):
            with pytest.raises(sdk.BadRequestError):
                line.send()
            line.send()
        refused, sent = (keys["message"] for keys in line.carried())
        assert refused != sent
        assert line.accepted() == [sent]

    def test_user_s_key(self, line: Line, provider: TracerProvider) -> None:
        """The user's own does the same as it always did."""
        line.linq.script("timeout-accepted")
        with carrying(tracer_provider=provider):
            line.client.chats.messages.send(
                line.chat_id, message={**TEXT, "idempotency_key": "order 7"}
            )
        assert (line.accepted(), line.carried()) == (["order 7"], [{}, {}])


class Counting(MemoryStore):
    """
    Counts what it is asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def save(self, origin: Any) -> None:
        """
        Count, and save.
        """
        self.asked.append("save")
        super().save(origin)

    def find(self, *keys: str) -> Any:
        """
        Count, and look.
        """
        self.asked.append("find")
        return super().find(*keys)


class TestStore:
    def test_asked_no_more_than_before(self, line: Line, provider: TracerProvider) -> None:
        """A key nobody repeats is neither looked up nor saved ahead of the answer."""
        store = Counting()
        with carrying(tracer_provider=provider, store=store):
            line.send()
        assert store.asked == ["save"]

    def test_origin(
        self, line: Line, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """What is kept is found under the key's hash too, and is no replay."""
        store = MemoryStore()
        line.linq.script("timeout-accepted")
        with carrying(tracer_provider=provider, store=store, join="app"):
            line.send()
        (message,) = line.linq.accepted[1:]
        origin = get_origin(store, f"key:{hash_key(only(line.carried()))}")
        spans = exporter.get_finished_spans()
        assert origin == get_origin(store, f"message:{message.message_id}")
        assert origin.lifecycle == traceparent_of(by_name(spans, "linq message").context)
        assert [s.name for s in spans if "linq.idempotent_replay" in (s.attributes or {})] == []
