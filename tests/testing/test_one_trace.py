"""
The assertion: what is one joined trace, what is as expected, and what a failure says.
"""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import Link, SpanKind, StatusCode

from linq_otel.testing.spans import SpanOutline, assert_one_trace, draw_spans, parse_outline


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Span, Tracer


LIFE = """
    linq message
      message accepted
      message sent
    """


def clean(text: str) -> str:
    return dedent(text).strip("\n")


def failure_of(spans: Any, expected: Any = None, **more: Any) -> str:
    """
    What the assertion says.
    """
    with pytest.raises(AssertionError) as raised:
        assert_one_trace(spans, expected, **more)
    return str(raised.value)


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("shop")


def draw_life(tracer: Tracer, link_to: Span | None = None) -> None:
    links = [Link(link_to.get_span_context(), {"linq.link": "send"})] if link_to else []
    with tracer.start_as_current_span("linq message", links=links):
        for stage in ("accepted", "sent"):
            tracer.start_span(f"message {stage}", attributes={"linq.stage": stage}).end()


@contextmanager
def call(tracer: Tracer) -> Iterator[Span]:
    with (
        tracer.start_as_current_span("place order"),
        tracer.start_as_current_span("linq chats.create", kind=SpanKind.PRODUCER) as span,
    ):
        yield span


class TestJoined:
    def test_by_parents(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """One OpenTelemetry trace is one trace."""
        draw_life(tracer)
        assert_one_trace(exporter.get_finished_spans(), traces=1)

    def test_by_links(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """A link ties two of them, whichever way it points."""
        with call(tracer) as span:
            pass
        draw_life(tracer, span)
        spans = exporter.get_finished_spans()
        assert_one_trace(spans, traces=2)
        assert_one_trace(spans[::-1], traces=2)

    def test_torn(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """What nothing joins is drawn apart."""
        with call(tracer):
            pass
        draw_life(tracer)
        assert failure_of(exporter.get_finished_spans()) == clean(
            """
            the spans are not one trace, but 2 that nothing joins:

            place order [INTERNAL]
              linq chats.create [PRODUCER]

            linq message [INTERNAL]
              message accepted [INTERNAL]
              message sent [INTERNAL]
            """
        )

    def test_number_of_traces(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """Who wants one OpenTelemetry trace is told of two."""
        with call(tracer) as span:
            pass
        draw_life(tracer, span)
        told = failure_of(exporter.get_finished_spans(), traces=1)
        assert told.splitlines()[0] == "there are 2 OpenTelemetry traces, not 1:"

    def test_none(self) -> None:
        """No spans are no trace."""
        assert failure_of([]) == "there are no spans at all"


class TestExpected:
    @pytest.fixture
    def spans(self, tracer: Tracer, exporter: InMemorySpanExporter) -> Any:
        """A call, and the life it links to."""
        with call(tracer) as span:
            pass
        draw_life(tracer, span)
        return exporter.get_finished_spans()

    @pytest.mark.parametrize(
        "expected",
        [
            "place order\n  linq chats.create\n" + clean(LIFE),
            "linq message\n  message sent\n  message accepted\nplace order\n  linq chats.create",
            "place order\n    linq chats.create\nlinq message\n\n    ...",
            "linq message\n  message sent\n  ...\n...",
            "linq message -> send: linq chats.create\n  message sent (linq.stage=sent)\n  ...\n...",
            "...",
        ],
    )
    def test_as_text(self, spans: Any, expected: str) -> None:
        """Siblings come in any order, what is left out may be anything, and dots are the rest."""
        assert_one_trace(spans, expected)

    def test_what_was_drawn(self, spans: Any) -> None:
        """A drawing is an expectation that fits."""
        drawn = draw_spans(spans, attributes=["linq.stage"])
        assert drawn == clean(
            """
            place order [INTERNAL]
              linq chats.create [PRODUCER]
            linq message [INTERNAL] -> send: linq chats.create
              message accepted [INTERNAL] (linq.stage=accepted)
              message sent [INTERNAL] (linq.stage=sent)
            """
        )
        assert_one_trace(spans, drawn)

    def test_as_objects(self, spans: Any) -> None:
        """Objects say more than text: values with types, and no links at all."""
        life = SpanOutline("linq message", parse_outline("message accepted\nmessage sent"))
        order = SpanOutline("place order", (SpanOutline("linq chats.create", links=()),))
        assert_one_trace(spans, (order, life))
        numbered = SpanOutline("linq message", (SpanOutline("message sent", attributes={"n": 1}),))
        assert_one_trace(spans, (order, SpanOutline("linq message", (SpanOutline("..."),))))
        assert failure_of(spans, [order, numbered]).splitlines()[-3:] == [
            "linq message           linq message",
            "  message sent (n=1) !   message sent",
            "                     +   message accepted [INTERNAL]",
        ]

    def test_differences(self, spans: Any) -> None:
        """Both trees are drawn side by side, and what differs is marked."""
        told = failure_of(
            spans,
            """
            place order [SERVER]
              linq chats.create [PRODUCER]
                POST /v3/chats
            linq message -> cause: linq chats.create
              message sent (linq.stage=read)
              message read
            """,
        )
        assert told == clean(
            """
            the trace is not as expected: 6 lines differ (- is missing, + was not expected, ! is another)

            expected                                   actual
            ----------------------------------------   ----------------------------------------
            place order [SERVER]                     ! place order [INTERNAL]
              linq chats.create [PRODUCER]               linq chats.create [PRODUCER]
                POST /v3/chats                       -
            linq message -> cause: linq chats.create ! linq message -> send: linq chats.create
              message sent (linq.stage=read)         !   message sent (linq.stage=sent)
              message read                           -
                                                     +   message accepted [INTERNAL] (linq.stage=accepted)
            """  # noqa: E501  # As it is drawn.
        )

    def test_status(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """An error is marked, and may be asked for."""
        with tracer.start_as_current_span("message failed") as span:
            span.set_status(StatusCode.ERROR)
        spans = exporter.get_finished_spans()
        assert draw_spans(spans) == "message failed [INTERNAL] !ERROR"
        assert_one_trace(spans, "message failed !ERROR")
        told = failure_of(spans, "message failed !UNSET").splitlines()[-1]
        assert told == "message failed ! message failed !ERROR"

    def test_greedy(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """A vague sibling does not take the span that a strict one needs."""
        with tracer.start_as_current_span("turn"):
            for number in (1, 2):
                tracer.start_span("call", attributes={"n": number}).end()
        assert_one_trace(exporter.get_finished_spans(), "turn\n  call\n  call (n=1)")

    def test_parent_elsewhere(self, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
        """A span whose parent is not here is a root, and says so; that is not compared."""
        with call(tracer):
            pass
        spans = [span for span in exporter.get_finished_spans() if span.name != "place order"]
        drawn = draw_spans(spans)
        assert drawn == "linq chats.create [PRODUCER] (parent not here)"
        assert_one_trace(spans, drawn)
        assert_one_trace(spans, "linq chats.create")

    def test_ragged_outline(self) -> None:
        """An outline that is indented under nothing is refused."""
        with pytest.raises(ValueError, match="indented less than those before it: 'c'"):
            parse_outline("  a\n    b\n c")


class TestParseOutline:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("GET /v3/chats/{chat_id}", SpanOutline("GET /v3/chats/{chat_id}")),
            ("a b [CLIENT]", SpanOutline("a b", kind="CLIENT")),
            ("a [b]", SpanOutline("a [b]")),
            ("a (b)", SpanOutline("a (b)")),
            (
                "a [SERVER] !ERROR (x=1, y.z=b c) -> send: d e, elsewhere",
                SpanOutline(
                    "a",
                    kind="SERVER",
                    status="ERROR",
                    attributes={"x": "1", "y.z": "b c"},
                    links=("elsewhere", "send: d e"),
                ),
            ),
        ],
    )
    def test_line(self, line: str, expected: SpanOutline) -> None:
        """A line says its name, and what else it likes."""
        assert parse_outline(line) == (expected,)
