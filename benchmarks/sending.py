"""
What a call of the SDK costs: ``chats.messages.send`` over a transport that answers at once.

Ours makes four spans of it, saves the origin, and reads the answer's ids; the HTTP instrumentation
people use today makes one.
"""

from __future__ import annotations

import asyncio
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx
from linq import AsyncLinqAPIV3, LinqAPIV3
from measuring import Line, Variant, added, compare, interleave, medians
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from tallies import Copy, open_provider, record

from linq_otel import instrument, uninstrument
from linq_otel.stores.memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from measuring import Costs, Effort
    from opentelemetry.sdk.trace import TracerProvider
    from tallies import Tally


CHAT: Final = "550e8400-e29b-41d4-a716-446655440000"
MESSAGE: Final = {"parts": [{"type": "text", "value": "hello"}]}
# Call, attempt, anchor, and the stage accepted.
SPANS: Final = 4
_PLAIN: Final = "uninstrumented"
_BY_HAND: Final = "bare spans"
PLACE: Final = "http://linq.test/api/partner"


class Answers:
    """
    Linq, as far as it accepts messages: each gets ids of its own.
    """

    def __init__(self) -> None:
        self.given = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Accept one message.
        """
        assert request.url.path.endswith("/messages"), request.url
        self.given += 1
        message = {
            "id": self.message_id,
            "parts": [{"type": "text", "value": "hello", "reactions": None}],
            "sent_at": None,
            "created_at": "2026-01-01T00:00:00Z",
            "delivery_status": "pending",
            "is_read": False,
            "service": "iMessage",
        }
        headers = {"X-Trace-ID": f"{self.given:032x}"}
        return httpx.Response(202, headers=headers, json={"chat_id": CHAT, "message": message})

    async def answer_async(self, request: httpx.Request) -> httpx.Response:
        """
        Do the same in a coroutine.
        """
        return self.answer(request)

    @property
    def message_id(self) -> str:
        """
        The id of the last message.
        """
        return f"{self.given:08x}-2170-4754-8d30-c76d0c727d96"


@dataclass(frozen=True, slots=True)
class Sender:
    """
    A client of the SDK, and what sends with it.
    """

    http: Any
    answers: Answers
    send: Callable[[Sequence[Any]], object]


def _nothing() -> None:
    """
    Do nothing after a call.
    """


def open_sync(after: Callable[[], object] = _nothing) -> Sender:
    """
    Return a blocking client; *after* is called after each of its calls.
    """
    answers = Answers()
    http = httpx.Client(transport=httpx.MockTransport(answers.answer))
    client = LinqAPIV3(api_key="k", base_url=PLACE, http_client=http, max_retries=0)

    def send(turns: Sequence[Any]) -> None:
        for _ in turns:
            sent = client.chats.messages.send(CHAT, message=MESSAGE)  # type: ignore[arg-type]  # As JSON.
            after()
        assert sent.message.id == answers.message_id

    return Sender(http, answers, send)


def open_async(loop: asyncio.AbstractEventLoop, after: Callable[[], object] = _nothing) -> Sender:
    """
    Return one that does not block.
    """
    answers = Answers()
    http = httpx.AsyncClient(transport=httpx.MockTransport(answers.answer_async))
    client = AsyncLinqAPIV3(api_key="k", base_url=PLACE, http_client=http, max_retries=0)

    async def send_all(turns: Sequence[Any]) -> None:
        for _ in turns:
            sent = await client.chats.messages.send(CHAT, message=MESSAGE)  # type: ignore[arg-type]  # As above.
            after()
        assert sent.message.id == answers.message_id

    return Sender(http, answers, lambda turns: loop.run_until_complete(send_all(turns)))


@contextmanager
def instrumented(**options: Any) -> Generator[None]:
    """
    Instrument while the block lasts.
    """
    instrument(**options)
    try:
        yield
    finally:
        uninstrument()


class Scene:
    """
    The variants of one client, and what each must have done in the end.
    """

    def __init__(self, open_sender: Callable[..., Sender]) -> None:
        self._open = open_sender
        self.variants: dict[str, Variant] = {_PLAIN: Variant(open_sender().send)}
        self._due: list[tuple[Answers, Tally, int]] = []
        for sampled, suffix in ((True, ""), (False, ", unsampled")):
            self._add_contrib(f"contrib httpx{suffix}", sampled=sampled)
            self._add_ours(f"ours{suffix}", sampled=sampled)
        self._add_copy()

    def measure(self, effort: Effort) -> Costs:
        """
        Run all of them, and see that each made its spans.
        """
        costs = interleave(self.variants, effort.rounds, effort.batch)
        for answers, tally, spans in self._due:
            assert answers.given > effort.rounds * effort.batch
            assert tally.spans == spans * answers.given, (tally.spans, answers.given)
        return costs

    def _add_contrib(self, name: str, *, sampled: bool) -> None:
        (provider, tally), sender = open_provider(sampled=sampled), self._open()
        HTTPXClientInstrumentor.instrument_client(sender.http, tracer_provider=provider)
        self._due.append((sender.answers, tally, int(sampled)))
        self.variants[name] = Variant(sender.send)

    def _add_ours(self, name: str, *, sampled: bool) -> None:
        (provider, tally), sender, store = open_provider(sampled=sampled), self._open(), _Kept()
        self._due.append((sender.answers, tally, SPANS * sampled))

        def send(turns: Sequence[Any]) -> None:
            sender.send(turns)
            assert store.find(f"message:{sender.answers.message_id}")

        self.variants[name] = Variant(
            send, within=lambda: instrumented(tracer_provider=provider, store=store)
        )

    def _add_copy(self) -> None:
        def send_once(provider: TracerProvider) -> None:
            with instrumented(tracer_provider=provider, store=MemoryStore()):
                self._open().send(range(1))

        copy = Copy(record(send_once))
        assert copy.spans == SPANS
        assert copy.links >= 2, "the send and the life are linked both ways"
        (provider, tally), lone = open_provider(), open_provider()[0].get_tracer("bare")
        tracer = provider.get_tracer("bare")
        sender = self._open(lambda: copy.make(tracer))
        self._due.append((sender.answers, tally, SPANS))
        self.variants[_BY_HAND] = Variant(sender.send)

        def make(turns: Sequence[Any]) -> None:
            for _ in turns:
                copy.make(lone)

        self.variants["bare spans, over and over"] = Variant(make)


class _Kept(MemoryStore):
    """
    A memory store of a size that neither grows nor is full while others have their turn.
    """

    def __init__(self) -> None:
        super().__init__(size=10_000)


def measure_sync(effort: Effort) -> list[Line]:
    """
    Measure the blocking client.
    """
    return _report("send", Scene(open_sync).measure(effort))


def measure_async(effort: Effort) -> list[Line]:
    """
    Measure the other one.
    """
    with closing(asyncio.new_event_loop()) as loop:
        return _report("send, async", Scene(partial(open_async, loop)).measure(effort))


def _report(what: str, costs: Costs) -> list[Line]:
    ours, theirs = added("ours", _PLAIN), added("contrib httpx", _PLAIN)
    unsampled = (added(f"{name}, unsampled", _PLAIN) for name in ("ours", "contrib httpx"))
    told = medians(costs)
    return [
        Line(f"{what}: added", "contrib httpx adds", compare(costs, ours, theirs), 0.6, costs=told),
        Line(
            f"{what}: whole call",
            f"uninstrumented, {_BY_HAND}",
            compare(costs, {"ours": 1}, {_BY_HAND: 1}),
            1.25,
        ),
        Line(
            f"{what}: added",
            f"{_BY_HAND} add",
            compare(costs, ours, added(_BY_HAND, _PLAIN)),
            1.25,
        ),
        Line(
            f"{what}, unsampled: added",
            "contrib httpx adds, unsampled",
            compare(costs, *unsampled),
            0.25,
        ),
    ]
