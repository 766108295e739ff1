"""
Which zone a local time is in, never guessed.
"""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo


_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_US: Final = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_HOURS_AT_MOST: Final = 14


@lru_cache(maxsize=256)
def get_zone(name: str, *, us_zones: bool = False) -> tzinfo | None:
    """
    Return the zone *name* means; None if it means none, or several.

    ``EST`` and its like mean a zone only where *us_zones* says so: elsewhere the same letters are
    Australia, China, India or Ireland.
    """
    name = name.strip()
    if name.upper() in {"Z", "UTC", "GMT"}:
        return timezone.utc
    match = _OFFSET.fullmatch(name.upper())
    if match is not None:
        return _offset(*match.groups())
    if name.upper() in _US:
        return timezone(timedelta(hours=_US[name.upper()])) if us_zones else None
    if "/" not in name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _offset(sign: str, hours: str, minutes: str | None) -> tzinfo | None:
    if int(hours) > _HOURS_AT_MOST:
        return None
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)
