"""
How many calls a CRM still lets through, as its headers say.

A header that is missing or no whole number stays unknown: a zero that nobody wrote would read as
"throttled".
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from ._entries import RateLimit
from ._fields._headers import first
from ._twins import make_twin


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._findings import Findings
    from ._providers import Provider


_NUMBER: Final = re.compile(r"(\d{1,9})(,\s*\d+)*", re.ASCII)
_USAGE: Final = re.compile(r"(?:^|[;\s])api-usage=(\d{1,9})/(\d{1,9})(?!\d)", re.ASCII)
_LONG: Final = 10  # Digits no limit has, and a phone number does.
_NOTHING: Final = RateLimit()
_PlainRateLimit: Final = make_twin(RateLimit)
_FIELDS: Final = tuple(one.name for one in fields(RateLimit))


def parse_rate_limit(
    headers: Mapping[str, tuple[str, ...]], provider: Provider, findings: Findings
) -> RateLimit:
    """
    Read the limits the headers of an answer tell of.
    """
    if provider.usage_header:
        return _parse_usage(first(headers, provider.usage_header), findings)
    found: dict[str, int] = {}
    for name, field in provider.rate_limits.items():
        if name in headers and field not in found and headers[name]:
            text = headers[name][0]
            if text.isdecimal() and text.isascii() and len(text) < _LONG:
                found[field] = int(text)
            elif (number := _parse_number(text, findings)) is not None:
                found[field] = number
    if not found:
        return _NOTHING
    said = _PlainRateLimit(*map(found.get, _FIELDS))
    said.__class__ = RateLimit
    return said


def _parse_number(text: str, findings: Findings) -> int | None:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    if match[2]:
        findings.warn("rate_limit_repeated")
    return int(match[1])


def _parse_usage(text: str | None, findings: Findings) -> RateLimit:
    if text is None:
        return _NOTHING
    match = _USAGE.search(text)
    if match is None:
        findings.warn("rate_limit_unreadable")
        return _NOTHING
    used, limit = int(match[1]), int(match[2])
    if used > limit:
        findings.warn("rate_limit_exceeded")
    return RateLimit(daily_limit=limit, daily_remaining=max(0, limit - used))
