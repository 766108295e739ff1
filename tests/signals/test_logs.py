from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from linq import LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel.logs import LinqLogFilter, add_linq_ids
from support import payloads as p
from support.scripted_linq import MESSAGE_ID, ScriptedLinq, nth_trace_id
from support.sending import send
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Yield what the root logger writes, with our filter on its handler."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(LinqLogFilter())
    handler.setFormatter(
        logging.Formatter("%(message)s|%(linq_trace_id)s|%(linq_message_id)s|%(linq_event_id)s")
    )
    logger = logging.getLogger("app")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


@pytest.fixture
def desk(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """Return a process that has a secret."""
    return Desk(provider, exporter, secret=p.SECRET)


class TestFilter:
    def test_in_a_handler(self, desk: Desk, written: io.StringIO) -> None:
        """Records of child loggers have the ids of the event that is handled, and then no more."""
        body = p.body_of("message.sent")
        with desk.receiver.process(p.headers_of(body), body):
            logging.getLogger("app.orders").warning("inside")
        logging.getLogger("app").warning("outside")
        ids = f"{p.LINQ_TRACE_ID}|{p.MESSAGE_ID}|{p.EVENT_ID}"
        assert written.getvalue().splitlines() == [f"inside|{ids}", "outside|||"]

    def test_in_a_forged_one(self, desk: Desk, written: io.StringIO) -> None:
        """What a stranger wrote does not get into the log."""
        with desk.receiver.process({"webhook-id": "x"}, p.body_of("message.sent")):
            logging.getLogger("app").warning("forged")
        assert written.getvalue() == "forged|||\n"

    def test_in_a_call(self, provider: TracerProvider, written: io.StringIO) -> None:
        """A hook of the app, called when the answer is in, logs under the answer's ids."""

        def hook(*_: object) -> None:
            logging.getLogger("app").warning("answered")

        with ScriptedLinq() as linq:
            instrument(tracer_provider=provider, response_hook=hook)
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
            finally:
                uninstrument()
        assert written.getvalue() == f"answered|{nth_trace_id(1)}||\n"

    def test_in_a_call_inside_a_handler(
        self, provider: TracerProvider, desk: Desk, written: io.StringIO
    ) -> None:
        """The answer is another message than the one that is answered."""

        def hook(*_: object) -> None:
            logging.getLogger("app").warning("answered")

        body = p.body_of("message.received")
        with ScriptedLinq() as linq, desk.receiver.process(p.headers_of(body), body):
            instrument(tracer_provider=provider, response_hook=hook)
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
            finally:
                uninstrument()
        assert written.getvalue() == f"answered|{nth_trace_id(1)}||\n"
        assert MESSAGE_ID not in written.getvalue()


class TestStructlog:
    def test_processor(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        """An event has the ids that are known, and no empty ones."""
        structlog.configure(processors=[add_linq_ids, structlog.processors.JSONRenderer()])
        try:
            body = p.body_of("message.sent")
            with desk.receiver.process(p.headers_of(body), body):
                structlog.get_logger().info("inside")
            structlog.get_logger().info("outside")
        finally:
            structlog.reset_defaults()
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in capsys.readouterr().out.splitlines()
        ]
        assert lines == [
            {
                "event": "inside",
                "linq_trace_id": p.LINQ_TRACE_ID,
                "linq_message_id": p.MESSAGE_ID,
                "linq_event_id": p.EVENT_ID,
            },
            {"event": "outside"},
        ]
