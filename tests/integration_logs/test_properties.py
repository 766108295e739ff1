from __future__ import annotations

import io
import json
import string
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from linq_otel.errors import LogFormatError, RedactionError
from linq_otel.integration_logs import EntrySink, read, replay
from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._options import FORMATS
from linq_otel.integration_logs._report_files import render_json, render_markdown
from linq_otel.integration_logs._reports import build_report
from support.log_rows import GHL, INBOUND, NOW_NS, TIME, lines


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


NAMES = [
    "method",
    "url",
    "status",
    "timestamp",
    "request",
    "response",
    "headers",
    "body",
    "traceId",
    "entries",
    "log",
    "success",
    "message",
    "messageId",
    "type",
    "timezone",
    "source",
]
WORDS = [
    "POST",
    INBOUND,
    "201",
    TIME,
    "null",
    "2025-11-02 01:30",
    "America/Denver",
    "x-ratelimit-max: 9",
    "Request",
    "Response",
    "Body",
    "Status Code",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ",",
    '"',
    ":",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), inner, max_size=6)
    ),
    max_leaves=20,
)
texts = (
    st.text()
    | st.lists(st.sampled_from([*WORDS, *NAMES, "\n", " "]) | st.text(max_size=5)).map("".join)
    | values.map(json.dumps)
    | st.lists(values.map(json.dumps), max_size=4).map("\n".join)
)


def drain(content: bytes, **options: Any) -> None:
    reading = read(io.BytesIO(content), now_ns=NOW_NS, **options)
    exporter = InMemorySpanExporter()
    try:
        replay(reading, exporters={"traces": exporter})
    except LogFormatError:
        return
    assert len(exporter.get_finished_spans()) <= reading.count
    for rejected in reading.rejected:
        assert (rejected.line > 0, rejected.reason != "") == (True, True)


class TestAnyText:
    @given(text=texts, format_=st.none() | st.sampled_from(FORMATS))
    @settings(max_examples=100)
    @example(text='{"method": "POST", "url": "http://[", "timestamp": 1}', format_=None)
    def test_text(self, text: str, format_: Any) -> None:
        """Whatever text comes in, rows come out, or rejects, or a file that is no log."""
        drain(text.encode("utf-8", "surrogatepass"), format=format_, timezone="America/Denver")

    @given(content=st.binary(max_size=300))
    @settings(max_examples=80)
    def test_bytes(self, content: bytes) -> None:
        """So it is with bytes."""
        drain(content)

    @given(changes=st.dictionaries(st.sampled_from(NAMES), values, max_size=5))
    @settings(max_examples=100)
    def test_row(self, changes: dict[str, Any]) -> None:
        """And with rows of which any field may be anything."""
        whole = {"method": "POST", "url": INBOUND, "status": 201, "timestamp": TIME, **changes}
        drain(json.dumps(whole).encode() + b"\n")


digits = st.text(string.digits, min_size=4, max_size=4)
phones = st.one_of(
    digits.map(lambda d: f"+1555123{d}"),
    digits.map(lambda d: f"(555) 123-{d}"),
    digits.map(lambda d: f"555-123-{d}"),
    digits.map(lambda d: f"+44 7700 90{d}"),
    digits.map(lambda d: f"1-555-123-{d}"),
)
# Begun so that no word of ours is one by chance.
letters = st.text(string.ascii_letters, min_size=6, max_size=6).map(lambda x: f"Zq{x}")
secrets = st.one_of(
    letters.map(lambda x: f"Bearer 1{x}"),
    letters.map(lambda x: f"eyJ{x}.eyJ{x}.{x}"),
    letters.map(lambda x: f"pit-0{x}-1111-2222"),
    letters.map(lambda x: f"pat-na1-0{x}-1111"),
    letters.map(lambda x: f"00D5e0000{x[:3]}!AQ{x}"),
    letters.map(lambda x: f"00D{x}!AQ{x}"),
    letters.map(lambda x: f"whsec_{x}=="),
    letters.map(lambda x: f"hapikey={x}"),
    letters.map(lambda x: f"password: 1{x}"),
)
emails = letters.map(lambda x: f"{x.lower()}@customer.example")
private = phones | secrets | emails


def needle(text: str) -> str:
    """Return the part of *text* that must not be seen: what is not the same for everybody."""
    for mark in ("Bearer ", "hapikey=", "password: "):
        text = text.removeprefix(mark)
    return text


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "request body": lambda x: {
        "request": {"body": {"message": x, "phone": x, "email": x, "note": x}}
    },
    "nested": lambda x: {"request": {"body": {"properties": {"a": [{"b": f"call {x} now"}]}}}},
    "response body": lambda x: {
        "response": {"body": {"success": True, "messageId": "m1", "who": x}}
    },
    "error": lambda x: {
        "status": 400,
        "response": {"body": {"message": f"Contact {x} exists", "error": x}},
    },
    "error code": lambda x: {"status": 400, "response": {"body": {"code": x, "name": x}}},
    "ids": lambda x: {
        "response": {"body": {"messageId": x, "contactId": x, "traceId": x}},
        "id": x,
    },
    "headers": lambda x: {"request": {"headers": {"Authorization": x, "X-To": x, "Cookie": x}}},
    "kept headers": lambda x: {
        "response": {"headers": {"x-request-id": x, "cf-ray": x, "Version": x}, "body": {}}
    },
    "query": lambda x: {"url": f"{GHL}/contacts/?phone={x}&locationId={x}&token={x}"},
    "path": lambda x: {"url": f"{GHL}/contacts/{x.replace('/', '')}"},
    "unknown path": lambda x: {"url": f"https://crm.example/people/{x.replace('/', '')}/x"},
    "source": lambda x: {"source": x, "status_text": x, "error": x, "status": None},
    "unknown field": lambda x: {"extra_thing": x, x: x},
    "bad field": lambda x: {"timestamp": x},
    "bad zone": lambda x: {"timestamp": "2025-11-04 10:00:00", "timezone": x},
    "bad method": lambda x: {"method": x},
    "bad url": lambda x: {"url": x},
    "provider": lambda x: {"provider": x, "event_type": x, "event_id": x, "attempt": x},
    "text body": lambda x: {"response": {"body": f"<html>{x}</html>"}},
}


class TestNothingPrivateComesOut:
    @pytest.mark.parametrize("place", PLACES)
    @given(held=private)
    @settings(max_examples=20)
    def test_everywhere(self, place: str, held: str) -> None:
        """A number, an address or a key in any field is in nothing that is ever shown."""
        whole = {
            "method": "POST",
            "url": INBOUND,
            "status": 201,
            "timestamp": TIME,
            **PLACES[place](held),
        }
        for bodies in ("none", "shape", "redacted"):
            reading = read(io.BytesIO(lines(whole).encode()), now_ns=NOW_NS, bodies=bodies)  # type: ignore[arg-type]
            shown = self.show(reading)
            assert needle(held) not in shown

    def show(self, reading: Any) -> str:
        """Return everything that is ever shown of a reading, in one text."""
        spans, records = InMemorySpanExporter(), InMemoryLogRecordExporter()
        with Chronicle(reading) as chronicle:
            replay(
                chronicle, exporters={"traces": spans, "logs": records}, signal="both", detail=True
            )
            entries = list(chronicle)
            shown = [str(entry) + json.dumps(entry.to_dict()) for entry in entries]
            if entries:
                shown += self.report(chronicle)
        shown += [f"{s.name} {dict(s.attributes or {})}" for s in spans.get_finished_spans()]
        shown += [
            str((r.log_record.body, r.log_record.attributes)) for r in records.get_finished_logs()
        ]
        shown += [str(one) for one in (*reading.rejected, *reading.warnings)]
        return "\n".join(shown)

    def report(self, chronicle: Chronicle) -> list[str]:
        """Return the report on the only entry, or nothing where it is refused."""
        entry = next(iter(chronicle))
        known = [entry.entry_id, entry.request_id, *entry.ids.values()]
        asked = next((one for one in known if one), None)
        if asked is None:
            return []
        try:
            report = build_report(asked, chronicle)
        except RedactionError as error:
            return [str(error)]
        return [render_markdown(report), render_json(report), str(asdict(report))]

    @pytest.mark.parametrize("place", [name for name in PLACES if not name.startswith("bad")])
    @given(held=private)
    @settings(max_examples=10)
    def test_capture(self, tmp_path: Path, place: str, held: str) -> None:
        """Nothing of it reaches the file of the sink."""
        one = {"url": INBOUND, "request": {}, "response": {}, **PLACES[place](held)}
        path = tmp_path / "calls.ndjson"
        path.unlink(missing_ok=True)
        with EntrySink(path) as sink:
            sink.write(
                "POST",
                one["url"],
                one.get("status", 201),
                source=one.get("source"),
                error=one.get("error"),
                entry_id=one.get("id"),
                linq_trace_id=one.get("id"),
                provider=one.get("provider"),
                request_headers=one["request"].get("headers"),
                request_body=one["request"].get("body"),
                response_headers=one["response"].get("headers"),
                response_body=one["response"].get("body"),
            )
        assert needle(held) not in path.read_text()
