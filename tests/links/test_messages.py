"""
Work in another process: a message takes the trace along.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    suppress_http_instrumentation,
)
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)

from linq_otel.propagation import attached, to_headers
from support import payloads as p
from support.scripts import run_script
from support.webhook_desk import Desk, label


if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer


OTEL_TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
SPAN_ID = 0xB7AD6B7169203331
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OF_THE_SENDER = SpanContext(OTEL_TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1))
VENDOR = SpanContext(
    OTEL_TRACE_ID,
    SPAN_ID,
    is_remote=False,
    trace_flags=TraceFlags(1),
    trace_state=TraceState([("vendor", "a1")]),
)


def headers_under(span: SpanContext) -> dict[str, str]:
    token = otel_context.attach(set_span_in_context(NonRecordingSpan(span)))
    try:
        return to_headers()
    finally:
        otel_context.detach(token)


class TestToHeaders:
    def test_of_the_current_span(self) -> None:
        """W3C, and no key more than there must be."""
        assert headers_under(OF_THE_SENDER) == {"traceparent": TRACEPARENT}
        assert headers_under(VENDOR) == {"traceparent": TRACEPARENT, "tracestate": "vendor=a1"}

    def test_without_a_span(self) -> None:
        """Nothing is said where there is nothing to say."""
        assert to_headers() == {}

    def test_of_a_span_that_is_not_sampled(self) -> None:
        """The decision goes along."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        with provider.get_tracer("app").start_as_current_span("handler"):
            flags = to_headers()["traceparent"].rpartition("-")[2]
            assert int(flags, 16) & TraceFlags.SAMPLED == 0
        provider.shutdown()

    def test_whatever_propagators_are_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An app that has switched to none, or to another format, can still be joined."""
        monkeypatch.setattr(propagate, "propagator", CompositePropagator([]))
        assert headers_under(OF_THE_SENDER) == {"traceparent": TRACEPARENT}

    def test_never_baggage(self, app: Tracer) -> None:
        """Baggage may hold what a queue should not."""
        token = otel_context.attach(baggage.set_baggage("user", p.EMAIL))
        try:
            with app.start_as_current_span("handler"):
                assert to_headers().keys() == {"traceparent"}
        finally:
            otel_context.detach(token)


class TestAttached:
    @pytest.mark.parametrize(
        "headers",
        [
            {"traceparent": TRACEPARENT},
            {"Traceparent": TRACEPARENT, "baggage": "user=1", "x": 1},
            {"TRACEPARENT": TRACEPARENT, "tracestate": "not one"},
            {"traceparent": TRACEPARENT, "tracestate": None},
            {"traceparent": TRACEPARENT, "tracestate": 7},
            {b"traceparent": b"no", "traceparent": TRACEPARENT},
        ],
    )
    def test_makes_a_child(self, headers: Any, app: Tracer) -> None:
        """A span started there hangs under the span that was written down."""
        with attached(headers), app.start_as_current_span("work") as span:
            context = span.get_span_context()
            parent = span.parent
        assert label(parent) == TRACEPARENT[3:-3]
        assert (context.trace_id, parent.is_remote) == (OTEL_TRACE_ID, True)
        assert not get_current_span().get_span_context().is_valid

    def test_takes_the_state_of_vendors_along(self) -> None:
        """What was written is read."""
        with attached(headers_under(VENDOR)):
            assert to_headers() == {"traceparent": TRACEPARENT, "tracestate": "vendor=a1"}

    @pytest.mark.parametrize(
        "headers",
        [
            None,
            {},
            {"traceparent": ""},
            {"traceparent": None},
            {"traceparent": 7},
            {"traceparent": b"00-00"},
            {"traceparent": ["x"]},
            {"traceparent": TRACEPARENT[:-1]},
            {"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"},
            {"traceparent": "ff" + TRACEPARENT[2:]},
            {"traceparent": "é" * 100_000},
            {"tracestate": "vendor=a1"},
            "traceparent",
            7,
            [("traceparent", TRACEPARENT)],
            [1, 2],
        ],
    )
    def test_passes_over_what_is_none(self, headers: Any, app: Tracer) -> None:
        """It never raises, and the block runs in the context it is in."""
        with app.start_as_current_span("ambient") as ambient:
            with attached(headers):
                assert get_current_span() is ambient
            assert get_current_span() is ambient

    def test_does_not_silence_http(self) -> None:
        """The work is no part of what the process does besides."""
        with suppress_http_instrumentation(), attached({"traceparent": TRACEPARENT}):
            assert is_http_instrumentation_enabled()

    def test_an_exception_passes_through(self) -> None:
        """The very object, and the context is left."""
        error = ValueError("mine")
        with (
            pytest.raises(ValueError, match="mine") as raised,
            attached({"traceparent": TRACEPARENT}),
        ):
            raise error
        assert raised.value is error
        assert to_headers() == {}


RECEIVER = """
    import json, sys
    from opentelemetry.sdk.trace import TracerProvider
    from linq_otel.propagation import to_headers
    from linq_otel.webhooks import WebhookReceiver

    receiver = WebhookReceiver(tracer_provider=TracerProvider(), store="memory:")
    with receiver.process(None, sys.argv[1].encode()) as event:
        print(json.dumps({"chat": event.chat_id, "trace": to_headers()}))
"""
WORKER = """
    import json, sys
    from opentelemetry.sdk.trace import TracerProvider
    from linq_otel.propagation import attached

    message = json.loads(sys.argv[1])
    tracer = TracerProvider().get_tracer("app")
    with attached(message["trace"]), tracer.start_as_current_span("work") as span:
        print(json.dumps({
            "otel_trace_id": f"{span.context.trace_id:032x}",
            "parent": f"{span.parent.span_id:016x}",
            "sampled": span.context.trace_flags.sampled,
        }))
"""


class TestProcesses:
    def test_a_queue_between_two(self) -> None:
        """A message of JSON makes the worker's span a child of the handler's, in its trace."""
        message = run_script(RECEIVER, p.body_of("message.received").decode())
        done = json.loads(run_script(WORKER, message))
        traceparent = json.loads(message)["trace"]["traceparent"]
        assert done == {
            "otel_trace_id": p.LINQ_TRACE_ID,
            "parent": traceparent.split("-")[2],
            "sampled": True,
        }
        assert json.loads(message) == {
            "chat": p.CHAT_ID,
            "trace": {"traceparent": f"00-{p.LINQ_TRACE_ID}-{done['parent']}-01"},
        }

    def test_within_one(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, app: Tracer
    ) -> None:
        """The handler's span has ended by then, and is the parent all the same."""
        desk = Desk(provider, exporter)
        with desk.receiver.process(None, p.body_of("message.received")):
            message = json.dumps(to_headers())
        with attached(json.loads(message)), app.start_as_current_span("work"):
            pass
        assert desk.one("work")["parent"] == desk.one("process message.received")["id"]
