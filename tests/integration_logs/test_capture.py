from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import _shield
from linq_otel.errors import ConfigurationError
from linq_otel.integration_logs import EntrySink, read
from support.log_rows import INBOUND, NOW_NS, TIME_NS


if TYPE_CHECKING:
    from linq_otel.integration_logs import Entry


SAMPLES = Path(__file__).parent / "samples" / "eight.ndjson"


def told(entry: Entry) -> tuple[Any, ...]:
    outcome = (entry.outcome.delivery, entry.outcome.error_type, entry.outcome.error_code)
    return (
        entry.title,
        entry.provider,
        entry.operation,
        entry.status,
        outcome,
        entry.ids,
        entry.rate_limit,
        entry.request_id,
        entry.linq_trace_id,
        entry.crm_trace,
    )


class TestEntrySink:
    def test_reads_back_alike(self, tmp_path: Path) -> None:
        """What was written down is judged as the whole call is, and holds nobody's data."""
        path = tmp_path / "calls.ndjson"
        samples = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
        with EntrySink(path) as sink:
            for one in samples:
                sink.write(
                    one["method"],
                    one["url"],
                    int(str(one["status"])[:3]),
                    started_ns=TIME_NS,
                    direction=one.get("direction", "outbound"),
                    source=one["source"],
                    entry_id=one["id"],
                    linq_trace_id=one.get("linq_trace_id"),
                    request_headers=one["request"]["headers"],
                    request_body=one["request"]["body"],
                    response_headers=one["response"]["headers"],
                    response_body=one["response"]["body"],
                )
        later = NOW_NS + 86_400 * 10**9
        written = list(read(path, now_ns=later))
        assert list(map(told, written)) == list(map(told, read(SAMPLES, now_ns=later)))
        text = path.read_text()
        private = [
            "+1555",
            "555-123",
            "ada",
            "Ada",
            "3pm",
            "NOT-A",
            "Thursday",
            "minutes",
            "customer",
        ]
        assert [word for word in private if word in text] == []
        assert {entry.moment.unix_ns for entry in written} == {TIME_NS}

    def test_private_file(self, tmp_path: Path) -> None:
        """The file is its owner's alone, and is added to."""
        path = tmp_path / "calls.ndjson"
        for number in range(2):
            with EntrySink(path) as sink:
                sink.write(
                    "POST", INBOUND, 201, entry_id=f"r{number}", response_body=b'{"messageId":"m"}'
                )
        assert path.stat().st_mode & 0o777 == 0o600
        assert [(e.entry_id, e.outcome.delivery) for e in read(path)] == [
            ("r0", "delivered"),
            ("r1", "delivered"),
        ]

    def test_no_answer(self, tmp_path: Path) -> None:
        """A call without an answer keeps why, and an error keeps its text without its numbers."""
        path = tmp_path / "calls.ndjson"
        with EntrySink(path) as sink:
            sink.write("POST", INBOUND, None, error="ReadTimeout for +15551230001", attempt=2)
            sink.write("POST", INBOUND, 400, response_body={"message": "+15551230001 is unknown"})
        assert [(e.outcome.error_type, e.outcome.error_message, e.attempt) for e in read(path)] == [
            ("no_response", "ReadTimeout for {phone}", 2),
            ("400", "{phone} is unknown", None),
        ]

    def test_does_not_stop_the_proxy(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A call that cannot be written is logged by its kind, and a closed sink drops it."""
        path = tmp_path / "calls.ndjson"
        sink = EntrySink(path)
        _shield._strict = False
        with caplog.at_level(logging.WARNING):
            sink.write("POST", "no url for +15551230001", 201)
        assert "writing down an integration call failed: UnusableError" in caplog.text
        assert "15551230001" not in caplog.text
        sink.close()
        sink.write("POST", INBOUND, 201)
        assert path.read_text() == ""

    def test_no_folder(self, tmp_path: Path) -> None:
        """A file that cannot be opened is said at once."""
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            EntrySink(tmp_path / "nowhere" / "calls.ndjson")
