"""
Times as programs, servers, browsers and spreadsheets write them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from linq_otel.integration_logs import ReadOptions
from linq_otel.integration_logs._fields._timestamps import parse_moment
from linq_otel.integration_logs._findings import Findings, UnusableError
from support.log_rows import NOW_NS, ns


SECOND = 10**9
UTC = ns("2025-11-04T16:02:11Z")
MINUTE = ns("2025-11-04T16:02:00Z")


def unix_ns(written: Any, **options: Any) -> int:
    """Read a time where the option names a zone that must not count."""
    chosen: dict[str, Any] = {"timezone": "America/New_York", **options}
    return parse_moment(written, None, ReadOptions(now_ns=NOW_NS, **chosen), Findings()).unix_ns


def refusal(written: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(UnusableError) as caught:
        unix_ns(written, **options)
    return caught.value.field, caught.value.reason


class TestWrittenZones:
    @pytest.mark.parametrize(
        "written",
        [
            "Tue Nov 04 2025 09:02:11 GMT-0700 (Mountain Standard Time)",
            "Tue Nov 04 2025 09:02:11 GMT-0700 (hora estándar de las Montañas)",
            "2025-11-04T09:02:11-07:00[America/Denver]",
            "2025-11-04T09:02:11[America/Denver]",
            "2025-11-04T16:02:11Z[UTC]",
            "2025-11-04T09:02:11-07:00[America/Denver][u-ca=iso8601]",
            "Nov 4, 2025, 9:02:11 AM GMT\N{MINUS SIGN}7",
            "Nov 4, 2025, 9:02:11 AM GMT\N{EN DASH}07:00",
            "Nov 4, 2025, 9:02:11 AM Mountain Time",
            "Nov 4, 2025, 9:02:11 AM Mountain Standard Time",
            "Nov 4, 2025, 9:02:11 AM Mountain Time (US & Canada)",
            "Tuesday, November 4, 2025 at 9:02:11 AM US/Mountain",
            "2025-11-04 16:02:11 +0000 UTC m=+0.123456789",
            "2025-11-04 09:02:11 -0700 MST",
            "2025-11-04 16:02:11+00",
            "2025-11-04 09:02:11.000 UTC -07:00",
            "2025-11-04T09:02:11 Etc/GMT+7",
            "2025-11-04 13:02:11 America/Argentina/Buenos_Aires",
            "(UTC-07:00) 2025-11-04 09:02:11",
            "Tue Nov  4 16:02:11 UTC 2025",
            "20251104T160211Z",
            "/Date(1762272131000-0700)/",
        ],
    )
    def test_before_the_option(self, written: str) -> None:
        """The zone that is written in a time goes before the one that was given."""
        assert unix_ns(written) == UTC

    def test_summer(self) -> None:
        """A zone without a season follows the season, one with it is what it says."""
        summer = ns("2025-07-04T15:02:11Z")
        assert unix_ns("2025-07-04 09:02:11 Mountain Time") == summer
        assert unix_ns("2025-07-04 09:02:11 MT", us_zones=True) == summer
        assert unix_ns("2025-07-04 08:02:11 Mountain Standard Time") == summer

    @pytest.mark.parametrize(
        ("written", "field", "reason"),
        [
            (
                "Nov 4, 2025, 9:02 AM Mountain Zeit",
                "timestamp",
                "holds something that is not understood",
            ),
            ("2025-11-04 09:02 local time", "timestamp", "holds something that is not understood"),
            ("2025-11-04 09:02 foo", "timestamp", "holds something that is not understood"),
            ("2025-11-04 09:02 EST/EDT", "timezone", "holds something that is not understood"),
            ("2025-11-04 09:02 (Denver)", "timezone", "is no zone that can be told"),
            ("2025-11-04 09:02 MST", "timezone", "is no zone that can be told"),
            ("2025-11-04 09:02 +0200 UTC", "timezone", "names two zones that differ"),
            (
                "2025-07-04 09:02 GMT-0600 (Mountain Standard Time)",
                "timezone",
                "names two zones that differ",
            ),
            (
                "Mon Nov 04 2025 09:02:11 GMT-0700",
                "timestamp",
                "names a day of the week that its date is not",
            ),
        ],
    )
    def test_not_understood(self, written: str, field: str, reason: str) -> None:
        """What is left over, or contradicts itself, refuses the row instead of being dropped."""
        assert refusal(written) == (field, reason)


class TestForms:
    @pytest.mark.parametrize(
        "written",
        [
            "04/Nov/2025:16:02:11 +0000",
            "[04/Nov/2025:09:02:11 -0700]",
            "Tuesday, 04-Nov-25 16:02:11 GMT",
            "2025-Nov-04 16:02:11 UTC",
            "4 Nov 25, 4:02:11 p. m. UTC",
            "Nov 4, 2025 4:02:11 PM UTC (2 hours ago)",
            "\u200e11/\u200e4/\u200e2025 \u200e16:02:11 UTC",
            "11/4/25, 4:02:11 PM UTC",
            "1762272131",
        ],
    )
    def test_read(self, written: str) -> None:
        """Servers' and browsers' forms are read."""
        assert unix_ns(written, date_order="mdy") == UTC

    def test_two_digits(self) -> None:
        """A year of two digits is read in the order that was given, or the only one possible."""
        assert unix_ns("11/4/25, 9:02 AM", date_order="mdy", timezone="-07:00") == MINUTE
        assert unix_ns("4.11.25, 9:02", date_order="dmy", timezone="-07:00") == MINUTE
        assert unix_ns("25/11/04 9:02", date_order="ymd", timezone="-07:00") == MINUTE
        assert unix_ns("10/14/25, 9:02 AM", timezone="UTC") == ns("2025-10-14T09:02:00Z")
        two = ("timestamp", "could be two dates: give --date-order mdy or dmy")
        assert refusal("11/4/25, 9:02 AM") == two
        assert refusal("16/05/20, 9:02 AM") == two
        assert refusal("31/31/25, 9:02 AM") == ("timestamp", "is no date of the calendar")

    def test_without_a_year(self) -> None:
        """A date without a year is read only where a day near it is given."""
        reason = "names no year: give --date, the nearest one is taken"
        for written in ("Nov 4, 9:02 AM", "11/4 9:02 AM"):
            assert refusal(written, date_order="mdy") == ("timestamp", reason)
            found = unix_ns(written, date_order="mdy", day=date(2025, 11, 5), timezone="-07:00")
            assert found == MINUTE
        new_year = unix_ns("Dec 31, 9:02 AM", day=date(2025, 1, 2), timezone="UTC")
        assert new_year == ns("2024-12-31T09:02:00Z")
        assert refusal("Feb 29, 9:02 AM", day=date(2025, 11, 5))[1] == "is no date of the calendar"

    @pytest.mark.parametrize("written", ["45965.3765162037", 45965.3765162037, "45965,37652"])
    def test_of_a_spreadsheet(self, written: Any) -> None:
        """The number a spreadsheet keeps is a local time of its own calendar."""
        options = ReadOptions(now_ns=NOW_NS, timezone="America/Denver")
        findings = Findings()
        moment = parse_moment(written, None, options, findings)
        assert (moment.unix_ns, moment.precision_ns, moment.zone) == (UTC, SECOND, "America/Denver")
        assert [one.code for one in findings.warnings] == ["spreadsheet_date"]

    def test_of_a_spreadsheet_refused(self) -> None:
        """Such a number that was cut, or has no zone, is refused."""
        rounded = "was rounded by a spreadsheet: export it as text"
        assert refusal("45965.38") == ("timestamp", rounded)
        assert unix_ns("45965.5", timezone="UTC") == ns("2025-11-04T12:00:00Z")
        assert refusal("45965.3765162037", timezone=None)[1].endswith("give --timezone")
        assert refusal("45965")[0] == "timestamp"
