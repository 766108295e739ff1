from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from linq_otel.integration_logs import Entry, read
from linq_otel.integration_logs._entries import CrmTrace, RateLimit
from support.log_rows import NOW_NS, ns


SAMPLES = Path(__file__).parent / "samples"


UNKNOWN = RateLimit()


@dataclass(frozen=True)
class Expected:
    """
    What the reference says of a sample.
    """

    title: str
    start: str
    delivery: str
    error_type: str | None
    operation: str
    crm_trace: CrmTrace | None = None
    error_code: str | None = None
    request_id: str | None = None
    linq_trace_id: str | None = None
    rate_limit: RateLimit = UNKNOWN
    duration_ms: float | None = None
    is_failure: bool = False


EIGHT = [
    Expected(
        "POST /conversations/messages/inbound",
        "2025-11-04T16:02:11.482Z",
        "delivered",
        None,
        "message.inbound",
        CrmTrace("5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17", "body"),
        rate_limit=RateLimit(100, 97, 10_000, 200_000, 199_731),
    ),
    Expected(
        "POST /conversations/messages/inbound",
        "2025-11-04T16:05:40.017Z",
        "unconfirmed",
        None,
        "message.inbound",
        rate_limit=RateLimit(100, 96, 10_000, 200_000, 199_730),
    ),
    Expected(
        "POST /conversations/messages/inbound",
        "2025-11-04T16:11:02Z",
        "rejected",
        "401",
        "message.inbound",
        is_failure=True,
    ),
    Expected(
        "PUT /contacts/{id}",
        "2025-11-04T16:20:00.250Z",
        "throttled",
        "429",
        "contact.update",
        rate_limit=RateLimit(100, 0, 10_000, 200_000, 184_112),
        is_failure=True,
    ),
    Expected(
        "POST /crm/v3/objects/communications",
        "2025-11-04T16:31:45.003Z",
        "delivered",
        None,
        "message.log",
        request_id="0d7c1b9e-52a4-4f0e-8c36-7a1e5d2b9f40",
        rate_limit=RateLimit(190, 188, 10_000),
    ),
    Expected(
        "PATCH /crm/v3/objects/contacts/{email}",
        "2025-11-02T07:30:12Z",
        "rejected",
        "400",
        "contact.update",
        error_code="VALIDATION_ERROR",
        request_id="f3a1c5d7-0b42-4e88-9a6d-1c2e3f405162",
        is_failure=True,
    ),
    Expected(
        "POST /services/data/{version}/composite/sobjects",
        "2025-11-05T00:02:09.731Z",
        "partial",
        "partial_failure",
        "record.batch",
        error_code="INVALID_CROSS_REFERENCE_KEY",
        request_id="7e1d00000000000000000000000000a7",
        duration_ms=412.6,
        rate_limit=RateLimit(daily_limit=15_000, daily_remaining=13),
        is_failure=True,
    ),
    Expected(
        "POST",
        "2025-11-04T17:15:11.482Z",
        "not_applicable",
        None,
        "other",
        linq_trace_id="8af9171a45022df2eb74ba4e4c83be0f",
    ),
]


def seen(entry: Entry) -> Expected:
    return Expected(
        entry.title,
        "",
        entry.outcome.delivery,
        entry.outcome.error_type,
        entry.operation,
        entry.crm_trace,
        entry.outcome.error_code,
        entry.request_id,
        entry.linq_trace_id,
        entry.rate_limit,
        entry.duration_ms,
        entry.outcome.is_failure,
    )


class TestSamples:
    def test_eight(self) -> None:
        """Each sample is read as the reference says."""
        reading = read(SAMPLES / "eight.ndjson", now_ns=NOW_NS + 3_600 * 10**9)
        entries = list(reading)
        assert [seen(entry) for entry in entries] == [
            Expected(**{**{f: getattr(one, f) for f in one.__dataclass_fields__}, "start": ""})
            for one in EIGHT
        ]
        assert [entry.moment.unix_ns for entry in entries] == [ns(one.start) for one in EIGHT]
        assert [entry.moment.is_ambiguous for entry in entries] == [False] * 5 + [True] + [
            False
        ] * 2
        assert [entry.direction for entry in entries] == ["outbound"] * 7 + ["inbound"]
        assert reading.rejected == ()

    @pytest.mark.parametrize(
        ("name", "start"),
        [
            ("clothes.csv", "2025-11-04T16:02:11Z"),
            ("clothes.txt", "2025-11-04T16:02:11Z"),
            ("clothes.har", "2025-11-04T16:02:11.482Z"),
        ],
    )
    def test_other_clothes(self, name: str, start: str) -> None:
        """The first sample reads alike as a table, a pasted panel and a HAR."""
        (entry,) = read(SAMPLES / name, timezone="America/Denver", now_ns=NOW_NS)
        assert (entry.title, entry.status) == ("POST /conversations/messages/inbound", 201)
        assert (entry.outcome.delivery, entry.moment.unix_ns) == ("delivered", ns(start))
        assert entry.ids["message_id"] == "msgEXAMPLE0000000001"

    def test_no_secret_is_kept(self) -> None:
        """Nothing of the samples' people and keys is in what is kept."""
        kept = "".join(
            str(entry) + str(entry.to_dict()) for entry in read(SAMPLES / "eight.ndjson")
        )
        private = [
            "+1555",
            "ada",
            "Ada",
            "3pm",
            "NOT-A",
            "Thursday",
            "five minutes",
            "Text from",
            "customer",
        ]
        assert [word for word in private if word in kept] == []
