"""
Linq's timestamps as nanoseconds since the epoch, and back.

Webhooks carry RFC 3339 with up to nine fractional digits, which neither
``datetime`` nor a float can hold.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone


_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?!24)\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d{0,9})?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
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
    day, clock, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
    except ValueError:
        return None
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        return None
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        moment += -offset if sign == "+" else offset
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _NS + int((fraction or "").ljust(9, "0"))


def format_time_ns(unix_ns: int) -> str:
    """
    Write Unix nanoseconds as RFC 3339 in UTC, to the nanosecond.
    """
    seconds, fraction = divmod(unix_ns, _NS)
    return f"{(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
