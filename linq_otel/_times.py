"""
Linq's timestamps as nanoseconds since the epoch, and back.

Webhooks carry RFC 3339 with up to nine fractional digits, which neither
``datetime`` nor a float can hold.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache


_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d)(?:\.(\d{1,9})\d{0,9})?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # Of UTC, as every time here.
_NS = 1_000_000_000
# Outside these a time is a mistake, and a span with it harms the whole trace.
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


def parse_time_ns(value: object) -> int | None:
    """
    Read an RFC 3339 time as Unix nanoseconds; None for anything else.
    """
    if not isinstance(value, str) or len(value) > 64:  # noqa: PLR2004  # Longer is no time.
        return None
    match = _RFC3339.fullmatch(value)
    if match is None:
        return None
    minute, seconds, fraction, sign, off_hours, off_minutes = match.groups()
    begun = _read_minute(minute)
    if begun is None:
        return None
    since = begun + int(seconds)
    if sign:
        ahead = int(off_hours) * 3_600 + int(off_minutes) * 60
        since += -ahead if sign == "+" else ahead
    return since * _NS + (int(fraction.ljust(9, "0")) if fraction else 0)


# A webhook has three times of one minute or two, and so have those that come with it.
@lru_cache(maxsize=64)
def _read_minute(minute: str) -> int | None:
    """
    Return the Unix seconds at which *minute* begins; None if its day is none, or cannot be meant.
    """
    try:
        day = date.fromisoformat(minute[:10])
    except ValueError:
        return None
    if not _FIRST_YEAR <= day.year < _LAST_YEAR:
        return None
    days = (day - _EPOCH.date()).days
    return days * 86_400 + int(minute[11:13]) * 3_600 + int(minute[14:]) * 60


def format_time_ns(unix_ns: int) -> str:
    """
    Write Unix nanoseconds as RFC 3339 in UTC, to the nanosecond.
    """
    seconds, fraction = divmod(unix_ns, _NS)
    moment = _EPOCH + timedelta(seconds=seconds)
    # isoformat() leaves out a fraction of nothing, and takes a quarter of strftime()'s time.
    return f"{moment.isoformat()}.{fraction:09d}Z"
