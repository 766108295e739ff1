"""
Spans of the plain SDK, sent by the real exporters, arrive whole at receivers nobody here wrote.

What holds for these holds for ours: any later difference is in what we make of a span.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, format_span_id, format_trace_id

from support.otlp_route import DIRECT_WAYS
from support.otlp_spans import ReceivedLink, ReceivedSpan


if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from support.otlp_processes import Receiver
    from support.otlp_route import OtlpRoute


START_NS = 1_700_000_000_123_456_789
CHILD_PROGRAM = """
import os

from importlib.metadata import entry_points
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol = os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"].partition("/")[0]
(found,) = entry_points(group="opentelemetry_traces_exporter", name=f"otlp_proto_{protocol}")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(found.load()()))
provider.get_tracer("child").start_span("from the child process").end()
provider.shutdown()
"""


def ids(span: Span) -> tuple[str, str]:
    context = span.get_span_context()
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


def under(parent: Span) -> Any:
    return trace.set_span_in_context(parent)


class TestOtlpRoute:
    def test_span(self, otlp_route: OtlpRoute) -> None:
        """
        A span arrives exactly as it left, to the nanosecond.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        span = tracer.start_span("send", start_time=START_NS, kind=SpanKind.PRODUCER)
        span.end(START_NS + 1_001)

        otel_trace_id, span_id = ids(span)
        assert otlp_route.spans() == [
            ReceivedSpan(
                otel_trace_id=otel_trace_id,
                span_id=span_id,
                parent_span_id=None,
                name="send",
                kind="PRODUCER",
                start_ns=START_NS,
                end_ns=START_NS + 1_001,
                attributes={},
                links=(),
                status="UNSET",
                status_message=None,
                service_name="sender",
            )
        ]

    def test_tree(self, otlp_route: OtlpRoute) -> None:
        """
        Every span names its trace and its parent, and another root has a trace of its own.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        root = tracer.start_span("root")
        child = tracer.start_span("child", context=under(root))
        leaf = tracer.start_span("leaf", context=under(child))
        other = tracer.start_span("other")
        for span in (leaf, child, root, other):
            span.end()

        arrived = otlp_route.spans(at_least=4)
        assert {
            span.name: ((span.otel_trace_id, span.span_id), span.parent_span_id) for span in arrived
        } == {
            "root": (ids(root), None),
            "child": (ids(child), ids(root)[1]),
            "leaf": (ids(leaf), ids(child)[1]),
            "other": (ids(other), None),
        }
        assert len(arrived) == 4

    def test_kinds(self, otlp_route: OtlpRoute) -> None:
        """
        Every kind arrives under its own name.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        for kind in SpanKind:
            tracer.start_span(kind.name, kind=kind).end()

        arrived = otlp_route.spans(at_least=5)
        assert sorted((span.name, span.kind) for span in arrived) == [
            ("CLIENT", "CLIENT"),
            ("CONSUMER", "CONSUMER"),
            ("INTERNAL", "INTERNAL"),
            ("PRODUCER", "PRODUCER"),
            ("SERVER", "SERVER"),
        ]

    def test_attributes(self, otlp_route: OtlpRoute) -> None:
        """
        Attributes keep value and type, and integers all 64 bits.
        """
        sent: dict[str, Any] = {
            "string": "zażółć 🙂",
            "empty": "",
            "integer": 2**53 + 1,
            "negative": -5,
            "zero": 0,
            "float": 0.1,
            "whole": 2.0,
            "true": True,
            "false": False,
            "strings": ("a", "b"),
            "nothing": (),
        }
        tracer = otlp_route.provider("sender").get_tracer("test")
        tracer.start_span("send", attributes=sent).end()

        (span,) = otlp_route.spans()
        assert span.attributes == sent
        assert {key: type(value) for key, value in span.attributes.items()} == {
            key: type(value) for key, value in sent.items()
        }

    def test_link(self, otlp_route: OtlpRoute) -> None:
        """
        A link into another trace arrives with its attributes.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        target = tracer.start_span("target", start_time=START_NS)
        link = Link(target.get_span_context(), {"linq.link": "send", "attempt": 2})
        tracer.start_span("source", start_time=START_NS + 1, links=[link]).end()
        target.end()

        first, second = otlp_route.spans(at_least=2)
        assert (first.name, first.links) == ("target", ())
        assert (second.name, second.links) == (
            "source",
            (ReceivedLink(*ids(target), {"linq.link": "send", "attempt": 2}),),
        )
        assert second.otel_trace_id != first.otel_trace_id

    def test_late_child(self, otlp_route: OtlpRoute) -> None:
        """
        A child exported half a second after its parent, by itself, still joins its trace.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        parent = tracer.start_span("parent")
        parent.end()
        otlp_route.spans(at_least=1)
        time.sleep(0.5)
        late = tracer.start_span("late", context=under(parent))
        late.end()

        first, second = otlp_route.batches(at_least=2)
        assert [(span.name, span.span_id) for span in first] == [("parent", ids(parent)[1])]
        assert [(span.name, span.otel_trace_id, span.parent_span_id) for span in second] == [
            ("late", *ids(parent))
        ]
        assert second[0].start_ns - first[0].end_ns >= 500_000_000

    def test_status(self, otlp_route: OtlpRoute) -> None:
        """
        An error arrives with its description, a success as such.
        """
        tracer = otlp_route.provider("sender").get_tracer("test")
        for status in (Status(StatusCode.ERROR, "carrier rejected"), Status(StatusCode.OK)):
            span = tracer.start_span(status.status_code.name)
            span.set_status(status)
            span.end()

        arrived = otlp_route.spans(at_least=2)
        assert sorted((span.name, span.status, span.status_message) for span in arrived) == [
            ("ERROR", "ERROR", "carrier rejected"),
            ("OK", "OK", None),
        ]

    def test_services(self, otlp_route: OtlpRoute) -> None:
        """
        Two services draw one trace, and each span says which of them it is from.
        """
        sender = otlp_route.provider("sender").get_tracer("test")
        receiver = otlp_route.provider("receiver").get_tracer("test")
        send = sender.start_span("send", start_time=START_NS)
        process = receiver.start_span("process", context=under(send), start_time=START_NS + 1)
        process.end()
        send.end()

        assert [
            (span.service_name, span.name, span.otel_trace_id, span.parent_span_id)
            for span in otlp_route.spans(at_least=2)
        ] == [
            ("sender", "send", ids(send)[0], None),
            ("receiver", "process", *ids(send)),
        ]

    def test_environment(self, otlp_route: OtlpRoute) -> None:
        """
        A child process that knows only environment variables takes the same way.
        """
        subprocess.run(
            [sys.executable, "-c", CHILD_PROGRAM],
            env={**os.environ, **otlp_route.environment(), "OTEL_SERVICE_NAME": "child"},
            check=True,
            timeout=60,
        )

        assert [(span.service_name, span.name) for span in otlp_route.spans()] == [
            ("child", "from the child process")
        ]

    @pytest.mark.parametrize("otlp_route", DIRECT_WAYS[2:], ids=str, indirect=True)
    def test_compression(self, otlp_route: OtlpRoute, otlp_agent: Receiver) -> None:
        """
        Over HTTP the body is compressed when, and only when, the way says so.
        """
        otlp_route.provider("sender").get_tracer("test").start_span("send").end()
        otlp_route.spans()

        requests = json.loads(otlp_agent.read("/test/session/requests"))
        encodings = [request["headers"].get("Content-Encoding", "none") for request in requests]
        assert encodings == [otlp_route.way.compression]
