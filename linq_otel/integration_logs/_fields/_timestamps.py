"""
When a call was made, out of whatever a dashboard, a spreadsheet or a program wrote.

Nothing is guessed: a local time without a zone, ``04/11/2025`` without an order and ``9:02 AM``
without a day are refused, because a wrong time looks as good as a right one. A zone that is written
goes before the one that was given, and what is left over and not understood refuses the row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from linq_otel.integration_logs._entries import Moment
from linq_otel.integration_logs._findings import UnusableError
from linq_otel.integration_logs._zones import get_zone

from ._dates import find_day, is_word_of_date


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
_JSON_DATE: Final = re.compile(r"/Date\((\d{10,13})(?:[+-]\d{4})?\)/", re.ASCII)
# Days since 1899-12-30, as spreadsheets keep a date and a time.
_SERIAL: Final = re.compile(r"(\d{5})[.,](\d{1,15})", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?<![\d:+-])(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:\s*([ap])(?:\.\s?m\.|\s?m\b\.?))?(?![\d:])",
    re.IGNORECASE | re.ASCII,
)
# What servers and log files write, put as others write it.
_REWRITTEN: Final = (
    (re.compile(r"(\d{1,2})/([A-Za-z]{3})/(\d{4}):", re.ASCII), r"\1 \2 \3 "),
    (re.compile(r"\b(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", re.ASCII), r"\1-\2-\3 \4:\5:\6"),
    (re.compile(r"\sm=[+-]\d+\.\d+$", re.ASCII), ""),  # Go's own clock.
    (re.compile(r"\((?:US ?& ?Canada|[\w ]*\bago)\)", re.IGNORECASE), ""),
)
_UNUSUAL: Final = re.compile(r"[(/=]|\dT\d")
_OFFSET: Final = r"[+-]\d{1,2}(?::?[0-5]\d)?(?![\d.:/-])"
# Right after a clock; anywhere else only where it cannot be a part of a date.
_ZONE_NEXT: Final = re.compile(
    rf"\s*(?:\(?((?:UTC|GMT|UT)?\s?{_OFFSET})\)?|([A-Z]{{1,5}})(?=[\s,]|$))", re.ASCII
)
_ZONE_FIRST: Final = re.compile(rf"\(?((?:UTC|GMT|UT)\s?{_OFFSET})\)?", re.ASCII)
_ZONE_LAST: Final = re.compile(rf"(?:^|(?<=\s))((?:UTC|GMT|UT)?\s?{_OFFSET})", re.ASCII)
_REMARK: Final = re.compile(r"\(([^()]*(?:\([^()]*\))?[^()]*)\)|\[!?([^\[\]]*)\]")
_WORD_OF_ZONE: Final = re.compile(r"[A-Z]{1,5}", re.ASCII)
_SILENT: Final = re.compile(
    r"\b(?:at|on)\b|(?<![A-Za-z])T(?![A-Za-z])|[,;|@\s\u00b7\u2022]|(?<!\S)-(?!\S)"
)
_OTHER_SIGNS: Final = {
    ord(sign): to
    for signs, to in (
        ("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        # Marks of direction, which browsers of Microsoft put between the parts of a date.
        ("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff", None),
    )
    for sign in signs
}
_DAMAGED: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d+|#{2,}", re.IGNORECASE | re.ASCII)
_RELATIVE: Final = re.compile(r"\b(ago|today|yesterday|just now|now)\b", re.IGNORECASE)
_LONGEST: Final = 96
_DAY_NS: Final = 86_400 * _NS
_MINUTE_NS: Final = 60 * _NS
_EXACT_DIGITS: Final = 4  # Of a day: 8.64 seconds.


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
    text = value if value.isascii() else normalize("NFKC", value).translate(_OTHER_SIGNS)
    text = text.strip().strip('"')
    if len(text) > _LONGEST:
        raise UnusableError("timestamp", "is no time")
    match = _ISO.fullmatch(text)
    if match is not None and match[6] is not None:
        return _from_iso(match)
    epoch = _JSON_DATE.fullmatch(text)
    if epoch is not None or _EPOCH_TEXT.fullmatch(text):
        return _from_epoch(text if epoch is None else epoch[1])
    serial = _SERIAL.fullmatch(text)
    if serial is not None:
        return _from_serial(serial, zone_name, options, findings)
    if match is not None:
        zone = _choose_zone((), zone_name, options)
        midnight = _midnight_of(match[1])
        if midnight is not None:
            day = _EPOCH.replace(tzinfo=None) + timedelta(seconds=midnight)
            return _place(day, _build_clock(*match.groups()[1:5]), zone, options, findings)
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


def _from_serial(
    match: re.Match[str], zone_name: str | None, options: ReadOptions, findings: Findings
) -> Moment:
    whole, fraction = match.groups()
    since = int(fraction.ljust(15, "0")) * _DAY_NS // 10**15
    exact = len(fraction) >= _EXACT_DIGITS
    if not exact and since % _MINUTE_NS:
        raise UnusableError("timestamp", "was rounded by a spreadsheet: export it as text")
    # Half a step is added, because such a number lies a little before or after its second.
    step = _NS if exact else _MINUTE_NS
    seconds = (since + step // 2) // step * (step // _NS)
    findings.warn("spreadsheet_date")
    day = datetime(1899, 12, 30) + timedelta(days=int(whole))  # noqa: DTZ001  # Local.
    clock = _Clock(seconds, 0, step)
    return _place(day, clock, _choose_zone((), zone_name, options), options, findings)


def _from_text(
    text: str, zone_name: str | None, options: ReadOptions, findings: Findings
) -> Moment:
    if _DAMAGED.fullmatch(text):
        raise UnusableError("timestamp", "was damaged by a spreadsheet: export it as text")
    if text[0] == "[" and text[-1] == "]":
        text = text[1:-1]
    if _UNUSUAL.search(text) is not None:
        for pattern, by in _REWRITTEN:
            text = pattern.sub(by, text)
    if _RELATIVE.search(text):
        raise UnusableError("timestamp", "is relative to a moment nobody knows")
    clock_match = _CLOCK.search(text)
    if clock_match is None:
        raise UnusableError("timestamp", "has no time of day")
    zones: list[str] = []
    before = _take_zone(_ZONE_FIRST, text[: clock_match.start()], zones)
    after = text[clock_match.end() :]
    while (match := _ZONE_NEXT.match(after)) and not is_word_of_date(match[2] or ""):
        zones.append(match[1] or match[2])
        after = after[match.end() :]
    day, rest = find_day(f"{before} {after}", options, findings)
    _take_zones(rest, zones)
    named = sorted(zones, key=lambda name: name[-1:].isalpha())  # What is told in hours counts.
    zone = _choose_zone(tuple(named), zone_name, options)
    moment = _place(day, _parse_clock(clock_match), zone, options, findings)
    if len(zones) > 1:
        _compare(moment, zone[0], named[1:], options)
    return moment


def _take_zone(pattern: re.Pattern[str], text: str, zones: list[str]) -> str:
    match = pattern.search(text)
    if match is None:
        return text
    zones.append(match[1])
    return f"{text[: match.start()]} {text[match.end() :]}"


def _take_zones(rest: str, zones: list[str]) -> None:
    """
    Add the zones that are written in what is left of a time to *zones*.

    Raises:
        UnusableError: More is left, and is not understood.
    """
    if _is_silent(rest):
        return
    for match in _REMARK.finditer(rest):
        said = (match[1] or match[2] or "").strip()
        # After an offset it is a remark: "GMT-0700 (hora estándar de las Montañas)".
        if not zones or get_zone(said) is not None:
            zones.append(said)
    rest = _take_zone(_ZONE_LAST, _REMARK.sub(" ", rest), zones)
    if not _is_silent(rest):
        words = _SILENT.sub(" ", rest).split()
        whole = " ".join(words)
        are_letters = all(_WORD_OF_ZONE.fullmatch(word) for word in words)
        if not are_letters and get_zone(whole) is None:
            field = "timezone" if "/" in whole else "timestamp"
            raise UnusableError(field, "holds something that is not understood")
        zones.extend(words if are_letters else [whole])


def _is_silent(text: str) -> bool:
    return not _SILENT.sub("", text)


def _choose_zone(
    written: tuple[str, ...], zone_name: str | None, options: ReadOptions
) -> tuple[tzinfo, str | None]:
    for name in (*written[:1], zone_name, options.timezone):
        if name:
            zone = get_zone(name, us_zones=options.us_zones)
            if zone is None:
                raise UnusableError("timezone", "is no zone that can be told")
            return zone, None if written else name
    raise UnusableError("timestamp", "is a local time without a zone: give --timezone")


def _compare(moment: Moment, zone: tzinfo, others: list[str], options: ReadOptions) -> None:
    """
    Refuse a time that names a second zone in which another clock would stand.
    """
    utc = _EPOCH + timedelta(seconds=moment.unix_ns // _NS)
    for name in others:
        other = get_zone(name, us_zones=options.us_zones)
        # "-0700 MST": what the letters mean is told by the offset.
        is_unclear = other is None and _WORD_OF_ZONE.fullmatch(name) is not None
        if is_unclear:
            continue
        if other is None or utc.astimezone(other).utcoffset() != utc.astimezone(zone).utcoffset():
            raise UnusableError("timezone", "names two zones that differ")


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
