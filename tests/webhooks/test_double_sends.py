from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import payloads as p
from support.webhook_desk import Desk, Life


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class TestDoubleSends:
    @pytest.mark.parametrize("join", ["linq", "app", "message", "link"])
    def test_each_message_has_its_own_life(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, join: str
    ) -> None:
        """A try that was answered 504 sent a message too, which has a life of its own."""
        desk = Desk(provider, exporter, options={"join": join})
        sender = desk.send(linq_trace_ids=(p.OTHER_LINQ_TRACE_ID, p.LINQ_TRACE_ID))
        event = p.envelope(
            "message.sent",
            p.message_data("sent", message_id=p.REPLIED_ID),
            linq_trace_id=p.OTHER_LINQ_TRACE_ID,
        )
        desk.deliver(event, headers={})
        desk.stage("sent")
        by_ids = Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID)
        expected = Life.by_message(p.REPLIED_ID) if join == "message" else by_ids
        parents = [stage["parent"] for stage in desk.named("message sent")]
        assert parents == [expected.anchor, desk.one("linq message")["id"]]
        link = ("send", f"{sender.trace_id:032x}-{sender.span_id:016x}")
        handled = [dict.fromkeys(run["links"]) for run in desk.named("process message.sent")]
        assert [link in links for links in handled] == [True, True]
