"""
Which zone a local time is in, never guessed.
"""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo


_OFFSET: Final = re.compile(r"(?:UTC|GMT|UT)?\s?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_UTC: Final = frozenset(
    {"Z", "UTC", "GMT", "UT", "COORDINATED UNIVERSAL TIME", "GREENWICH MEAN TIME"}
)
_US: Final = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_US_ALL_YEAR: Final = {"ET": "EASTERN", "CT": "CENTRAL", "MT": "MOUNTAIN", "PT": "PACIFIC"}
# As Unicode's CLDR spells them out, and browsers with it: it calls the zones of other countries
# by longer names ("Australian Eastern Standard Time").
_SPELLED_OUT: Final = re.compile(
    r"(EASTERN|CENTRAL|MOUNTAIN|PACIFIC|ALASKA|HAWAII|HAWAII-ALEUTIAN|ATLANTIC)"
    r"(?: (STANDARD|DAYLIGHT))? TIME(?: \(US ?& ?CANADA\))?"
)
_AMERICAN: Final = {
    "EASTERN": (-5, "America/New_York"),
    "CENTRAL": (-6, "America/Chicago"),
    "MOUNTAIN": (-7, "America/Denver"),
    "PACIFIC": (-8, "America/Los_Angeles"),
    "ALASKA": (-9, "America/Anchorage"),
    "HAWAII": (-10, "Pacific/Honolulu"),
    "HAWAII-ALEUTIAN": (-10, "Pacific/Honolulu"),
    "ATLANTIC": (-4, "America/Halifax"),
}
_FIXED: Final = {
    "BRITISH SUMMER TIME": 1.0,
    "CENTRAL EUROPEAN STANDARD TIME": 1.0,
    "CENTRAL EUROPEAN SUMMER TIME": 2.0,
    "EASTERN EUROPEAN STANDARD TIME": 2.0,
    "EASTERN EUROPEAN SUMMER TIME": 3.0,
    "INDIA STANDARD TIME": 5.5,
    "JAPAN STANDARD TIME": 9.0,
    "AUSTRALIAN EASTERN STANDARD TIME": 10.0,
    "AUSTRALIAN EASTERN DAYLIGHT TIME": 11.0,
}
_HOURS_AT_MOST: Final = 14


@lru_cache(maxsize=256)
def get_zone(name: str, *, us_zones: bool = False) -> tzinfo | None:
    """
    Return the zone *name* means; None if it means none, or several.

    ``EST`` and its like mean a zone only where *us_zones* says so: elsewhere the same letters are
    Australia, China, India or Ireland. Spelled out, ``Mountain Standard Time``, they are one zone.
    """
    name = " ".join(name.split())
    upper = name.upper()
    if upper in _UTC:
        return timezone.utc
    match = _OFFSET.fullmatch(upper)
    if match is not None:
        return _offset(*match.groups())
    if "/" in name:
        return _find_region(name)
    if upper in _US or upper in _US_ALL_YEAR:
        return _find_american(upper) if us_zones else None
    return _find_spelled_out(upper)


def _find_american(letters: str) -> tzinfo | None:
    if letters in _US:
        return timezone(timedelta(hours=_US[letters]))
    return _find_region(_AMERICAN[_US_ALL_YEAR[letters]][1])


def _find_spelled_out(upper: str) -> tzinfo | None:
    if upper in _FIXED:
        return timezone(timedelta(hours=_FIXED[upper]))
    match = _SPELLED_OUT.fullmatch(upper)
    if match is None:
        return None
    hours, region = _AMERICAN[match[1]]
    if match[2] is None:
        return _find_region(region)
    return timezone(timedelta(hours=hours + (match[2] == "DAYLIGHT")))


def _find_region(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _offset(sign: str, hours: str, minutes: str | None) -> tzinfo | None:
    if int(hours) > _HOURS_AT_MOST:
        return None
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)
