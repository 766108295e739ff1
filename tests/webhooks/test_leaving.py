from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from linq_otel import _deliveries
from linq_otel.stores.memory import MemoryStore
from support import payloads as p
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from linq_otel._origins import Origin
    from linq_otel.webhooks import Event


BODY = p.body_of("message.delivered")


class Interrupting(MemoryStore):
    """
    A store during whose work somebody presses Ctrl-C.
    """

    def save(self, origin: Origin) -> None:
        """
        Be interrupted.
        """
        raise KeyboardInterrupt


class TestInterrupted:
    """
    What is interrupted before the handler runs leaves nothing behind.
    """

    def test_while_the_span_is_begun(self, desk: Desk) -> None:
        """The span ends, without an error of the handler's, and is current no more."""

        def hook(span: trace.Span, event: Event) -> None:
            raise KeyboardInterrupt

        hooked = Desk(desk.provider, desk.exporter, {"webhook_hook": hook})
        with pytest.raises(KeyboardInterrupt), hooked.receiver.process({}, BODY):
            pytest.fail("the handler runs")
        self.assert_left(hooked, "process message.delivered")

    def test_while_the_origin_is_saved(self, desk: Desk) -> None:
        """So it is where the interruption comes from a store."""
        receiver = Desk(desk.provider, desk.exporter, store=Interrupting()).receiver
        body = p.body_of("message.received")
        with pytest.raises(KeyboardInterrupt), receiver.process({}, body):
            pytest.fail("the handler runs")
        self.assert_left(desk, "process message.received")

    def test_while_the_origin_is_saved_by_a_coroutine(self, desk: Desk) -> None:
        """In a coroutine it is the same."""
        receiver = Desk(desk.provider, desk.exporter, store=Interrupting()).receiver

        async def handle() -> None:
            with pytest.raises(KeyboardInterrupt):
                async with receiver.aprocess({}, p.body_of("message.received")):
                    pytest.fail("the handler runs")
            self.assert_left(desk, "process message.received")

        asyncio.run(handle())

    def assert_left(self, desk: Desk, name: str) -> None:
        """
        See that one span ended, and that nothing is current.
        """
        span = desk.one(name)
        assert (span["status"], "error.type" in span["attributes"]) == ("UNSET", False)
        assert not trace.get_current_span().get_span_context().is_valid
        assert _deliveries.current_event() is None


class TestAnotherContext:
    def test_a_handler_may_be_left_in_one(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An event loop closes a coroutine in a context of its own: nothing is raised or undone."""
        run = desk.receiver.process({}, BODY)
        contextvars.copy_context().run(run.__enter__)
        run.__exit__(None, None, None)
        assert desk.one("process message.delivered")["status"] == "UNSET"
        assert {record.name for record in caplog.records} == {"linq_otel"}
