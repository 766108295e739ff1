from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError, LogFormatError, RedactionError
from linq_otel.integration_logs._api_calls import read_calls, split_files
from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._report_files import render_json, render_markdown, write_report
from linq_otel.integration_logs._reports import Report, build_report, check
from linq_otel.stores import open_store
from support.log_rows import GHL, INBOUND, MADE, answered, read_rows, row


LINQ = "8af9171a45022df2eb74ba4e4c83be0f"
UUID_HEX = "5b1f0a527c1e4f2b9d430a6e2f9c8b17"
UUID = "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17"
DENVER = ZoneInfo("America/Denver")


def report_of(asked: str, *rows: dict[str, Any], **options: Any) -> Report:
    with Chronicle(read_rows(*rows).entries) as chronicle:
        return build_report(asked, chronicle, **options)


def encode(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [*map(encode, cast("list[object]", value))]}}
    return {"intValue" if isinstance(value, int) else "stringValue": value}


def span(kind: str, number: int, parent: int, name: str, **said: Any) -> dict[str, Any]:
    values = [{"key": key, "value": encode(one)} for key, one in said.items()]
    return {
        "traceId": "a" * 32,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(1_762_272_131_482_000_000 + number * 1_000_000_000),
        "endTimeUnixNano": str(1_762_272_131_500_000_000 + number * 1_000_000_000),
        "attributes": values,
    }


def write_spans(path: Path) -> str:
    request = {
        "http.request.method": "POST",
        "url.template": "/v3/chats",
        "server.address": "l.example",
    }
    failed = {"http.response.status_code": 429, "linq.trace_id": UUID_HEX, "linq.error.code": 1007}
    done = {"http.response.status_code": 201, "linq.trace_id": LINQ, "http.request.resend_count": 1}
    tried: dict[str, Any] = {"linq.trace_ids": [UUID_HEX, LINQ]}
    send = {"linq.operation": "chats.create", "linq.trace_id": LINQ, "linq.message.id": "m1"}
    spans = [
        span("SPAN_KIND_PRODUCER", 1, 0, "linq chats.create", **send, **tried),
        span("SPAN_KIND_CLIENT", 2, 1, "POST /v3/chats", **request, **failed),
        span("SPAN_KIND_CLIENT", 3, 1, "POST /v3/chats", **request, **done),
        span("SPAN_KIND_CLIENT", 4, 0, "GET /other", **{"http.response.status_code": 200}),
    ]
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n")
    return str(path)


class TestCalls:
    def test_one_request(self, tmp_path: Path) -> None:
        """An X-Trace-ID names one request to Linq: what its support asks for is told."""
        rows, spans = split_files([write_spans(tmp_path / "spans.jsonl"), "rows.csv"])
        assert (rows, [Path(name).name for name in spans]) == (["rows.csv"], ["spans.jsonl"])
        report = report_of(UUID_HEX, spans=read_calls(spans, UUID_HEX), zone=DENVER)
        assert report.calls == (
            {
                "time_utc": "2025-11-04T16:02:13.482000000Z",
                "time_local": "2025-11-04 09:02:13-07:00",
                "endpoint": "POST https://l.example/v3/chats",
                "status": 429,
                "error_code": 1007,
                "duration_ms": 18.0,
                "linq_trace_id": UUID_HEX,
                "otel_trace_id": "a" * 32,
            },
        )
        assert report.missing == ("the response body of the call to Linq: spans do not keep it",)
        assert "| Error code | `1007` |" in render_markdown(report)

    @pytest.mark.parametrize(
        ("asked", "statuses"),
        [(LINQ, [201]), ("m1", [429, 201]), ("a" * 32, [429, 201]), ("b", [])],
    )
    def test_names(self, tmp_path: Path, asked: str, statuses: list[int]) -> None:
        """The message and the trace name every attempt."""
        calls = read_calls([write_spans(tmp_path / "spans.jsonl")], asked)
        assert [call.attributes["http.response.status_code"] for call in calls] == statuses

    def test_broken(self, tmp_path: Path) -> None:
        """A file of spans that is cut off is said by name and line."""
        path = tmp_path / "spans.jsonl"
        write_spans(path)
        path.write_text(path.read_text()[:900])
        with pytest.raises(LogFormatError, match=r"spans\.jsonl.*line 1"):
            read_calls([str(path)], LINQ)


class TestReport:
    def test_whole(self) -> None:
        """All that support asks for is in it."""
        body = {"statusCode": 401, "message": "Invalid token for +15551230003", "traceId": UUID}
        headers = {"x-ratelimit-remaining": "97"}
        failed = answered(
            body, 401, headers=headers, source="System", id="row-7", request={"body": {}}
        )
        report = report_of(UUID.upper(), failed, zone=DENVER, redactions={"secret_dropped": 2})
        assert report.calls == (
            {
                "time_utc": "2025-11-04T16:02:11.482000000Z",
                "time_local": "2025-11-04 09:02:11-07:00",
                "endpoint": f"POST {INBOUND}",
                "operation": "gohighlevel message.inbound",
                "status": 401,
                "delivery": "rejected",
                "error_message": "Invalid token for {phone}",
                "source": "system",
                "crm_trace_id": UUID,
                "entry_id": "row-7",
                "rate_limit_remaining": 97,
                "row": "-:1",
            },
        )
        assert report.missing == (
            "the Linq trace of the message: the webhook's trace_id, or a store",
        )
        text = render_markdown(report)
        assert [
            word
            for word in ("`401`", "secret dropped: 2", UUID, "| Triggered by | `system` |")
            if word not in text
        ] == []
        assert json.loads(render_json(report))["calls"][0]["status"] == 401

    def test_attempts_and_neighbours(self) -> None:
        """Attempts of the call stand in it, and who else wrote the same record at that time."""
        ids = {"contactId": "cnt1"}
        first = answered({"statusCode": 500, **ids}, 500, id="a", timestamp=1_762_272_000_000)
        again = answered({**MADE, **ids}, id="b", timestamp=1_762_272_003_000)
        other = answered(
            {"contact": {"id": "cnt1"}},
            200,
            url=f"{GHL}/contacts/cnt1",
            method="PUT",
            id="c",
            timestamp=1_762_272_050_000,
        )
        late = {**other, "timestamp": 1_762_272_900_000, "id": "d"}
        report = report_of("cnt1", first, again, id_less(other))
        assert [call.get("attempt") for call in report.calls] == [None, 2, None]
        report = report_of("b", first, again, other, late)
        assert [call["entry_id"] for call in report.neighbours] == ["a", "c"]

    def test_same_person_elsewhere(self) -> None:
        """Another CRM that wrote the same person is a neighbour, by a number nobody sees."""
        person = {"body": {"phone": "+15551230001"}}
        ghl = answered(
            {"contact": {"id": "c1"}}, 200, url=f"{GHL}/contacts/upsert", request=person, id="a"
        )
        hubspot = answered(
            {"id": "7"},
            url="https://api.hubapi.com/crm/v3/objects/contacts",
            id="b",
            request={"body": {"properties": {"mobilephone": "(555) 123-0001"}}},
        )
        report = report_of("a", ghl, hubspot)
        assert [call["operation"] for call in report.neighbours] == ["hubspot contact.create"]
        assert "123" not in render_markdown(report).replace("http", "")

    def test_from_a_store(self) -> None:
        """A store says how the message was sent, also where no row is at hand."""
        store = open_store("memory:")
        store.save(
            Origin(
                f"00-{'a' * 32}-{'b' * 16}-01",
                lifecycle=f"00-{LINQ}-{'c' * 16}-01",
                linq_trace_ids=(LINQ,),
                message_id="m1",
                accepted_at=10**18,
            )
        )
        report = report_of("m1", store=store)
        store.close()
        assert report.sent == {
            "found_by": "message",
            "message_id": "m1",
            "linq_trace_ids": [LINQ],
            "sending_trace": "a" * 32,
            "life": LINQ,
            "accepted": "2001-09-09T01:46:40.000000000Z",
        }
        assert report.missing == ("the row of the integration log: give a file that holds it",)
        assert LINQ in render_markdown(report)

    def test_by_place_and_by_trace(self) -> None:
        """A row without an id has a place, and the trace that an import gave it."""
        bare = row(response=None)
        report = report_of("-:1", bare)
        assert [call["row"] for call in report.calls] == ["-:1"]
        given = report.calls[0]["otel_trace_id"]
        assert [call["row"] for call in report_of(given, bare).calls] == ["-:1"]
        assert report_of("folder/-:1", bare).calls == report.calls
        with pytest.raises(ConfigurationError, match="no row and no store knows"):
            report_of("f" * 32, bare)

    def test_row_joined_by_alt_id(self) -> None:
        """A Linq trace id finds the row that names its message, and rows of the contact a link."""
        message_id = "347d62c2-2170-4754-8d30-c76d0c727d96"
        store = open_store("memory:")
        store.save(
            Origin(
                f"00-{'a' * 32}-{'b' * 16}-01",
                lifecycle=f"00-{LINQ}-{'c' * 16}-01",
                linq_trace_ids=(LINQ,),
                message_id=message_id,
                accepted_at=10**18,
            )
        )
        sent = {"body": {"contactId": "cnt1", "altId": message_id}}
        joined = row(request=sent, timestamp=1_762_272_000_000)
        other = answered(
            {"contact": {"id": "cnt1"}},
            200,
            method="PUT",
            url=f"{GHL}/contacts/cnt1",
            timestamp=1_762_272_050_000,
        )
        report = report_of(LINQ, joined, other, store=store)
        by_place = report_of("-:1", joined, other, store=store)
        store.close()
        assert [(call["row"], call["otel_trace_id"]) for call in report.calls] == [("-:1", LINQ)]
        assert [(one["row"], one["probably_of"]) for one in report.neighbours] == [("-:2", LINQ)]
        assert by_place.sent == {**(report.sent or {}), "found_by": "message"}
        assert by_place.calls == report.calls

    def test_inbound(self) -> None:
        """A message that came in was not sent."""
        store = open_store("memory:")
        handled = f"00-{LINQ}-{'c' * 16}-01"
        store.save(Origin(handled, lifecycle=handled, linq_trace_ids=(LINQ,), message_id="m1"))
        report = report_of("m1", store=store)
        store.close()
        assert (report.sent or {})["receiving_trace"] == LINQ
        text = render_markdown(report)
        assert ("## The message, as it came in" in text, "as it was sent" in text) == (True, False)

    def test_clock(self) -> None:
        """A clock that is off is told."""
        headers = {"date": "Tue, 04 Nov 2025 23:02:11 GMT"}
        report = report_of("-:1", answered(MADE, headers=headers))
        assert report.calls[0]["clock_skew_ms"] == -25_199_518

    def test_missing(self) -> None:
        """A table row lacks what a panel would show."""
        bare = {**row(response=None), "id": "x"}
        assert [one.partition(":")[0] for one in report_of("x", bare).missing] == [
            "the response body",
            "the request body",
            "whether it was user- or system-triggered",
            "a trace id",
            "the Linq trace of the message",
        ]

    def test_unknown(self) -> None:
        """An id nobody knows is said."""
        with pytest.raises(ConfigurationError, match="no row and no store knows 'nothing'"):
            report_of("nothing", row())

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("error_message", "call +15551230003"),
            ("endpoint", "POST https://a.example/?token=abc123"),
            ("source", "ada@customer.example"),
            ("request_body", '{"a": "Bearer abcdef123"}'),
        ],
    )
    def test_refuses(self, name: str, text: str) -> None:
        """What slipped through stops the report, without being repeated."""
        report = report_of("row-1", row(id="row-1"))
        bad = replace(report, calls=({**report.calls[0], name: text},))
        with pytest.raises(RedactionError, match="nothing was written") as caught:
            check(bad)
        assert text not in str(caught.value)

    def test_files(self, tmp_path: Path) -> None:
        """Both files are their owner's alone, and never overwrite others."""
        report = report_of("row-1", row(id="row-1"))
        paths = write_report(report, tmp_path)
        assert [(path.name, path.stat().st_mode & 0o777) for path in paths] == [
            ("report.md", 0o600),
            ("report.json", 0o600),
        ]
        with pytest.raises(ConfigurationError, match=r"report\.md cannot be written"):
            write_report(report, tmp_path)


def id_less(one: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != "id"}
