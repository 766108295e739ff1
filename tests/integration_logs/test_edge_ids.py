from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from linq_otel.integration_logs._crm_traces import parse_otel_trace_id
from linq_otel.integration_logs._entries import CrmTrace, RateLimit
from support.log_rows import MADE, answered, read_rows, row
from support.programs import REPOSITORY


PAGE = REPOSITORY / "docs" / "integration-logs.md"
VECTOR = re.compile(r"^\| `([^`]*)` \| (\w+) \| `(\w{32})` \|$", re.MULTILINE)
UUID = "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17"
SALESFORCE = "https://acme.my.salesforce.com/services/data/v64.0/sobjects/Task"
HUBSPOT = "https://api.hubapi.com/crm/v3/objects/communications"


def trace_of(body: Any, **changes: Any) -> CrmTrace | None:
    return read_rows(answered(body, **changes)).entry.crm_trace


class TestVectors:
    @pytest.mark.parametrize(
        ("raw", "otel_trace_id"),
        [(raw, expected) for raw, _, expected in VECTOR.findall(PAGE.read_text("utf-8"))],
    )
    def test_published(self, raw: str, otel_trace_id: str) -> None:
        """Each row of the page is what the code derives."""
        assert f"{parse_otel_trace_id(raw) or 0:032x}" == otel_trace_id

    @pytest.mark.parametrize("raw", ["0" * 32, "", " ", "null", "undefined", "-", "N/A", "0" * 16])
    def test_61_none(self, raw: str) -> None:
        """Case 61: what stands for nothing is nothing."""
        assert parse_otel_trace_id(raw) is None

    @pytest.mark.parametrize(
        "raw", ["0x" + "1" * 30, "1_" * 16, "+" + "1" * 31, "\uff11" * 32, "g" * 32]
    )
    def test_what_int_would_take(self, raw: str) -> None:
        """Only hexadecimal digits are digits; the rest is hashed."""
        assert parse_otel_trace_id(raw) not in {None, int("1" * 31, 16), int("1" * 32, 16)}

    @pytest.mark.parametrize(
        "raw",
        [
            UUID,
            UUID.upper(),
            f"{{{UUID}}}",
            f"urn:uuid:{UUID}",
            f' "{UUID}" ',
            UUID.replace("-", ""),
        ],
    )
    def test_57_forms(self, raw: str) -> None:
        """Case 57: one id in all its forms is one trace."""
        assert parse_otel_trace_id(raw) == 0x5B1F0A527C1E4F2B9D430A6E2F9C8B17


class TestCrmTrace:
    def test_58_absent(self) -> None:
        """Case 58: an answer without one is normal."""
        assert trace_of(MADE) is None

    def test_59_several(self) -> None:
        """Case 59: of several the body's own counts, with a warning."""
        found = read_rows(
            answered(
                {**MADE, "traceId": "top-1", "error": {"traceId": "inner-2"}},
                headers={"X-Trace-Id": "header-3"},
            )
        )
        assert found.entry.crm_trace == CrmTrace("top-1", "body")
        assert found.warnings == {"several_trace_ids": 1}

    @pytest.mark.parametrize(
        ("body", "headers", "expected"),
        [
            ({"error": {"traceId": UUID}}, {}, CrmTrace(UUID, "body")),
            ({"meta": {"data": {"trace_id": UUID}}}, {}, CrmTrace(UUID, "body")),
            ({"a": {"traceId": UUID}}, {}, None),
            ({}, {"X-Trace-Id": UUID}, CrmTrace(UUID, "header")),
        ],
    )
    def test_where(self, body: Any, headers: Any, expected: CrmTrace | None) -> None:
        """It is looked for in the body's known places, then in the headers."""
        assert trace_of(body, headers=headers) == expected

    def test_60_types(self) -> None:
        """Case 60: a number is text, an object nothing, and 10,000 characters are cut."""
        assert trace_of({"traceId": 12345}) == CrmTrace("12345", "body")
        found = read_rows(answered({"traceId": {"id": UUID}}))
        assert (found.entry.crm_trace, found.warnings) == (None, {"trace_id_unreadable": 1})
        trace = trace_of({"traceId": "ab" * 5_000})
        assert trace is not None
        assert (len(trace.raw), trace.raw[:4], trace.raw[223]) == (256, "abab", "#")

    @pytest.mark.parametrize(
        "raw",
        [
            "0" * 32,
            "undefined",
            "[REDACTED]",
            "***",
            "ada@customer.example",
            "+15551230001",
            "Bearer abc.def.ghi",
        ],
    )
    def test_61_not_an_id(self, raw: str) -> None:
        """Case 61: zeros, words for nothing, masks and people are no ids."""
        assert trace_of({"traceId": raw}) is None

    def test_62_other_ids(self) -> None:
        """Case 62: ids that only look like a trace's are request ids, or nothing."""
        entry = read_rows(
            answered(
                {"id": "1"},
                url=SALESFORCE,
                headers={
                    "x-sfdc-request-id": "7e1d00000000000000000000000000a7",
                    "X-B3-TraceId": "53ce929d0e0e4736",
                },
            )
        ).entry
        assert (entry.crm_trace, entry.request_id) == (None, "7e1d00000000000000000000000000a7")
        entry = read_rows(
            answered({"id": "1"}, url=HUBSPOT, headers={"X-Trace": "2B" + "0" * 58})
        ).entry
        assert (entry.crm_trace, entry.request_id) == (None, None)

    def test_64_in_an_error(self) -> None:
        """Case 64: a UUID at the end of an error's text is the last resort."""
        body = {"statusCode": 400, "message": f"Conversation already exists! {UUID}"}
        assert trace_of(body, status=400) == CrmTrace(UUID, "error_text")


class TestLinqTraceId:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            (
                {"linq_trace_id": "8AF9171A45022DF2EB74BA4E4C83BE0F"},
                "8af9171a45022df2eb74ba4e4c83be0f",
            ),
            ({"linq_trace_id": "abc123def456"}, None),
            ({"request": {"headers": {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}}}, "a" * 32),
            (
                {"direction": "in", "response": {"headers": {"X-Trace-ID": "c" * 32}, "body": ""}},
                "c" * 32,
            ),
            ({"response": {"headers": {"X-Trace-ID": "c" * 32}, "body": ""}}, None),
        ],
    )
    def test_where(self, changes: dict[str, Any], expected: str | None) -> None:
        """Linq's own id is believed where Linq says it, and only in its documented form."""
        assert read_rows(row(**changes)).entry.linq_trace_id == expected


class TestHeaders:
    @pytest.mark.parametrize(
        "written",
        [
            {"VERSION": "v3", "X-RateLimit-Remaining": "97"},
            [{"name": "Version", "value": "v3"}, {"name": "X-RateLimit-Remaining", "value": 97}],
            [["version", "v3"], ["x-ratelimit-remaining", "97"]],
            ["version: v3", "x-ratelimit-remaining: 97"],
            ["version", "v3", "x-ratelimit-remaining", "97"],
            "version: v3\r\nx-ratelimit-remaining:97\r\n",
            '{"version": "v3", "x-ratelimit-remaining": "97"}',
        ],
    )
    def test_65_forms(self, written: Any) -> None:
        """Case 65: headers in every form tools write."""
        entry = read_rows(answered(MADE, headers=written)).entry
        assert entry.response.headers == {"version": ("v3",), "x-ratelimit-remaining": ("97",)}
        assert entry.rate_limit == RateLimit(remaining=97)

    def test_65_repeated(self) -> None:
        """Case 65: a name given twice has two values; of a doubled number the first counts."""
        headers = [["Version", "a"], ["version", "b"], ["X-RateLimit-Remaining", "97, 97"]]
        found = read_rows(answered(MADE, headers=headers))
        assert found.entry.response.headers["version"] == ("a", "b")
        assert (found.entry.rate_limit.remaining, found.warnings) == (
            97,
            {"rate_limit_repeated": 1},
        )

    @pytest.mark.parametrize("written", ["", "-1", "unlimited", "9.5", "many"])
    def test_66_no_number(self, written: str) -> None:
        """Case 66: what is no whole number is unknown, never zero."""
        limit = read_rows(
            answered(MADE, headers={"X-RateLimit-Remaining": written})
        ).entry.rate_limit
        assert (limit, limit.is_known) == (RateLimit(), False)

    @pytest.mark.parametrize(
        ("written", "limit", "warnings"),
        [
            ("api-usage=25/5000", RateLimit(daily_limit=5_000, daily_remaining=4_975), {}),
            (
                "api-usage=25/5000; per-app-api-usage=17/250(appName=x)",
                RateLimit(daily_limit=5_000, daily_remaining=4_975),
                {},
            ),
            (
                "api-usage=5001/5000",
                RateLimit(daily_limit=5_000, daily_remaining=0),
                {"rate_limit_exceeded": 1},
            ),
            ("api-usage=lots", RateLimit(), {"rate_limit_unreadable": 1}),
        ],
    )
    def test_67_salesforce(self, written: str, limit: RateLimit, warnings: Any) -> None:
        """Case 67: Salesforce counts what was used; too much is none left."""
        found = read_rows(
            answered({"id": "1"}, url=SALESFORCE, headers={"Sforce-Limit-Info": written})
        )
        assert (found.entry.rate_limit, found.warnings) == (limit, warnings)

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("x-ratelimit-max", "limit"),
            ("x-ratelimit-limit-daily", "daily_limit"),
            ("x-ratelimit-daily-limit", "daily_limit"),
            ("x-ratelimit-daily-remaining", "daily_remaining"),
            ("x-ratelimit-interval-milliseconds", "interval_ms"),
        ],
    )
    def test_gohighlevel(self, name: str, field: str) -> None:
        """The words of a header's name stand in either order."""
        assert read_rows(answered(MADE, headers={name: "7"})).entry.rate_limit == RateLimit(
            **{field: 7}
        )


class TestBodies:
    def test_68_json_in_json(self) -> None:
        """Case 68: JSON written into a string, twice over."""
        assert (
            read_rows(answered(json.dumps(json.dumps(MADE)))).entry.outcome.delivery == "delivered"
        )

    @pytest.mark.parametrize(
        "body",
        [
            "<html><h1>502 Bad Gateway</h1></html>",
            "\ufffdgzip",
            "a=b&c=d",
            "<soap:Envelope/>",
            '{"success": true, "messageId": "m1"',
            "{" * 3,
        ],
    )
    def test_69_70_not_json(self, body: str) -> None:
        """Cases 69 and 70: of a body that is no whole JSON only the size is known."""
        found = read_rows(answered(body), answered(body, 502))
        assert [e.outcome.delivery for e in found.entries] == ["unconfirmed", "unknown"]
        assert [e.outcome.error_type for e in found.entries] == [None, "502"]
        assert found.warnings["body_unreadable"] == 2
        assert found.entries[0].response.size == len(body.strip().encode())

    def test_69_base64(self) -> None:
        """Case 69: base64 is opened where the row says that it is."""
        packed = base64.b64encode(json.dumps(MADE).encode()).decode()
        response = {"body": packed, "encoding": "base64"}
        assert read_rows(row(response=response)).entry.outcome.delivery == "delivered"
        response = {"body": "%%%", "encoding": "base64"}
        assert read_rows(row(response=response)).entry.outcome.delivery == "unconfirmed"

    def test_70_declared(self) -> None:
        """Case 70: a body the row calls truncated confirms nothing."""
        response = {"body": MADE, "truncated": True}
        entry = read_rows(row(response=response)).entry
        assert (entry.outcome.delivery, entry.ids) == ("unconfirmed", {})

    def test_71_secrets(self) -> None:
        """Case 71: secrets are dropped and counted; what was masked before is no value."""
        headers = {
            "Authorization": "Bearer EXAMPLE-NOT-A-TOKEN",
            "Cookie": "[REDACTED]",
            "X-Api-Key": "k",
            "X-LINQ-INTEGRATION-TOKEN": "t",
            "User-Agent": "linq",
            "Version": "v3",
        }
        found = read_rows(row(request={"headers": headers, "body": {}}))
        assert found.entry.request.headers == {"version": ("v3",)}
        assert found.warnings == {"secret_dropped": 3, "secret_masked": 1}

    def test_error_in_an_error(self) -> None:
        """GoHighLevel's lists of messages become one line."""
        body = {"statusCode": 422, "message": ["contactId must be a string", "type is wrong"]}
        message = read_rows(answered(body, 422)).entry.outcome.error_message
        assert message == "contactId must be a string; type is wrong"
