from __future__ import annotations

import asyncio
import threading
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from linq import AsyncLinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.racing import SLACK, WAIT, GatedLinq, Shared, Ticks, fresh, shared_desk
from support.scripted_linq import MESSAGE_ID
from support.sending import asend
from support.timing import Timing, timed
from support.webhook_desk import Desk, label


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel._origins import Origin


class Slow(Shared):
    """
    A store that answers late.
    """

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Look after a while.
        """
        time.sleep(0.08)
        return super().find(*keys)


class TestEventLoop:
    @pytest.mark.timing
    @pytest.mark.parametrize("store", [Shared, Slow])
    def test_it_keeps_ticking_while_a_delivery_waits(self, desk: Desk, store: type[Shared]) -> None:
        """Neither the wait nor a slow store is on the loop."""
        waiting = shared_desk(desk, store())
        ticks = Ticks()

        async def run() -> Timing:
            ticking = asyncio.create_task(ticks.run())
            async with AsyncExitStack() as handling:
                with timed() as timing:
                    await handling.enter_async_context(waiting.receiver.aprocess({}, fresh()))
            ticking.cancel()
            return timing

        timing = asyncio.run(run())
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK
        assert ticks.count >= 10
        assert ticks.net < 0.15

    def test_a_shared_store_is_never_asked_on_it(self, desk: Desk) -> None:
        """Not for a stage, and not to keep what came in."""
        store = Shared()
        elsewhere = shared_desk(desk, store)

        async def run() -> int:
            inbound = p.message_data("x", inbound=True) | {"reply_to": {"message_id": "m1"}}
            for body in (fresh(), p.encode(p.envelope("message.received", inbound))):
                async with elsewhere.receiver.aprocess({}, body):
                    pass
            return threading.get_ident()

        assert asyncio.run(run()) not in store.threads
        assert store.finds > 1

    def test_a_send_in_the_same_loop_is_waited_for(
        self,
        gated_linq: GatedLinq,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """Sender and receiver are coroutines of one process."""
        instrument(tracer_provider=provider, store=MemoryStore())

        async def run() -> None:
            async with AsyncLinqAPIV3(api_key="k", base_url=gated_linq.base_url) as client:
                sending = asyncio.create_task(asend(client))
                assert await asyncio.to_thread(gated_linq.arrived.wait, 5)
                asyncio.get_running_loop().call_later(0.05, gated_linq.gate.set)
                async with WebhookReceiver().aprocess({}, fresh(message_id=MESSAGE_ID)):
                    pass
                await sending

        try:
            asyncio.run(asyncio.wait_for(run(), 10))
        finally:
            uninstrument()
        spans = {span.name: span for span in exporter.get_finished_spans()}
        sent, anchor = spans["message sent"], spans["linq message"]
        assert sent.parent is not None
        assert label(sent.parent) == label(anchor.context)

    @pytest.mark.timing
    def test_many_deliveries_wait_at_once(self, desk: Desk) -> None:
        """Ten that wait take no longer than one."""
        waiting = shared_desk(desk)

        async def one(number: int) -> None:
            async with waiting.receiver.aprocess({}, fresh(message_id=f"m{number}")):
                pass

        async def run() -> Timing:
            with timed() as timing:
                await asyncio.gather(*(one(number) for number in range(10)))
            return timing

        timing = asyncio.run(run())
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK
