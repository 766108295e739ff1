from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from support.log_rows import (
    GHL,
    INBOUND,
    MADE,
    TIME_NS,
    Read,
    answered,
    ns,
    read_rows,
    read_text,
    row,
)


if TYPE_CHECKING:
    from linq_otel.integration_logs import Entry


def delivery(entry: Entry) -> tuple[str, str | None]:
    return entry.outcome.delivery, entry.outcome.error_type


class TestMethods:
    @pytest.mark.parametrize(
        ("written", "method", "original"),
        [
            ("POST", "POST", None),
            (" Post ", "POST", "Post"),
            ("post", "POST", "post"),
            ("SEND", "_OTHER", "SEND"),
        ],
    )
    def test_29_30_spellings(self, written: str, method: str, original: str | None) -> None:
        """Cases 29 and 30: any case is read, and a word HTTP does not know is kept as such."""
        entry = read_rows(row(method=written)).entry
        assert (entry.method, entry.method_original) == (method, original)

    @pytest.mark.parametrize("written", ["", "  ", None, 7, "PO ST", "+15551230001"])
    def test_30_unusable(self, written: Any) -> None:
        """Case 30: a row without a method is none."""
        ((_, field, reason),) = read_rows({**row(), "method": written}).rejects
        assert (field, reason in {"missing", "is no HTTP method"}) == ("method", True)

    def test_30_name_of_the_span(self) -> None:
        """Case 30: the span of an unknown method is named as the conventions say."""
        assert read_rows(row(method="SEND")).entry.title == "HTTP"


class TestUrls:
    def test_31_relative(self) -> None:
        """Case 31: a relative URL is completed by its provider or the option, else rejected."""
        path = "/conversations/messages/inbound"
        named = read_rows(row(url=path, provider="GHL"))
        given = read_rows(row(url=path), base_url=GHL)
        assert [found.entry.target.url for found in (named, given)] == [INBOUND, INBOUND]
        assert named.warnings == given.warnings == {"url_completed": 1}
        assert read_rows(row(url=path)).rejects == [(1, "url", "is relative: give --base-url")]

    def test_32_credentials(self) -> None:
        """Case 32: credentials are taken out of a URL."""
        url = read_rows(row(url="https://user:pass@crm.example/webhook")).entry.target.url
        assert url == "https://REDACTED:REDACTED@crm.example/webhook"

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            (f"{GHL}/locations/{{{{locationId}}}}/tags", f"{GHL}/locations/{{id}}/tags"),
            (f"{GHL}/a b/c", f"{GHL}/{{id}}/c"),
            ("https://münchen.example/hook", "https://münchen.example/hook"),
            ("http://[::1]:8080/hook", "http://[::1]:8080/hook"),
            ("crm.example/hook", "https://crm.example/hook"),
        ],
    )
    def test_33_odd(self, written: str, shown: str) -> None:
        """Case 33: what can be read as a URL is."""
        assert read_rows(row(url=written)).entry.target.url == shown

    @pytest.mark.parametrize(
        "written",
        [
            "https://crm.example:0/a",
            "https://crm.example:99999/a",
            "ftp://crm.example/a",
            "nothing",
            "https://",
            "https://[::1/a",
            "",
            "javascript:alert(1)",
        ],
    )
    def test_33_unusable(self, written: str) -> None:
        """Case 33: what cannot is rejected."""
        assert [field for _, field, _ in read_rows(row(url=written)).rejects] == ["url"]

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            (
                "https://api.hubapi.com/contacts/v1/x?hapikey=abc-1",
                "/contacts/v1/x?hapikey=REDACTED",
            ),
            (
                "https://a.my.salesforce.com/services/data/v64.0/query?q=SELECT+Phone",
                "/services/data/v64.0/query?q=REDACTED",
            ),
            (
                "https://api.hubapi.com/crm/v3/objects/contacts/ada%40customer.example?idProperty=email",
                "/crm/v3/objects/contacts/{email}?idProperty=email",
            ),
            (f"{GHL}/contacts/%2B15551230001", "/contacts/{phone}"),
            (
                f"{GHL}/contacts/search/duplicate?number=%2B15551230001&locationId=loc1",
                "/contacts/search/duplicate?number=REDACTED&locationId=loc1",
            ),
            ("https://crm.example/people/Ada%20Lovelace", "/people/{id}"),
        ],
    )
    def test_34_private(self, written: str, shown: str) -> None:
        """Case 34: secrets and people are taken out of path and query, keys stay."""
        assert read_rows(row(url=written)).entry.target.url.endswith(shown)

    def test_35_cut(self) -> None:
        """Case 35: a URL the table cut off is kept, with a warning."""
        found = read_rows(row(url=f"{GHL}/conversations/mess…"))
        assert found.entry.target.url == f"{GHL}/conversations/…"
        assert found.entry.target.template is None
        assert found.warnings == {"url_cut": 1}


class TestStatuses:
    @pytest.mark.parametrize(
        "written",
        [201, "201", "201 Created", 201.0, "201.0", " 201", "HTTP/2 201", "HTTP/1.1 201 Created"],
    )
    def test_36_spellings(self, written: Any) -> None:
        """Case 36: a status in any clothes."""
        assert read_rows(row(status=written)).entry.status == 201

    @pytest.mark.parametrize(
        "written", [0, -1, None, "", "(failed)", "ERR_TIMED_OUT", "net::ERR_FAILED", "pending"]
    )
    def test_37_no_answer(self, written: Any) -> None:
        """Case 37: no answer is no status, and the outcome is unknown."""
        found = read_rows({**row(), "status": written, "response": None})
        assert (found.entry.status, delivery(found.entry)) == (None, ("unknown", "no_response"))
        assert found.warnings == {}

    @pytest.mark.parametrize("written", [99, 600, 20, 2010, True, "success"])
    def test_38_impossible(self, written: Any) -> None:
        """Case 38: an impossible status is left out with a warning, the row kept."""
        found = read_rows(row(status=written))
        assert (found.entry.status, found.warnings) == (None, {"status_unreadable": 1})

    def test_39_mismatch(self) -> None:
        """Case 39: HTTP's status counts, and a body that says another is noted."""
        found = read_rows(answered({"statusCode": 401, "messageId": "m1"}))
        assert (delivery(found.entry), found.warnings) == (
            ("delivered", None),
            {"status_mismatch": 1},
        )

    @pytest.mark.parametrize(
        ("status", "success", "verdict"),
        [
            (201, False, ("rejected", "success_false")),
            (201, "false", ("rejected", "success_false")),
            (201, None, ("rejected", "success_false")),
            (201, "true", ("delivered", None)),
            (201, 1, ("delivered", None)),
            (422, True, ("rejected", "422")),
        ],
    )
    def test_40_success(self, status: int, success: Any, verdict: tuple[str, str | None]) -> None:
        """Case 40: what the body says of success is heard, but never against an error."""
        found = read_rows(answered({"success": success, "messageId": "m1"}, status))
        assert delivery(found.entry) == verdict
        assert found.warnings == ({"success_in_error": 1} if status == 422 else {})

    @pytest.mark.parametrize("body", ["", None, {}, "  ", '""', "null", []])
    def test_41_empty_body(self, body: Any) -> None:
        """Case 41: a 201 that names nothing it made is not confirmed."""
        assert delivery(read_rows(answered(body)).entry) == ("unconfirmed", None)

    @pytest.mark.parametrize(
        ("method", "verdict"),
        [("PUT", "delivered"), ("PATCH", "delivered"), ("POST", "accepted")],
    )
    def test_41_no_content(self, method: str, verdict: str) -> None:
        """Case 41: a 204 confirms an update, and any other call is accepted."""
        entry = read_rows(
            row(method=method, url=f"{GHL}/contacts/c1", status=204, response=None)
        ).entry
        assert delivery(entry) == (verdict, None)

    @pytest.mark.parametrize(
        ("url", "status", "body", "verdict"),
        [
            (
                "https://a.my.salesforce.com/services/data/v64.0/sobjects/Contact/Id__c/7",
                300,
                ["/services/data/v64.0/sobjects/Contact/1"],
                ("rejected", "multiple_matches"),
            ),
            (
                "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
                207,
                {"numErrors": 1, "results": []},
                ("partial", "partial_failure"),
            ),
            (
                "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
                200,
                {"numErrors": 1, "results": [{"id": "1"}]},
                ("partial", "partial_failure"),
            ),
            (
                "https://a.my.salesforce.com/services/data/v64.0/composite/batch",
                200,
                {"hasErrors": True, "results": []},
                ("partial", "partial_failure"),
            ),
            (
                "https://a.my.salesforce.com/services/data/v64.0/composite",
                200,
                {"compositeResponse": [{"httpStatusCode": 400, "body": [{"errorCode": "X"}]}]},
                ("partial", "partial_failure"),
            ),
        ],
    )
    def test_42_in_part(self, url: str, status: int, body: Any, verdict: tuple[str, str]) -> None:
        """Case 42: successes that are none, or half of one."""
        method = "PATCH" if status == 300 else "POST"
        assert delivery(read_rows(answered(body, status, url=url, method=method)).entry) == verdict


class TestThrottling:
    @pytest.mark.parametrize(
        ("headers", "body", "by"),
        [
            ({"X-RateLimit-Daily-Remaining": "12", "X-RateLimit-Remaining": "0"}, {}, "burst"),
            ({"X-RateLimit-Daily-Remaining": "0"}, {}, "daily"),
            ({"X-RateLimit-Remaining": "0"}, {}, "burst"),
            ({}, {}, None),
        ],
    )
    def test_gohighlevel(self, headers: dict[str, str], body: Any, by: str | None) -> None:
        """Burst and daily limits answer alike; what is left of the day tells them apart."""
        entry = read_rows(answered(body, 429, headers=headers)).entry
        assert (delivery(entry), entry.outcome.throttled_by) == (("throttled", "429"), by)

    @pytest.mark.parametrize(
        ("policy", "by"), [("DAILY", "daily"), ("TEN_SECONDLY_ROLLING", "burst"), (None, None)]
    )
    def test_hubspot(self, policy: str | None, by: str | None) -> None:
        """HubSpot may name the policy, and its burst headers are missing on searches."""
        url = "https://api.hubapi.com/crm/v3/objects/contacts/search"
        body = {"category": "RATE_LIMITS", "policyName": policy}
        entry = read_rows(answered(body, 429, url=url)).entry
        assert (entry.outcome.error_code, entry.outcome.throttled_by) == ("RATE_LIMITS", by)

    def test_salesforce(self) -> None:
        """Salesforce says 403 where others say 429."""
        url = "https://a.my.salesforce.com/services/data/v64.0/sobjects/Task"
        limited = [
            {"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
        ]
        other = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]
        entries = read_rows(answered(limited, 403, url=url), answered(other, 403, url=url)).entries
        assert [(delivery(e), e.outcome.throttled_by) for e in entries] == [
            (("throttled", "403"), "daily"),
            (("rejected", "403"), None),
        ]


def time_of(written: Any, **options: Any) -> Read:
    return read_rows(row(timestamp=written), **options)


class TestTimes:
    def test_43_local(self) -> None:
        """Case 43: a local time needs a zone, from the row or an option, and none is assumed."""
        local = "Nov 4, 2025, 9:02:11 AM"
        reason = "is a local time without a zone: give --timezone"
        assert time_of(local).rejects == [(1, "timestamp", reason)]
        expected = ns("2025-11-04T16:02:11Z")
        assert time_of(local, timezone="America/Denver").entry.moment.unix_ns == expected
        assert time_of(local, timezone="-07:00").entry.moment.unix_ns == expected
        found = read_rows(row(timestamp=local, timezone="America/Denver"), timezone="Asia/Tokyo")
        assert (found.entry.moment.unix_ns, found.entry.moment.zone) == (expected, "America/Denver")

    @pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "America", "Denver", "+99:00"])
    def test_43_unknown_zone(self, zone: str) -> None:
        """Case 43: a zone nobody knows is named, not guessed."""
        found = read_rows(row(timestamp="2025-11-04 09:00:00", timezone=zone))
        assert found.rejects == [(1, "timezone", "is no zone that can be told")]

    def test_44_repeated_hour(self) -> None:
        """Case 44: of a repeated hour the earlier is taken and the other kept, unless told."""
        local = "2025-11-02 01:30:12"
        early, late = ns("2025-11-02T07:30:12Z"), ns("2025-11-02T08:30:12Z")
        found = time_of(local, timezone="America/Denver")
        assert (found.entry.moment.unix_ns, found.entry.moment.other_ns) == (early, late)
        assert (found.entry.moment.is_ambiguous, found.warnings) == (True, {"repeated_hour": 1})
        found = time_of(local, timezone="America/Denver", dst="later")
        assert (found.entry.moment.unix_ns, found.entry.moment.other_ns) == (late, early)

    def test_44_decided_by_the_answer(self) -> None:
        """Case 44: the answer's Date header decides."""
        headers = {"Date": "Sun, 02 Nov 2025 08:30:13 GMT"}
        entry = read_rows(
            answered(MADE, headers=headers, timestamp="2025-11-02 01:30:12"),
            timezone="America/Denver",
        ).entry
        assert (entry.moment.unix_ns, entry.skew_ms) == (ns("2025-11-02T08:30:12Z"), None)

    def test_45_skipped_hour(self) -> None:
        """Case 45: an hour that did not exist is shifted forward."""
        found = time_of("2025-03-09 02:30:00", timezone="America/New_York")
        assert found.entry.moment.unix_ns == ns("2025-03-09T07:30:00Z")
        assert found.warnings == {"skipped_hour": 1}

    @pytest.mark.parametrize("zone", ["EST", "MDT", "IST", "CST", "PST"])
    def test_46_letters(self, zone: str) -> None:
        """Case 46: letters that mean a zone here and another there are rejected."""
        assert [f for _, f, _ in time_of(f"2025-11-04 09:00:00 {zone}").rejects] == ["timezone"]

    def test_46_us_zones(self) -> None:
        """Case 46: those of the United States are read if asked."""
        found = time_of("2025-11-04 09:00:00 MST", us_zones=True)
        assert found.entry.moment.unix_ns == ns("2025-11-04T16:00:00Z")
        assert time_of("2025-11-04 09:00:00 IST", us_zones=True).entries == []

    def test_47_order(self) -> None:
        """Case 47: 04/11/2025 is two days until its order is told; 13/10/2025 is one."""
        assert [r for _, _, r in time_of("04/11/2025 09:00:00 UTC").rejects] == [
            "could be two dates: give --date-order mdy or dmy"
        ]
        days = {
            order: ns(f"2025-{month}T09:00:00Z")
            for order, month in (("mdy", "04-11"), ("dmy", "11-04"))
        }
        for order, expected in days.items():
            entry = time_of("04/11/2025 09:00:00 UTC", date_order=order).entry
            assert entry.moment.unix_ns == expected
        found = time_of("13/10/2025 09:00:00 UTC")
        assert (found.entry.moment.unix_ns, found.warnings) == (
            ns("2025-10-13T09:00:00Z"),
            {"date_order_inferred": 1},
        )

    @pytest.mark.parametrize(
        "written",
        ["2 minutes ago", "Today at 9:02 AM", "Yesterday, 9:02 AM", "just now", "9:02 AM"],
    )
    def test_48_relative(self, written: str) -> None:
        """Case 48: a time relative to nobody knows what is rejected."""
        assert [f for _, f, _ in time_of(written, timezone="UTC").rejects] == ["timestamp"]

    def test_48_day_given(self) -> None:
        """Case 48: a time alone is read if its day is given."""
        found = time_of("9:02 AM", timezone="UTC", day=date(2025, 11, 3))
        assert found.entry.moment.unix_ns == ns("2025-11-03T09:02:00Z")

    @pytest.mark.parametrize("space", ["\u202f", "\u00a0", " ", ""])
    def test_49_spaces(self, space: str) -> None:
        """Case 49: browsers put odd spaces before AM."""
        entry = time_of(f"Nov 4, 2025, 9:02:11{space}AM", timezone="UTC").entry
        assert entry.moment.unix_ns == ns("2025-11-04T09:02:11Z")

    @pytest.mark.parametrize(
        ("written", "unix_ns", "precision"),
        [
            (1_762_276_511, 1_762_276_511 * 10**9, 10**9),
            ("1762276511", 1_762_276_511 * 10**9, 10**9),
            (1_762_276_511_482, 1_762_276_511_482 * 10**6, 10**6),
            (1_762_276_511_482_123, 1_762_276_511_482_123 * 10**3, 10**3),
            (1_762_276_511_482_123_456, 1_762_276_511_482_123_456, 1),
            (1_762_276_511.482, 1_762_276_511_482 * 10**6, 10**6),
        ],
    )
    def test_50_epoch(self, written: Any, unix_ns: int, precision: int) -> None:
        """Case 50: seconds to nanoseconds since 1970, told by their digits."""
        moment = time_of(written).entry.moment
        assert (moment.unix_ns, moment.precision_ns) == (unix_ns, precision)

    @pytest.mark.parametrize("written", [17_622_765, 176_227_651_148, True, [1], "soon", ""])
    def test_50_other_numbers(self, written: Any) -> None:
        """Case 50: other numbers are no time."""
        assert [f for _, f, _ in time_of(written).rejects] == ["timestamp"]

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("2025-06-30T23:59:60Z", "2025-07-01T00:00:00Z"),
            ("2025-06-30T24:00:00Z", "2025-07-01T00:00:00Z"),
        ],
    )
    def test_51_leap_second(self, written: str, expected: str) -> None:
        """Case 51: the last moment of a day is the first of the next."""
        assert time_of(written).entry.moment.unix_ns == ns(expected)

    @pytest.mark.parametrize(
        "written",
        [
            "2025-11-05T00:05:01Z",
            "2014-12-31T23:59:59Z",
            "1970-01-01T00:00:00Z",
            "2025-02-30T00:00:00Z",
            "2025-11-04T25:00:00Z",
            "-1762276511",
            "0000-00-00T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ],
    )
    def test_52_impossible(self, written: str) -> None:
        """Case 52: times in the future or before Linq are rejected."""
        assert [f for _, f, _ in time_of(written).rejects] == ["timestamp"]

    def test_52_clock_ahead(self) -> None:
        """Case 52: five minutes ahead is a clock, not a mistake."""
        assert time_of("2025-11-05T00:04:59Z").entries != []

    def test_53_precision(self) -> None:
        """Case 53: how finely a time was told is kept."""
        entry = time_of("Nov 4, 2025, 9:02 AM", timezone="UTC").entry
        assert entry.moment.precision_ns == 60 * 10**9
        assert read_rows(row()).entry.moment.precision_ns == 10**6

    @pytest.mark.parametrize("written", [-3, "NaN", "-", "soon", True, [1]])
    def test_54_no_duration(self, written: Any) -> None:
        """Case 54: a duration that cannot be is unknown, and the span a microsecond long."""
        found = read_rows(row(duration_ms=written))
        assert (found.entry.duration_ms, found.entry.end_ns) == (None, TIME_NS + 1_000)
        assert found.warnings == {"duration_unreadable": 1}

    @pytest.mark.parametrize(
        ("written", "milliseconds"),
        [(412.6, 412.6), ("412,6", 412.6), ("0.4s", 400.0), ("87 ms", 87.0)],
    )
    def test_54_duration(self, written: Any, milliseconds: float) -> None:
        """A duration in milliseconds, or in seconds where it says so."""
        entry = read_rows(row(duration=written)).entry
        assert (entry.duration_ms, entry.end_ns) == (
            milliseconds,
            TIME_NS + round(milliseconds * 1e6),
        )

    def test_55_skew(self) -> None:
        """Case 55: a whole hour between the row and the answer says which zone is wrong."""
        found = read_rows(answered(MADE, headers={"Date": "Tue, 04 Nov 2025 17:02:11 GMT"}))
        assert (found.entry.skew_ms, found.warnings) == (-3_599_518, {"clock_skew": 1})
        for text in ("Tue, 04 Nov 2025 16:02:12 GMT", "yesterday", ""):
            assert read_rows(answered(MADE, headers={"Date": text})).entry.skew_ms is None


class TestSpellings:
    def test_flat(self) -> None:
        """Names are read in any case, with or without spaces, dots and hyphens."""
        flat = {
            "HTTP-Method": "put",
            "Full URL": INBOUND,
            "statusCode": 200,
            "triggered_by": "User",
            "Created At": "2025-11-04T16:02:11Z",
            "Request Headers": "Version: v3",
            "response_body": '{"messageId":"m1"}',
            "integration": "GHL",
            "Try": 2,
        }
        entry = read_rows(flat).entry
        assert (entry.method, entry.status, entry.source, entry.attempt) == ("PUT", 200, "user", 2)
        assert (entry.request.headers, entry.ids) == ({"version": ("v3",)}, {"message_id": "m1"})

    def test_loose_body(self) -> None:
        """A body of neither side is rejected; beside a response it is the request's."""
        assert read_rows(row(body={"a": 1}, response=None)).rejects == [
            (1, "body", "may be the request's or the response's: say which")
        ]
        assert read_rows(row(body={"a": 1})).entry.request.size == 7

    def test_unknown_names(self) -> None:
        """Names nobody knows are counted, and nothing of them is kept."""
        found = read_rows(row(colour="red", mood="+15551230001"))
        assert found.warnings == {"unknown_field": 1}
        assert "15551230001" not in str(found.entry)

    @pytest.mark.parametrize(
        ("written", "source"),
        [
            ("User", "user"),
            ("System", "system"),
            ("Ada Lovelace", "user"),
            ("Jane Doe", "user"),
            ("jane@customer.example", "user"),
            ("User: Jane Doe", "user"),
            ("user - Jane", "user"),
            ("USER", "user"),
            ("Jane Doe (User)", "user"),
            ("Admin", "user"),
            ("+15551230001", "user"),
            ("usr_81", "user"),
            ({"type": "User", "name": "Jane Doe"}, "user"),
            ({"name": "Jane Doe"}, "user"),
            ("System (Jane Doe)", "system"),
            ("system: page sync", "system"),
            ("Linq System", "system"),
            ("HubSpot workflow", "system"),
            ("Go High Level", "system"),
            ("API", "system"),
            ({"kind": "system"}, "system"),
            ("", "unknown"),
            (None, "unknown"),
            ("N/A", "unknown"),
            ("[redacted]", "unknown"),
            ("***", "unknown"),
            ("https://app.example/", "unknown"),
            (True, "unknown"),
            ([], "unknown"),
        ],
    )
    def test_source(self, written: Any, source: str) -> None:
        """Who triggered it is one of two words: a person is a user, and no name is kept."""
        entry = read_rows(row(source=written)).entry
        assert (entry.source, "Jane" in str(entry), "1555" in str(entry)) == (source, False, False)

    @pytest.mark.parametrize(
        ("changes", "direction"),
        [
            ({}, "outbound"),
            ({"direction": "received"}, "inbound"),
            ({"type": "in"}, "inbound"),
            ({"type": "SMS"}, "outbound"),
            ({"url": "https://integrations.linqapp.com/hooks/hubspot"}, "inbound"),
        ],
    )
    def test_direction(self, changes: dict[str, Any], direction: str) -> None:
        """A call is Linq's own, unless it says that it is not, or Linq's host was called."""
        assert read_rows(row(**changes)).entry.direction == direction

    def test_one_of_everything(self) -> None:
        """A pasted table row shows no bodies: it is accepted, as far as the table tells."""
        found = read_text(f"POST\t{INBOUND}\t201\tSystem\tNov 4, 2025, 9:02 AM\n", timezone="UTC")
        assert delivery(found.entry) == ("accepted", None)
