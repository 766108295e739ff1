from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linq_otel._times import format_time_ns, parse_time_ns


SECOND = 1_000_000_000
NOON = 1_770_033_600 * SECOND  # 2026-02-02T12:00:00Z
FIRST = int(datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()) * SECOND
LAST = int(datetime(2200, 1, 1, tzinfo=timezone.utc).timestamp()) * SECOND - 1


class TestParseTimeNs:
    @pytest.mark.parametrize(
        ("text", "unix_ns"),
        [
            ("2026-02-02T12:00:00Z", NOON),
            ("2026-02-02t12:00:00z", NOON),
            ("2026-02-02 12:00:00Z", NOON),
            ("2026-02-02T12:00:00.5Z", NOON + 500_000_000),
            ("2026-02-02T12:00:00.000000001Z", NOON + 1),
            ("2026-02-02T12:00:00.0000000019Z", NOON + 1),
            ("2026-02-02T14:30:00+02:30", NOON),
            ("2026-02-01T22:00:00-14:00", NOON),
            ("2026-02-05T19:52:22.593689073Z", 1_770_321_142_593_689_073),
        ],
    )
    def test_rfc3339(self, text: str, unix_ns: int) -> None:
        """Every digit of a second counts, and so does the offset."""
        assert parse_time_ns(text) == unix_ns

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            0,
            1_770_033_600,
            1.5,
            [],
            "",
            "yesterday",
            "2026-02-02",
            "2026-02-02T12:00:00",
            "2026-02-02T12:00Z",
            "2026-02-02T12:00:00.Z",
            "2026-02-02T12:00:00Z\n",
            " 2026-02-02T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-02-02T24:00:00Z",
            "2026-02-02T12:60:00Z",
            "2026-02-02T12:00:61Z",
            "2026-02-02T12:00:00+24:00",
            "2026-02-02T12:00:00+02:60",
            "2026-02-02T12:00:00+0200",
            "\u0662026-02-02T12:00:00Z",
            "0001-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2026-02-02T12:00:00." + "0" * 60 + "Z",
        ],
    )
    def test_garbage(self, value: object) -> None:
        """What is no time, or one that cannot be meant, is None."""
        assert parse_time_ns(value) is None

    @given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"))
    def test_any_text(self, text: str) -> None:
        """No text makes it raise, and a time it finds can be written."""
        found = parse_time_ns(text)
        assert found is None or parse_time_ns(format_time_ns(found)) in {found, None}


class TestFormatTimeNs:
    def test_to_the_nanosecond(self) -> None:
        """Nine digits, always, so that texts sort as their times do."""
        assert format_time_ns(NOON + 1) == "2026-02-02T12:00:00.000000001Z"
        assert format_time_ns(0) == "1970-01-01T00:00:00.000000000Z"

    @given(st.integers(FIRST, LAST))
    def test_round_trip(self, unix_ns: int) -> None:
        """What is written is read back, to the nanosecond."""
        assert parse_time_ns(format_time_ns(unix_ns)) == unix_ns

    @given(st.integers(FIRST, LAST), st.integers(FIRST, LAST))
    def test_order(self, one: int, other: int) -> None:
        """Texts sort as their times do."""
        assert (format_time_ns(one) < format_time_ns(other)) is (one < other)
