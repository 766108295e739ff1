"""
When a call was made, out of whatever a dashboard, a spreadsheet or a program wrote.

Nothing is guessed: a local time without a zone, ``04/11/2025`` without an order and ``9:02 AM``
without a day are refused, because a wrong time looks as good as a right one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from linq_otel.integration_logs._entries import Moment
from linq_otel.integration_logs._findings import UnusableError
from linq_otel.integration_logs._zones import get_zone

from ._dates import find_day


if TYPE_CHECKING:
    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import ReadOptions


_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST_NS: Final = 1_420_070_400 * _NS  # 2015: Linq did not exist.
_FUTURE_NS: Final = 300 * _NS
_EPOCH_STEPS: Final = {10: _NS, 13: 1_000_000, 16: 1_000, 19: 1}

_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_EPOCH_TEXT: Final = re.compile(r"(\d{10,19})(?:\.(\d{1,9}))?", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?<![\d:])(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:\s*([ap])\.?m\.?)?(?![\d:])",
    re.IGNORECASE | re.ASCII,
)
_ZONE: Final = re.compile(
    r"(?:\s|(?<=\d))\(?(Z|(?:UTC|GMT)?[+-]\d{1,2}:?\d{0,2}|[A-Z]{2,5}|[A-Z][a-z]+/[A-Z]\w+)\)?$"
)
_DAMAGED: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d+|#{2,}", re.IGNORECASE | re.ASCII)
_RELATIVE: Final = re.compile(r"\b(ago|today|yesterday|just now|now)\b", re.IGNORECASE)
_LONGEST: Final = 64


@dataclass(slots=True)
class _Clock:
    """
    A time of day, and how finely it was told.
    """

    seconds: int
    extra_ns: int
    precision_ns: int


def parse_moment(
    value: object, zone_name: str | None, options: ReadOptions, findings: Findings
) -> Moment:
    """
    Read the time of a row.

    Args:
        value: What stands in the row.
        zone_name: The zone the row names, which goes before the one of the options.
        options: Zone, order of dates and so on.
        findings: Takes what was doubtful.

    Raises:
        UnusableError: It is no time, or could be several.
    """
    moment = _parse(value, zone_name, options, findings)
    if not _EARLIEST_NS <= moment.unix_ns <= options.now_ns + _FUTURE_NS:
        raise UnusableError("timestamp", "lies before 2015 or in the future")
    return moment


def _parse(
    value: object, zone_name: str | None, options: ReadOptions, findings: Findings
) -> Moment:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = repr(value)
        step = _EPOCH_STEPS.get(len(value))
        if step is not None and value.isdecimal():
            return Moment(int(value) * step, step)
    if not isinstance(value, str) or not value.strip():
        raise UnusableError("timestamp", "missing")
    text = value.replace("\u202f", " ").replace("\u00a0", " ").strip().strip('"')
    if len(text) > _LONGEST:
        raise UnusableError("timestamp", "is no time")
    match = _ISO.fullmatch(text)
    if match is not None and match[6] is not None:
        return _from_iso(match)
    if _EPOCH_TEXT.fullmatch(text):
        return _from_epoch(text)
    return _from_text(text, zone_name, options, findings)


def _from_iso(match: re.Match[str]) -> Moment:
    day, hours, minutes, seconds, fraction, offset = match.groups()
    clock = _build_clock(hours, minutes, seconds, fraction)
    midnight = _midnight_of(day)
    if midnight is None:
        raise UnusableError("timestamp", "is no date of the calendar")
    shift = _shift_of(offset)
    if shift is None:
        raise UnusableError("timestamp", "has an offset from UTC that no zone has")
    since = midnight + clock.seconds - shift
    return Moment(since * _NS + clock.extra_ns, clock.precision_ns)


# The rows of a file are of few days and fewer zones, and dates cost more than whole numbers.
@lru_cache(maxsize=1_024)
def _midnight_of(day: str) -> int | None:
    """
    Return the seconds since the epoch at which *day* began in UTC; None if there is no such day.
    """
    try:
        return (datetime.fromisoformat(day).date() - _EPOCH.date()).days * 86_400
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _shift_of(offset: str) -> int | None:
    zone = get_zone(offset)
    shift = zone.utcoffset(None) if zone is not None else None
    return None if shift is None else shift // timedelta(seconds=1)


def _from_epoch(text: str) -> Moment:
    whole, _, fraction = text.partition(".")
    step = _EPOCH_STEPS.get(len(whole))
    if step is None:
        raise UnusableError("timestamp", "is a number of neither s, ms, µs nor ns since 1970")
    finer = int(fraction.ljust(9, "0")) * step // _NS if fraction else 0
    precision = max(1, step // 10 ** len(fraction)) if fraction else step
    return Moment(int(whole) * step + finer, precision)


def _from_text(
    text: str, zone_name: str | None, options: ReadOptions, findings: Findings
) -> Moment:
    if _DAMAGED.fullmatch(text):
        raise UnusableError("timestamp", "was damaged by a spreadsheet: export it as text")
    if _RELATIVE.search(text):
        raise UnusableError("timestamp", "is relative to a moment nobody knows")
    clock_match = _CLOCK.search(text)
    if clock_match is None:
        raise UnusableError("timestamp", "has no time of day")
    before, after = text[: clock_match.start()], text[clock_match.end() :]
    zone_match = _ZONE.search(" " + after) or _ZONE.search(before)
    named = zone_match[1] if zone_match else None
    if zone_match is not None:
        after = "" if _ZONE.search(" " + after) else after
    day = find_day(f"{before} {after}", options, findings)
    zone = _choose_zone(named, zone_name, options)
    return _place(day, _parse_clock(clock_match), zone, options, findings)


def _choose_zone(
    named: str | None, zone_name: str | None, options: ReadOptions
) -> tuple[tzinfo, str | None]:
    for name in (named, zone_name, options.timezone):
        if name:
            zone = get_zone(name, us_zones=options.us_zones)
            if zone is None:
                raise UnusableError("timezone", "is no zone that can be told")
            return zone, None if name == named else name
    raise UnusableError("timestamp", "is a local time without a zone: give --timezone")


def _parse_clock(match: re.Match[str]) -> _Clock:
    hours, minutes, seconds, fraction, half = match.groups()
    hour = int(hours)
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004  # A clock of twelve hours.
            raise UnusableError("timestamp", "is no time of day")
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return _build_clock(str(hour), minutes, seconds, fraction)


def _build_clock(hours: str, minutes: str, seconds: str | None, fraction: str | None) -> _Clock:
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    # 24:00:00 and the leap second :60 are the next day and the next second.
    is_midnight = (hour, minute, second) == (24, 0, 0)
    if not (hour < 24 or is_midnight) or minute > 59 or second > 60:  # noqa: PLR2004  # A clock.
        raise UnusableError("timestamp", "is no time of day")
    step = 10 ** (9 - len(fraction)) if fraction else _NS
    precision = 60 * _NS if seconds is None else step
    nanoseconds = int(fraction.ljust(9, "0")) if fraction else 0
    return _Clock(hour * 3_600 + minute * 60 + second, nanoseconds, precision)


def _place(
    day: datetime,
    clock: _Clock,
    zone: tuple[tzinfo, str | None],
    options: ReadOptions,
    findings: Findings,
) -> Moment:
    info, name = zone
    local = day + timedelta(seconds=clock.seconds)
    first = _to_ns(local.replace(tzinfo=info, fold=0).astimezone(timezone.utc), clock)
    second = _to_ns(local.replace(tzinfo=info, fold=1).astimezone(timezone.utc), clock)
    if first == second:
        return Moment(first, clock.precision_ns, name)
    if first > second:
        # A gap: fold 0 reads it with the offset before, which is the hour shifted forward.
        findings.warn("skipped_hour")
        return Moment(first, clock.precision_ns, name)
    findings.warn("repeated_hour")
    chosen, other = (first, second) if options.dst == "earlier" else (second, first)
    return Moment(chosen, clock.precision_ns, name, other)


def _to_ns(utc: datetime, clock: _Clock) -> int:
    since = utc - _EPOCH
    return (since.days * 86_400 + since.seconds) * _NS + clock.extra_ns
