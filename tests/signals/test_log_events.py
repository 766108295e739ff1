from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from linq import APIConnectionError, BadRequestError, LinqAPIV3
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from linq_otel import instrument, uninstrument
from support import payloads as p
from support.scripted_linq import CHAT_ID, Reply, ScriptedLinq, refusal
from support.sending import send
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    Logged = Callable[[], list[tuple[Any, ...]]]


@pytest.fixture
def records() -> InMemoryLogRecordExporter:
    """Return what collects the log events."""
    return InMemoryLogRecordExporter()


@pytest.fixture
def logger_provider(records: InMemoryLogRecordExporter) -> Iterator[LoggerProvider]:
    """Yield a logger provider of the SDK."""
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(records))
    yield provider
    provider.shutdown()


@pytest.fixture
def logged(records: InMemoryLogRecordExporter) -> Logged:
    """Return what lists the events: name, severity, attributes, and the span they are about."""

    def logged() -> list[tuple[Any, ...]]:
        found = [each.log_record for each in records.get_finished_logs()]
        return [
            (r.event_name, r.severity_number, dict(r.attributes or {}), (r.trace_id, r.span_id))
            for r in found
        ]

    return logged


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """Yield a Linq on a free port."""
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def client(
    linq: ScriptedLinq, provider: TracerProvider, logger_provider: LoggerProvider
) -> Iterator[LinqAPIV3]:
    """Yield a client of it in an instrumented process."""
    instrument(tracer_provider=provider, logger_provider=logger_provider)
    with LinqAPIV3(api_key="k", base_url=linq.base_url, max_retries=1) as client:
        yield client
    uninstrument()


def ids(exporter: InMemorySpanExporter, name: str) -> tuple[int, int]:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span.context.trace_id, span.context.span_id


class TestExceptions:
    def test_of_a_send(
        self, client: LinqAPIV3, linq: ScriptedLinq, logged: Logged, exporter: InMemorySpanExporter
    ) -> None:
        """Once for a call, after its retries, at WARN, and without what the text may quote."""
        linq.script(Reply(503), Reply(400, refusal(1002, "+15550123 is no phone number")))
        with pytest.raises(BadRequestError):
            send(client)
        facts = {
            "exception.type": "linq.BadRequestError",
            "error.type": "400",
            "linq.error.code": 1002,
            "linq.error.doc_url": "https://docs.linqapp.com/error/1002",
            "linq.operation": "chats.messages.send",
        }
        span = ids(exporter, "linq chats.messages.send")
        assert logged() == [("messaging.send.exception", SeverityNumber.WARN, facts, span)]

    def test_of_another_call(
        self, client: LinqAPIV3, linq: ScriptedLinq, logged: Logged, exporter: InMemorySpanExporter
    ) -> None:
        """A look-up that gets no answer is no send."""
        linq.script(Reply(drop=True), Reply(drop=True))
        with pytest.raises(APIConnectionError):
            client.chats.retrieve(CHAT_ID)
        facts = {
            "exception.type": "linq.APIConnectionError",
            "error.type": "linq.APIConnectionError",
            "linq.operation": "chats.retrieve",
        }
        span = ids(exporter, "linq chats.retrieve")
        assert logged() == [("linq.client.operation.exception", SeverityNumber.WARN, facts, span)]

    def test_of_a_call_that_comes_right(
        self, client: LinqAPIV3, linq: ScriptedLinq, logged: Logged
    ) -> None:
        """What a retry mends is no failure."""
        linq.script(Reply(503))
        send(client)
        assert logged() == []

    def test_of_a_handler(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        logger_provider: LoggerProvider,
        logged: Logged,
    ) -> None:
        """At ERROR: nobody will try it again but Linq."""
        desk = Desk(provider, exporter, {"logger_provider": logger_provider})
        with (
            pytest.raises(ValueError, match="5550123"),
            desk.receiver.process({}, p.body_of("message.sent")),
        ):
            raise ValueError("+15550123")
        facts = {
            "exception.type": "ValueError",
            "error.type": "ValueError",
            "linq.event.type": "message.sent",
        }
        span = ids(exporter, "process message.sent")
        assert logged() == [("messaging.process.exception", SeverityNumber.ERROR, facts, span)]


class TestStages:
    def test_in_the_sender_s_trace(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        logger_provider: LoggerProvider,
        logged: Logged,
        records: InMemoryLogRecordExporter,
    ) -> None:
        """Each once, at its own time, about the span that sent the message."""
        options = {"logger_provider": logger_provider, "stage_events": True}
        desk = Desk(provider, exporter, options)
        sender = desk.send()
        desk.stage("sent")
        desk.stage("sent")
        desk.stage("failed", event_id="e2")
        facts = {
            "linq.event.id": p.EVENT_ID,
            "linq.event.type": "message.sent",
            "linq.trace_id": p.LINQ_TRACE_ID,
            "linq.message.id": p.MESSAGE_ID,
            "linq.chat.id": p.CHAT_ID,
            "linq.service": "iMessage",
        }
        failed = {**facts, "linq.event.id": "e2", "linq.event.type": "message.failed"}
        span = (sender.trace_id, sender.span_id)
        assert logged() == [
            ("linq.message.sent", SeverityNumber.INFO, facts, span),
            ("linq.message.failed", SeverityNumber.WARN, failed, span),
        ]
        assert [each.log_record.timestamp for each in records.get_finished_logs()] == [
            p.at_ns(2.0),
            p.at_ns(4.0),
        ]

    def test_without_its_origin(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        logger_provider: LoggerProvider,
        logged: Logged,
    ) -> None:
        """Where the sender is not known, it is about the handler's span."""
        options = {"logger_provider": logger_provider, "stage_events": True}
        Desk(provider, exporter, options).stage("sent")
        ((_, _, _, span),) = logged()
        assert span == ids(exporter, "process message.sent")

    def test_off_by_default(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        logger_provider: LoggerProvider,
        logged: Logged,
    ) -> None:
        """Who does not ask for them gets none."""
        desk = Desk(provider, exporter, {"logger_provider": logger_provider})
        desk.send()
        desk.stage("sent")
        assert logged() == []
