from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from linq import LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from support.racing import ANCHOR, SLACK, WAIT, GatedLinq, fresh, later, time_delivery
from support.scripted_linq import MESSAGE_ID, nth_trace_id
from support.sending import send
from support.timing import timed
from support.webhook_desk import Desk, label


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel._origins import Origin


class TestMemoryStore:
    def test_a_send_under_way_is_waited_for(
        self,
        gated_linq: GatedLinq,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """The answer that names the message is still being read in another thread."""
        instrument(tracer_provider=provider, store=MemoryStore())
        try:
            with LinqAPIV3(api_key="k", base_url=gated_linq.base_url) as client:
                sending = threading.Thread(target=send, args=(client,))
                sending.start()
                assert gated_linq.arrived.wait(5)
                with (
                    later(0.05, gated_linq.gate.set),
                    WebhookReceiver().process({}, fresh(message_id=MESSAGE_ID)),
                ):
                    pass
                sending.join(5)
        finally:
            uninstrument()
        spans = {span.name: span for span in exporter.get_finished_spans()}
        sent, anchor = spans["message sent"], spans["linq message"]
        assert sent.parent is not None
        assert label(sent.parent) == label(anchor.context)
        assert f"{spans['message sent'].context.trace_id:032x}" == nth_trace_id(1)

    @pytest.mark.timing
    def test_the_wait_for_it_is_bounded(
        self,
        gated_linq: GatedLinq,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """An answer that does not come holds the webhook up for a quarter of a second."""
        instrument(tracer_provider=provider, store=MemoryStore())
        try:
            with LinqAPIV3(api_key="k", base_url=gated_linq.base_url) as client:
                sending = threading.Thread(target=send, args=(client,))
                sending.start()
                assert gated_linq.arrived.wait(5)
                body = fresh(message_id=MESSAGE_ID)
                with ExitStack() as handling, timed() as timing:
                    handling.enter_context(WebhookReceiver().process({}, body))
                gated_linq.gate.set()
                sending.join(5)
        finally:
            uninstrument()
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK

    @pytest.mark.timing
    def test_with_no_send_under_way_nobody_waits(self, desk: Desk) -> None:
        """All that this process will ever know, it knows."""
        assert time_delivery(desk, fresh()).net < WAIT

    def test_a_send_that_settles_between_two_looks_is_found(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """It was under way at the first look and is over before we ask whether it is."""
        desk: Desk

        class Settling(MemoryStore):
            looks = 0

            def find(self, *keys: str) -> tuple[str, Origin] | None:
                found = super().find(*keys)
                self.looks += 1
                if self.looks == 1:
                    desk.send()
                return found

        desk = Desk(provider, exporter, store=Settling())
        desk.deliver(fresh(), headers={})
        assert desk.one("message sent")["parent"] == ANCHOR
