"""
What a call costs as more is done: with a thousand under way at once, or two hundred attributes.

How stores grow is measured by ``growth.py``, for it takes an hour.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from linq import AsyncLinqAPIV3
from measuring import Line, Variant, added, compare, find_sum, interleave
from opentelemetry.sdk.trace import SpanLimits
from sending import CHAT, MESSAGE, PLACE, SPANS, Answers, instrumented, open_sync
from tallies import open_provider

from linq_otel.stores.memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from contextlib import AbstractContextManager

    from measuring import Costs, Effort
    from opentelemetry.trace import Span


_MOST_GROWTH: Final = 1.3
_PLAIN: Final = "uninstrumented"


@dataclass(slots=True)
class Crowd:
    """
    Holds every answer back until *size* calls are under way.
    """

    size: int
    answers: Answers
    waiting: int = 0
    most: int = 0
    all_here: asyncio.Event | None = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Accept one message, when all others are there.
        """
        if self.all_here is None:
            self.all_here = asyncio.Event()
        gate = self.all_here
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting == self.size:
            self.waiting, self.all_here = 0, None
            gate.set()
        await gate.wait()
        return self.answers.answer(request)


def measure_concurrency(effort: Effort) -> list[Line]:
    """
    Measure calls of the async client, all of a turn at once.
    """
    sizes = [1, 10] if effort.is_short else [1, 10, 50, 200, 1_000]
    with _collecting_own():
        costs = _time_crowds(effort, sizes)
    terms = {size: added(f"{size}", f"{size}, {_PLAIN}") for size in sizes}
    points = tuple((size, find_sum(costs, each).spread) for size, each in terms.items())
    found = compare(costs, terms[sizes[-1]], terms[sizes[0]])
    with _without_collector():
        costs = _time_crowds(effort, [sizes[0], sizes[-1]])
    name, against = f"{sizes[-1]:,} calls at once", "one at a time"
    return [
        Line(f"{name}: added", against, found, _MOST_GROWTH, points=points),
        Line(
            f"{name}, no garbage collected: added",
            against,
            compare(costs, terms[sizes[-1]], terms[sizes[0]]),
        ),
    ]


def _time_crowds(effort: Effort, sizes: Sequence[int]) -> Costs:
    provider, tally = open_provider()
    within = _instrument(tracer_provider=provider, store=MemoryStore(size=10_000))
    with closing(asyncio.new_event_loop()) as loop:
        variants: dict[str, Variant] = {}
        for size in sizes:
            variants |= {
                f"{size}, {_PLAIN}": _crowded(loop, size),
                f"{size}": _crowded(loop, size, within),
            }
        # A turn is as many calls as go at once at most, and every size is a part of that.
        costs = interleave(variants, max(effort.rounds // 8, 2), sizes[-1])
    assert tally.spans > 0
    assert tally.spans % SPANS == 0
    return costs


@contextmanager
def _collecting_own() -> Generator[None]:
    """
    Let the garbage collector walk what is under way alone, and not what the other lines loaded.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _without_collector() -> Generator[None]:
    """
    Leave cycles where they are: what is under way is not walked again and again.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def measure_attributes(effort: Effort) -> list[Line]:
    """
    Measure calls whose hook sets attributes.
    """
    sizes = [1, 100, 200] if effort.is_short else [1, 10, 50, 100, 150, 200]
    sender, store = open_sync(), MemoryStore(size=10_000)
    variants = {_PLAIN: Variant(sender.send)}
    tallies = []
    for size in sizes:
        # The SDK keeps 128, unless it is told otherwise.
        provider, tally = open_provider(span_limits=SpanLimits(max_attributes=512))
        within = _instrument(tracer_provider=provider, store=store, request_hook=_set(size))
        variants[f"{size}"] = Variant(sender.send, within=within)
        tallies.append(tally)
    costs = interleave(variants, effort.rounds, effort.batch)
    assert len({tally.spans for tally in tallies}) == 1, "one hook failed"
    assert tallies[0].spans % SPANS == 0
    points = tuple((size, find_sum(costs, added(f"{size}", _PLAIN)).spread) for size in sizes)
    # An attribute of the second hundred, as a part of one of the first: 100 each, and 99.
    found = compare(costs, {"200": 99, "100": -99}, {"100": 100, "1": -100})
    name = "200 attributes of a hook: each"
    return [Line(name, "each of the first 100", found, _MOST_GROWTH, points=points)]


def _instrument(**options: Any) -> Callable[[], AbstractContextManager[None]]:
    return lambda: instrumented(**options)


def _set(size: int) -> Callable[[Span, Any], None]:
    pairs = [(f"app.attribute.{number}", f"value {number}") for number in range(size)]

    def set_attributes(span: Span, _request: Any) -> None:
        for name, text in pairs:
            span.set_attribute(name, text)

    return set_attributes


def _crowded(
    loop: asyncio.AbstractEventLoop,
    size: int,
    within: Callable[[], AbstractContextManager[object]] | None = None,
) -> Variant:
    crowd = Crowd(size, Answers())
    http = httpx.AsyncClient(transport=httpx.MockTransport(crowd.answer))
    client = AsyncLinqAPIV3(api_key="k", base_url=PLACE, http_client=http, max_retries=0)

    def call() -> Coroutine[Any, Any, object]:
        return client.chats.messages.send(CHAT, message=MESSAGE)  # type: ignore[arg-type]  # As JSON.

    async def send_all(turns: Sequence[Any]) -> None:
        for _ in range(0, len(turns), size):
            await asyncio.gather(*[call() for _ in range(size)])
        assert crowd.most == size

    def run(turns: Sequence[Any]) -> None:
        loop.run_until_complete(send_all(turns))

    return Variant(run) if within is None else Variant(run, within=within)
