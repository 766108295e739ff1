from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from linq_otel import _otlp_json
from linq_otel.viewer import ViewerOptions, _archive, open_viewer
from linq_otel.viewer._bodies import MAX_BODY, BodyError, Purse, unpack
from linq_otel.viewer._exports import parse_export
from support.viewer_answers import ask, send


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.viewer import Viewer
    from support.viewer_answers import Answer


PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN, LINKED = "1" * 32, "2" * 16, "3" * 32


def build_request(*span_ids: bytes, name: str = "GET /") -> ExportTraceServiceRequest:
    """
    Return an export of spans with these ids, one of them with all that a span can have.
    """
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    scoped = group.scope_spans.add()
    scoped.scope.name = "tests"
    for span_id in span_ids:
        span = scoped.spans.add(trace_id=bytes.fromhex(TRACE), span_id=span_id, name=name, kind=3)
        span.parent_span_id = b"\x09" * 8
        span.start_time_unix_nano, span.end_time_unix_nano = 1_790_000_000_000_000_001, 2**64 - 1
        span.status.code = 2
        fill(span.attributes)
        span.links.add(trace_id=bytes.fromhex(LINKED), span_id=b"\x04" * 8)
        span.links.add(trace_id=b"", span_id=b"\x04" * 8)  # Leads nowhere, and is left out.
    return request


def fill(attributes: Any) -> None:
    """
    Give a span a value of each kind.
    """
    attributes.add(key="text").value.string_value = "</script>\u2028é\0"
    attributes.add(key="yes").value.bool_value = True
    attributes.add(key="large").value.int_value = 2**63 - 1
    attributes.add(key="ratio").value.double_value = float("nan")
    attributes.add(key="raw").value.bytes_value = b"\x00\xff"
    attributes.add(key="list").value.array_value.values.add().int_value = 1
    nested = attributes.add(key="map").value.kvlist_value.values.add(key="inner")
    nested.value.string_value = "x"
    attributes.add(key="nothing")


# What comes of it, whichever the encoding.
DRAWN: dict[str, Any] = {
    "span_id": SPAN,
    "parent_span_id": "09" * 8,
    "depth": 0,
    "name": "GET /",
    "kind": "CLIENT",
    "start_ns": "1790000000000000001",
    "end_ns": "18446744073709551615",
    "service_name": "shop",
    "scope_name": "tests",
    "status": "ERROR",
    "attributes": {
        "text": "</script>\u2028é\0",
        "yes": True,
        "large": "9223372036854775807",
        "ratio": "nan",
        "raw": "AP8=",
        "list": [1],
        "map": {"inner": "x"},
        "nothing": None,
    },
    "links": [{"otel_trace_id": LINKED, "span_id": "04" * 8, "attributes": {}}],
    "remark": "(parent not here)",
    "is_late": False,
}
JSON_SPAN = {
    "traceId": TRACE,
    "spanId": SPAN,
    "parentSpanId": "09" * 8,
    "name": "GET /",
    "kind": 3,
    "startTimeUnixNano": "1790000000000000001",
    "endTimeUnixNano": "18446744073709551615",
    "status": {"code": 2},
    "attributes": [
        {"key": "text", "value": {"stringValue": "</script>\u2028é\0"}},
        {"key": "yes", "value": {"boolValue": True}},
        {"key": "large", "value": {"intValue": "9223372036854775807"}},
        {"key": "ratio", "value": {"doubleValue": "NaN"}},
        {"key": "raw", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
        {
            "key": "map",
            "value": {"kvlistValue": {"values": [{"key": "inner", "value": {"stringValue": "x"}}]}},
        },
        {"key": "nothing", "value": {}},
    ],
    "links": [{"traceId": LINKED, "spanId": "04" * 8}],
}


def build_json(*spans: dict[str, Any]) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scoped = {"scope": {"name": "tests"}, "spans": list(spans)}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}
    return json.dumps(request).encode()


def find_spans(viewer: Viewer) -> list[dict[str, Any]]:
    """
    Return the spans of the trace, as the page gets them.
    """
    story = ask(viewer, f"/api/stories/{TRACE}")
    return [span for trace in story.document.get("traces", ()) for span in trace["spans"]]


def read_status(answer: Answer) -> tuple[int, str, int, str]:
    """
    Return status, content type, and what the body says in the encoding it says to be in.
    """
    media_type = answer.headers["content-type"]
    if media_type == PROTOBUF:
        status = Status.FromString(answer.body)
        return answer.status, media_type, status.code, status.message
    return answer.status, media_type, answer.document["code"], answer.document["message"]


REQUEST = build_request(bytes.fromhex(SPAN)).SerializeToString()


class TestEncodings:
    def test_protobuf(self, viewer: Viewer) -> None:
        """An export in protobuf is answered in protobuf, and every field of its span is kept."""
        answer = send(viewer, build_request(bytes.fromhex(SPAN)).SerializeToString())
        assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
        assert ExportTraceServiceResponse.FromString(answer.body) == ExportTraceServiceResponse()
        assert find_spans(viewer) == [DRAWN]

    def test_json(self, viewer: Viewer) -> None:
        """The same in JSON comes out the same."""
        answer = send(viewer, build_json(JSON_SPAN), content_type="application/json; charset=utf-8")
        assert (answer.status, answer.headers["content-type"]) == (200, JSON)
        assert answer.document == {}
        assert find_spans(viewer) == [DRAWN]

    @pytest.mark.parametrize(
        ("encoding", "pack"),
        [
            ("gzip", gzip.compress),
            ("GZip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
            ("deflate", zlib.compress),
            ("deflate", lambda body: zlib.compress(body)[2:-4]),
            ("identity", bytes),
        ],
    )
    def test_packed(self, viewer: Viewer, encoding: str, pack: Callable[[bytes], bytes]) -> None:
        """Both packings of HTTP are undone, deflate without its frame too."""
        body = pack(build_request(bytes.fromhex(SPAN)).SerializeToString())
        assert send(viewer, body, content_encoding=encoding).status == 200
        assert find_spans(viewer) == [DRAWN]

    @pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, b""), (JSON, b""), (JSON, b"{}")])
    def test_nothing(self, viewer: Viewer, media_type: str, body: bytes) -> None:
        """An empty export, which only asks who is there, is fine."""
        assert send(viewer, body, content_type=media_type).status == 200

    @pytest.mark.parametrize("signal", ["metrics", "logs"])
    @pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
    def test_other_signals(self, viewer: Viewer, signal: str, media_type: str) -> None:
        """Metrics and logs are taken, counted and dropped."""
        answer = send(viewer, b"", f"/v1/{signal}", content_type=media_type)
        assert (answer.status, answer.headers["content-type"]) == (200, media_type)
        assert dict(viewer.dropped) == {signal: 1}
        assert ask(viewer, "/api/messages").document["total"] == 0


class TestPartialSuccess:
    def test_protobuf(self, viewer: Viewer) -> None:
        """Spans with no id they could be kept under are rejected, the others taken."""
        body = build_request(b"", bytes.fromhex(SPAN), b"\0" * 8).SerializeToString()
        expected = ExportTraceServiceResponse()
        expected.partial_success.rejected_spans = 2
        expected.partial_success.error_message = "2 spans without a valid trace id or span id"
        answer = send(viewer, body)
        assert answer.status == 200
        assert ExportTraceServiceResponse.FromString(answer.body) == expected
        assert find_spans(viewer) == [DRAWN]

    def test_json(self, viewer: Viewer) -> None:
        """So it is in JSON, where 64-bit numbers are texts."""
        bad = [{**JSON_SPAN, "spanId": "xyz"}, {**JSON_SPAN, "startTimeUnixNano": "-1"}]
        answer = send(viewer, build_json(bad[0], JSON_SPAN, bad[1]), content_type=JSON)
        message = "2 spans without a valid trace id or span id"
        assert (answer.status, answer.document) == (
            200,
            {"partialSuccess": {"rejectedSpans": "2", "errorMessage": message}},
        )
        assert find_spans(viewer) == [DRAWN]

    def test_a_resource_is_read_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many bad spans stand under it, or the time would grow with their product."""
        read: list[object] = []
        parse = _otlp_json._parse_attributes
        monkeypatch.setattr(
            _otlp_json,
            "_parse_attributes",
            lambda holder, *key: read.append(holder) or parse(holder, *key),
        )
        export = parse_export("traces", JSON, build_json(*[{}] * 50))
        assert (export.spans, export.rejected) == ((), 50)
        assert len(read) == 1

    def test_a_full_trace(self) -> None:
        """A trace takes no more spans than are kept in all."""
        with open_viewer(ViewerOptions(port=0, keep=2)) as viewer:
            ids = [bytes([number]) * 8 for number in (1, 2, 3)]
            answer = send(viewer, build_request(*ids).SerializeToString())
            partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
            assert (partial.rejected_spans, partial.error_message) == (
                1,
                "1 spans of traces that have as many as are kept",
            )
            assert [span["span_id"] for span in find_spans(viewer)] == ["01" * 8, "02" * 8]
            # One that is there already is no more.
            again = send(viewer, build_request(ids[1], name="later").SerializeToString())
            assert ExportTraceServiceResponse.FromString(again.body) == ExportTraceServiceResponse()
            assert [span["name"] for span in find_spans(viewer)] == ["GET /", "later"]


class TestRefusals:
    @pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
    @pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
    def test_a_damaged_body(self, viewer: Viewer, signal: str, media_type: str) -> None:
        """What cannot be decoded is a bad request, said in the encoding of the question."""
        answer = send(viewer, b"\xff{", f"/v1/{signal}", content_type=media_type)
        message = f"the body is no OTLP export of {signal}"
        assert read_status(answer) == (400, media_type, 3, message)

    @pytest.mark.parametrize("body", [b"[]", b'{"resourceSpans": 7}', b"[" * 100_000])
    def test_other_json(self, viewer: Viewer, body: bytes) -> None:
        """JSON of another shape is a bad request too, however deep."""
        answer = send(viewer, body, content_type=JSON)
        assert read_status(answer) == (400, JSON, 3, "the body is no OTLP export of traces")

    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    @pytest.mark.parametrize("body", [b"\x78\x01never", gzip.compress(b"x" * 99, mtime=0)[:-9]])
    def test_a_damaged_packing(self, viewer: Viewer, encoding: str, body: bytes) -> None:
        """A body that is not packed as it says, or cut off, is a bad request."""
        status, media_type, code, message = read_status(
            send(viewer, body, content_encoding=encoding)
        )
        assert (status, media_type, code) == (400, PROTOBUF, 3)
        assert message.startswith(f"the body is not {encoding}: ")

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_another_content_type(self, viewer: Viewer, media_type: str) -> None:
        """What a form of a strange page can send is not even read."""
        answer = send(viewer, b"", content_type=media_type)
        message = "content-type is not one of application/x-protobuf, application/json"
        assert read_status(answer) == (415, JSON, 3, message)

    def test_another_packing(self, viewer: Viewer) -> None:
        """An unknown packing is answered with those that are known."""
        answer = send(viewer, b"", content_encoding="br")
        message = "content-encoding is not one of gzip, deflate"
        assert read_status(answer) == (415, PROTOBUF, 3, message)
        assert answer.headers["accept-encoding"] == "gzip, deflate"

    @pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
    def test_another_method(self, viewer: Viewer, method: str) -> None:
        """Exports are posted; a browser that asks whether it may gets no leave."""
        answer = ask(viewer, "/v1/traces", method)
        assert read_status(answer) == (405, JSON, 12, "an export is sent by POST")
        assert answer.headers["allow"] == "POST"
        assert [name for name in answer.headers if name.startswith("access-control-")] == []

    def test_a_large_body(self, viewer: Viewer) -> None:
        """More than the limit is refused by its length alone, before it is sent."""
        answer = ask(
            viewer, "/v1/traces", "POST", content_type=PROTOBUF, content_length=str(MAX_BODY + 1)
        )
        message = f"the body is larger than {MAX_BODY} bytes; export smaller batches"
        assert read_status(answer) == (413, PROTOBUF, 8, message)

    def test_a_body_of_many_members(self, viewer: Viewer) -> None:
        """What would be copied for each of its members is refused after a few."""
        body = gzip.compress(b"", mtime=0) * 100_000
        answer = send(viewer, body, content_encoding="gzip")
        message = "the body has more than 16 gzip members; send it as one"
        assert read_status(answer) == (400, PROTOBUF, 3, message)

    @pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
    def test_a_small_body_that_grows(self, viewer: Viewer, pack: Callable[[bytes], bytes]) -> None:
        """A bomb of kilobytes is refused at the limit, and not unpacked."""
        body = pack(bytes(MAX_BODY + 1))
        assert len(body) < 20_000
        encoding = "gzip" if pack is gzip.compress else "deflate"
        message = f"the body is larger than {MAX_BODY} bytes; export smaller batches"
        answer = send(viewer, body, content_encoding=encoding)
        assert read_status(answer) == (413, PROTOBUF, 8, message)


class TestPressure:
    def test_too_many_waiting(self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where more waits than is good, an exporter is told to come again."""
        monkeypatch.setattr(_archive, "_MOST_WAITING", 0)
        answer = send(viewer, build_request(bytes.fromhex(SPAN)).SerializeToString())
        message = "more spans come than can be written, or the viewer is closing"
        assert read_status(answer) == (503, PROTOBUF, 14, message)
        assert answer.headers["retry-after"] == "1"

    def test_a_full_disk(self, viewer: Viewer) -> None:
        """So it is where the disk is full, and the next export is taken as ever."""
        writer = viewer._archive._database.writer
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")
        body = build_json({**JSON_SPAN, "name": "x" * 100_000})
        answer = send(viewer, body, content_type=JSON)
        assert read_status(answer) == (503, JSON, 14, "database or disk is full")
        writer.execute(f"PRAGMA max_page_count = {pages * 1_000}")
        assert send(viewer, build_json(JSON_SPAN), content_type=JSON).status == 200
        assert find_spans(viewer) == [DRAWN]

    def test_one_purse(self) -> None:
        """What requests under way hold is bounded in all, and given back at the end."""
        purse = Purse(10)
        with purse.lend() as one, purse.lend() as other:
            one.grow(6)
            with pytest.raises(BodyError) as caught:
                other.grow(5)
            other.grow(4)
        assert caught.value.status == 503
        with purse.lend() as later:
            later.grow(10)


class TestNoise:
    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(
        signal=st.sampled_from(["traces", "metrics", "logs"]),
        media_type=st.sampled_from([PROTOBUF, JSON]),
        body=st.binary(max_size=200) | st.sampled_from([REQUEST[:cut] for cut in range(0, 200, 7)]),
        encoding=st.sampled_from(["", "gzip", "deflate"]),
    )
    def test_is_refused(self, signal: str, media_type: str, body: bytes, encoding: str) -> None:
        """Whatever bytes come, they are spans or a refusal, and never a failure of ours."""
        with contextlib.suppress(BodyError):
            parse_export(signal, media_type, unpack(body, encoding))

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(
        spans=st.lists(
            st.dictionaries(
                st.sampled_from(list(JSON_SPAN)),
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats()
                | st.text(max_size=40)
                | st.lists(st.dictionaries(st.sampled_from(["key", "value"]), st.text())),
            ),
            max_size=3,
        )
    )
    def test_in_json(self, spans: list[dict[str, Any]]) -> None:
        """So are spans of the wrong types, each by itself."""
        merged = [{**JSON_SPAN, **span} for span in spans]
        export = parse_export("traces", JSON, build_json(*merged))
        assert len(export.spans) + export.rejected == len(spans)
