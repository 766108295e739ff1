from __future__ import annotations

import json
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from linq_otel._otlp_json import read_spans
from linq_otel.errors import ConfigurationError
from linq_otel.integration_logs import Replayed, read, replay
from support.log_rows import GHL, MADE, NOW_NS, TIME_NS, answered, lines, read_rows, row


if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def sent(*rows: dict[str, Any], **options: Any) -> list[Any]:
    exporter = InMemorySpanExporter()
    replay(read_rows(*rows).entries, exporters={"traces": exporter}, **options)
    return list(exporter.get_finished_spans())


def many(count: int) -> list[dict[str, Any]]:
    return [row(id=f"r{n}", timestamp=1_762_272_000_000 + n) for n in range(count)]


@contextmanager
def limited_files(size: int) -> Generator[None]:
    """Have every file of this process end at *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestSpan:
    def test_whole(self) -> None:
        """A hand-off is a CLIENT span with its own time and no more than it may say."""
        body = {**MADE, "traceId": "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17", "contactId": "cnt1"}
        headers = {"x-ratelimit-max": "100", "x-ratelimit-remaining": "97"}
        (span,) = sent(answered(body, headers=headers, id="row-1", source="System"))
        assert (span.name, span.kind) == ("POST /conversations/messages/inbound", SpanKind.CLIENT)
        assert (span.start_time, span.end_time) == (TIME_NS, TIME_NS + 1_000)
        assert f"{span.context.trace_id:032x}" == "5b1f0a527c1e4f2b9d430a6e2f9c8b17"
        assert (span.parent, span.status.status_code) == (None, StatusCode.UNSET)
        assert dict(span.resource.attributes) == {"service.name": "linq-integrations"}
        assert span.instrumentation_scope.name == "linq_otel.bridge"
        assert dict(span.attributes) == {
            "http.request.method": "POST",
            "http.response.status_code": 201,
            "linq.integration.correlation": "crm",
            "linq.integration.crm.contact_id": "cnt1",
            "linq.integration.crm.message_id": "msgEXAMPLE0000000001",
            "linq.integration.crm.trace_id": "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17",
            "linq.integration.delivery": "delivered",
            "linq.integration.direction": "outbound",
            "linq.integration.entry.id": "row-1",
            "linq.integration.operation": "message.inbound",
            "linq.integration.provider": "gohighlevel",
            "linq.integration.rate_limit.limit": 100,
            "linq.integration.rate_limit.remaining": 97,
            "linq.integration.source": "system",
            "linq.integration.time.duration_source": "unknown",
            "linq.integration.trace.source": "body",
            "peer.service": "gohighlevel",
            "server.address": "services.leadconnectorhq.com",
            "server.port": 443,
            "service.peer.name": "gohighlevel",
            "url.full": f"{GHL}/conversations/messages/inbound",
            "url.template": "/conversations/messages/inbound",
        }

    @pytest.mark.parametrize(
        ("changes", "status", "error_type"),
        [
            ({"status": 401}, StatusCode.ERROR, "401"),
            ({"status": None}, StatusCode.ERROR, "no_response"),
            ({"response": {"body": ""}}, StatusCode.UNSET, None),
            ({"status": 401, "direction": "in"}, StatusCode.UNSET, None),
            ({"status": 502, "direction": "in"}, StatusCode.ERROR, "502"),
        ],
    )
    def test_status(self, changes: Any, status: StatusCode, error_type: str | None) -> None:
        """Of a call Linq received a 4xx is the caller's, and a doubt is no error."""
        (span,) = sent(row(**changes))
        assert (span.status.status_code, span.attributes.get("error.type")) == (status, error_type)

    def test_server(self) -> None:
        """A call Linq received is a SERVER span with a path."""
        (span,) = sent(row(direction="in", duration_ms=3))
        assert (span.kind, span.end_time) == (SpanKind.SERVER, TIME_NS + 3_000_000)
        assert span.attributes["url.path"] == "/conversations/messages/inbound"
        assert "url.full" not in span.attributes

    def test_number_of_attributes(self) -> None:
        """The richest row has 32 attributes by default, and more on request."""
        headers = {
            "x-ratelimit-max": "1",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-limit-daily": "1",
            "x-ratelimit-daily-remaining": "1",
            "cf-ray": "8a1b2c3d4e5f-DEN",
        }
        body = {
            "statusCode": 429,
            "message": "Too many",
            "traceId": "t1",
            "messageId": "m1",
            "conversationId": "c1",
            "contactId": "k1",
            "locationId": "l1",
        }
        whole = answered(body, 429, headers=headers, id="r", request={"body": {"altId": "a1"}})
        (span,) = sent(whole)
        (more,) = sent(whole, detail=True)
        assert len(span.attributes) <= 32
        assert set(more.attributes) - set(span.attributes) == {
            "url.scheme",
            "http.request.body.size",
            "http.response.body.size",
            "log.file.name",
            "linq.integration.entry.line",
            "linq.integration.entry.format",
            "linq.integration.time.precision",
            "http.response.header.x-ratelimit-max",
            "http.response.header.x-ratelimit-remaining",
            "http.response.header.cf-ray",
            "http.response.header.x-ratelimit-limit-daily",
            "http.response.header.x-ratelimit-daily-remaining",
        }

    def test_sampler_of_the_app(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The app's sampler and resource do not count: every row is kept, and the same twice."""
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=here")
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2")
        (span,) = sent(row())
        assert dict(span.resource.attributes) == {"service.name": "linq-integrations"}
        assert len(span.attributes) > 10

    def test_disabled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the SDK switched off nothing would be sent, which is said."""
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        with pytest.raises(ConfigurationError, match="OTEL_SDK_DISABLED"):
            sent(row())

    def test_identical_calls(self) -> None:
        """Two calls nothing tells apart are two spans of one trace."""
        rows = [row(timestamp="2025-11-04T16:02:11Z")] * 2
        one, two = sent(*rows)
        assert one.context.trace_id == two.context.trace_id
        assert one.context.span_id != two.context.span_id
        assert [s.context.span_id for s in sent(*rows)] == [
            one.context.span_id,
            two.context.span_id,
        ]


class TestLogRecord:
    def test_whole(self) -> None:
        """A log record says the same in the context of its span, and never a body."""
        spans, records = InMemorySpanExporter(), InMemoryLogRecordExporter()
        rows = [answered("", id="row-1"), answered({"statusCode": 401, "message": "no"}, 401)]
        replay(
            read_rows(*rows).entries, signal="both", exporters={"traces": spans, "logs": records}
        )
        found = [one.log_record for one in records.get_finished_logs()]
        assert [(r.body, r.severity_text, r.timestamp, r.event_name) for r in found] == [
            (
                "POST /conversations/messages/inbound → 201 unconfirmed",
                "WARN",
                TIME_NS,
                "linq.integration.call",
            ),
            (
                "POST /conversations/messages/inbound → 401 rejected",
                "ERROR",
                TIME_NS,
                "linq.integration.call",
            ),
        ]
        assert [(r.trace_id, r.span_id) for r in found] == [
            (s.context.trace_id, s.context.span_id) for s in spans.get_finished_spans()
        ]
        assert found[1].attributes["error.type"] == "401"
        assert found[0].attributes["linq.integration.entry.id"] == "row-1"


class TestReplay:
    def test_72_oldest_first(self) -> None:
        """Case 72: spans leave oldest first, in batches."""
        sizes: list[int] = []

        class Counting(InMemorySpanExporter):
            def export(self, spans: Any) -> SpanExportResult:
                sizes.append(len(spans))
                return super().export(spans)

        exporter, seen = Counting(), list[int]()
        done = replay(
            read_rows(*reversed(many(10))).entries,
            exporters={"traces": exporter},
            batch_size=4,
            progress=seen.append,
        )
        assert (done, sizes, seen) == (Replayed(10, 0, 0, 0), [4, 4, 2], [4, 8, 10])
        starts = [span.start_time for span in exporter.get_finished_spans()]
        assert starts == sorted(starts)

    def test_refused(self, tmp_path: Path) -> None:
        """A backend that refuses is asked three times; the next run goes on from there."""
        calls: list[int] = []

        class Refusing(InMemorySpanExporter):
            def export(self, spans: Any) -> SpanExportResult:
                calls.append(len(spans))
                return SpanExportResult.FAILURE if len(calls) > 1 else super().export(spans)

        options = {"batch_size": 3, "checkpoint": tmp_path / "progress.json", "pause": 0.0}
        first = replay(read_rows(*many(8)).entries, exporters={"traces": Refusing()}, **options)
        assert (first, first.is_complete, calls) == (Replayed(3, 0, 5, 0), False, [3, 3, 3, 3])
        rest = InMemorySpanExporter()
        second = replay(read_rows(*many(8)).entries, exporters={"traces": rest}, **options)
        assert (second, len(rest.get_finished_spans())) == (Replayed(5, 3, 0, 0), 5)
        third = replay(read_rows(*many(8)).entries, exporters={"traces": rest}, **options)
        assert third == Replayed(0, 8, 0, 0)

    def test_checkpoint_of_another(self, tmp_path: Path) -> None:
        """A checkpoint of other files, or none at all, is refused before anything is sent."""
        checkpoint = tmp_path / "progress.json"
        exporters = {"traces": InMemorySpanExporter()}
        replay(read_rows(*many(3)).entries, exporters=exporters, checkpoint=checkpoint)
        with pytest.raises(ConfigurationError, match="another import"):
            replay(read_rows(*many(9)[4:]).entries, exporters=exporters, checkpoint=checkpoint)
        checkpoint.write_text("[]")
        with pytest.raises(ConfigurationError, match="is no checkpoint"):
            replay(read_rows(*many(3)).entries, exporters=exporters, checkpoint=checkpoint)

    def test_checkpoint_in_use(self, tmp_path: Path) -> None:
        """A second import with one checkpoint is refused while the first runs."""
        checkpoint, second = tmp_path / "progress.json", InMemorySpanExporter()
        refused: list[str] = []

        def start_another(_: int) -> None:
            with pytest.raises(ConfigurationError) as caught:
                replay(
                    read_rows(*many(4)).entries,
                    exporters={"traces": second},
                    checkpoint=checkpoint,
                )
            refused.append(str(caught.value))

        replay(
            read_rows(*many(4)).entries,
            exporters={"traces": InMemorySpanExporter()},
            checkpoint=checkpoint,
            progress=start_another,
        )
        said = f"{checkpoint} is in use by another run: wait until that has ended"
        assert (refused, second.get_finished_spans()) == ([said], ())
        assert [one.name for one in tmp_path.iterdir()] == ["progress.json"]

    @pytest.mark.parametrize("is_new", [False, True])
    def test_output_on_a_full_disk(self, tmp_path: Path, *, is_new: bool) -> None:
        """What cannot be written whole is taken back; with a checkpoint, what it counts stays."""
        output, checkpoint = tmp_path / "spans.jsonl", tmp_path / "progress.json"
        before = "" if is_new else '{"resourceSpans":[]}\n'
        if not is_new:
            output.write_text(before)
        options: dict[str, Any] = {"output": output, "batch_size": 1}
        said = f"{output} cannot be written: File too large"
        with limited_files(2_500):
            with pytest.raises(ConfigurationError) as caught:
                replay(read_rows(*many(8)).entries, **options)
            left = output.read_text() if output.exists() else ""
            with pytest.raises(ConfigurationError):
                replay(read_rows(*many(8)).entries, checkpoint=checkpoint, **options)
        assert (str(caught.value), left, output.exists()) == (said, before, True)
        count = json.loads(checkpoint.read_text())["sent"]
        assert 0 < count == len(read_spans(output.read_text().splitlines())) < 8
        replay(read_rows(*many(8)).entries, checkpoint=checkpoint, **options)
        assert len(read_spans(output.read_text().splitlines())) == 8

    @pytest.mark.parametrize(
        ("tail", "kept"),
        [('{"resourceSpans":[{"sc', ""), ('{"resourceSpans":[]}', '{"resourceSpans":[]}\n')],
    )
    def test_output_behind_half_a_line(self, tmp_path: Path, tail: str, kept: str) -> None:
        """Half a line of an import that was killed is removed; a whole one is ended."""
        output = tmp_path / "spans.jsonl"
        output.write_text('{"resourceSpans":[]}\n' + tail)
        replay(read_rows(row()).entries, output=output)
        first, _, rest = output.read_text().partition("\n")
        assert (first, rest.startswith(kept or '{"resourceSpans":[{"res')) == (
            '{"resourceSpans":[]}',
            True,
        )
        assert len(read_spans(output.read_text().splitlines())) == 1

    def test_rate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No more spans a second leave than were allowed."""
        waits: list[float] = []
        monkeypatch.setattr("linq_otel.integration_logs._sending.time.sleep", waits.append)
        replay(
            read_rows(*many(4)).entries,
            exporters={"traces": InMemorySpanExporter()},
            rate=2,
            batch_size=2,
        )
        assert [round(wait) for wait in waits] == [1, 2]

    def test_output(self, tmp_path: Path) -> None:
        """A file of OTLP JSON lines is read back whole."""
        output, source = tmp_path / "spans.jsonl", tmp_path / "rows.ndjson"
        source.write_text(lines(*many(3)))
        replay(read(source, now_ns=NOW_NS), output=output, signal="both")
        text = output.read_text().splitlines()
        spans = read_spans(text)
        assert [span.attributes["linq.integration.entry.id"] for span in spans] == [
            "r0",
            "r1",
            "r2",
        ]
        assert [span.service_name for span in spans] == ["linq-integrations"] * 3
        assert sum("resourceLogs" in json.loads(line) for line in text) == 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"signal": "metrics"}, "signal must be one of traces, logs, both"),
            ({"rate": 0}, "rate must be a number above 0"),
            ({"batch_size": 0}, "batch_size must be at least 1"),
            ({"protocol": "http/json"}, "protocol must be one of http/protobuf, grpc"),
            ({"exporters": {}}, "exporters lack one of traces"),
        ],
    )
    def test_misuse(self, options: Any, message: str) -> None:
        """What cannot be meant is refused."""
        with pytest.raises(ConfigurationError, match=message):
            replay([], **options)

    def test_options_or_fields(self) -> None:
        """Options come whole or one by one."""
        with pytest.raises(TypeError, match="unexpected keyword argument 'sgnal'"):
            replay([], sgnal="logs")
