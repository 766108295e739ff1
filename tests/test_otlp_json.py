from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from linq_otel._otlp_json import LinkRecord, SpanFileError, SpanRecord, read_spans


if TYPE_CHECKING:
    from collections.abc import Mapping


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def line(**fields: Any) -> str:
    """
    Return one line with one span, its fields replaced as said.
    """
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "one",
        "kind": 2,
        "startTimeUnixNano": "1000",
        "endTimeUnixNano": "2000",
        **fields,
    }
    scope = {"scope": {"name": "linq_otel"}, "spans": [span]}
    return json.dumps({"resourceSpans": [{"scopeSpans": [scope]}]})


def span(**fields: Any) -> SpanRecord:
    """
    Return the record of that span.
    """
    given: Mapping[str, Any] = {
        "otel_trace_id": TRACE,
        "span_id": SPAN,
        "parent_span_id": None,
        "name": "one",
        "kind": "SERVER",
        "start_ns": 1000,
        "end_ns": 2000,
        "attributes": {},
        "links": (),
        "status": "UNSET",
        "service_name": "unknown_service",
        "scope_name": "linq_otel",
        **fields,
    }
    return SpanRecord(**given)


class TestOfficialExporter:
    def test_is_read_back_whole(self) -> None:
        """
        What OpenTelemetry's own exporter writes is read as it was drawn.
        """
        stream = io.StringIO()
        provider = TracerProvider(resource=Resource({"service.name": "shop"}))
        provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(stream=stream)))
        target = SpanContext(
            int(TRACE, 16), int(SPAN, 16), is_remote=True, trace_flags=TraceFlags(1)
        )
        attributes = {"text": "t", "whole": 7, "part": 0.5, "truth": True, "list": ("a", "b")}
        started = provider.get_tracer("linq_otel").start_span(
            "one",
            kind=SpanKind.PRODUCER,
            attributes=attributes,
            links=[Link(target, {"linq.link": "send"})],
            start_time=1_790_000_000_000_000_001,
        )
        started.set_status(Status(StatusCode.ERROR))
        started.end(1_790_000_000_000_000_999)
        provider.shutdown()
        context = started.get_span_context()
        assert read_spans(stream.getvalue().splitlines()) == [
            span(
                otel_trace_id=f"{context.trace_id:032x}",
                span_id=f"{context.span_id:016x}",
                kind="PRODUCER",
                start_ns=1_790_000_000_000_000_001,
                end_ns=1_790_000_000_000_000_999,
                attributes=attributes,
                links=(LinkRecord(TRACE, SPAN, {"linq.link": "send"}),),
                status="ERROR",
                service_name="shop",
            )
        ]


class TestOtherWriters:
    @pytest.mark.parametrize(
        ("fields", "read"),
        [
            ({"startTimeUnixNano": 1000}, {}),
            ({"kind": "SPAN_KIND_CLIENT"}, {"kind": "CLIENT"}),
            ({"status": {"code": "STATUS_CODE_ERROR"}}, {"status": "ERROR"}),
            ({"status": {"code": 2}}, {"status": "ERROR"}),
            ({"parentSpanId": ""}, {}),
            ({"parentSpanId": "00f067aa0ba902b7"}, {"parent_span_id": "00f067aa0ba902b7"}),
            ({"traceId": "CvdlGRbNQ92ESOshHIAxnA=="}, {}),
            ({"spanId": SPAN.upper()}, {}),
            (
                {"attributes": [{"key": "n", "value": {"intValue": 7}}]},
                {"attributes": {"n": 7}},
            ),
            (
                {"attributes": [{"key": "n", "value": {"int_value": "7"}}]},
                {"attributes": {"n": 7}},
            ),
        ],
    )
    def test_are_read_too(self, fields: dict[str, Any], read: dict[str, Any]) -> None:
        """
        Numbers as numbers, enums by name, ids in base64: all are met in the wild.
        """
        assert read_spans([line(**fields)]) == [span(**read)]

    def test_may_repeat_a_span(self) -> None:
        """
        A span written twice is read once, as it stood first.
        """
        assert read_spans([line(), "", line(name="again")]) == [span()]

    def test_may_write_other_signals(self) -> None:
        """
        Lines of logs and metrics are passed over.
        """
        assert read_spans(['{"resourceLogs": []}', line()]) == [span()]


class TestBrokenLines:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "line 2: not JSON: "),
            ("[]", "line 2: not OTLP JSON: an object is expected"),
            ('{"resourceSpans": 7}', "line 2: not OTLP JSON: resourceSpans is no list"),
            (line(traceId="xyz"), "line 2: not OTLP JSON: traceId is no id"),
            (line(startTimeUnixNano="soon"), "line 2: not OTLP JSON: "),
        ],
    )
    def test_are_named(self, text: str, said: str) -> None:
        """
        The error is one line that names the line.
        """
        with pytest.raises(SpanFileError) as caught:
            read_spans([line(), text])
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)

    @given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
    def test_raise_nothing_else(self, thing: Any) -> None:
        """
        Whatever stands on a line, it is read or named.
        """
        text = thing if isinstance(thing, str) else line(attributes=thing)
        try:
            read = read_spans([text])
        except SpanFileError as error:
            assert str(error).startswith("line 1: ")  # noqa: PT017  # Either is right.
        else:
            assert isinstance(read, list)
