"""
Which day a text names, where that can be told.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from linq_otel.integration_logs._findings import UnusableError


if TYPE_CHECKING:
    from linq_otel.integration_logs._findings import Findings
    from linq_otel.integration_logs._options import ReadOptions


_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
         "aug august", "sep sept september", "oct october", "nov november", "dec december"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH: Final = rf"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_ISO: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", re.ASCII)
_YEAR_FIRST: Final = re.compile(
    rf"\b(\d{{4}})[\s/-]{_MONTH}[\s/-](\d{{1,2}})\b", re.IGNORECASE | re.ASCII
)
_MONTH_FIRST: Final = re.compile(
    rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(\d{{4}}))?\b", re.IGNORECASE | re.ASCII
)
_DAY_FIRST: Final = re.compile(
    rf"\b(\d{{1,2}})\.?[\s/-]{_MONTH}(?:,?[\s/-](\d{{4}}|\d\d))?\b", re.IGNORECASE | re.ASCII
)
# Each with its groups of year, month and day; "4 Nov 25" before "Nov 25".
_WORDS: Final = ((_YEAR_FIRST, 1, 2, 3), (_DAY_FIRST, 3, 2, 1), (_MONTH_FIRST, 3, 1, 2))
_NUMBERS: Final = re.compile(
    r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)"
    r"|(?<![\d.])(\d{1,2})[/.](\d{1,2})\.?(?!\d)",
    re.ASCII,
)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY: Final = re.compile(
    r"\b(mon|tue|wed|thu|fri|sat|sun)(?:s|nes|r|rs|ur)?(?:day)?\b\.?", re.IGNORECASE
)
_CENTURY: Final = 2_000
_SHORT_YEAR: Final = 2
_LEAP_YEAR: Final = 2_024
_HALF_A_YEAR: Final = 183
_FIRST_YEAR: Final = 2015  # Linq did not exist before.
_ORDERS: Final = {"mdy": (2, 0, 1), "dmy": (2, 1, 0), "ymd": (0, 1, 2)}


def is_word_of_date(word: str) -> bool:
    """
    Tell whether *word* belongs to a date, as a month or a day of the week does.
    """
    return word.lower() in _MONTHS or word in {"AT", "ON"} or bool(_WEEKDAY.fullmatch(word))


def find_day(text: str, options: ReadOptions, findings: Findings) -> tuple[datetime, str]:
    """
    Return midnight of the day *text* names, without a zone, and the text without it.

    Raises:
        UnusableError: It names none, or could name two.
    """
    day, rest = _find_date(text, options, findings)
    weekday = _WEEKDAY.search(rest)
    if weekday is None:
        return day, rest
    if _WEEKDAYS.index(weekday[1].lower()) != day.weekday():
        raise UnusableError("timestamp", "names a day of the week that its date is not")
    return day, _without(rest, weekday)


def _find_date(text: str, options: ReadOptions, findings: Findings) -> tuple[datetime, str]:
    match = _ISO.search(text)
    if match is not None:
        return _build(int(match[1]), int(match[2]), int(match[3])), _without(text, match)
    for pattern, year, month, day in _WORDS:
        match = pattern.search(text)
        if match is not None:
            found = _MONTHS[match[month].lower()], int(match[day])
            if match[year] is None:
                return _nearest(*found, options), _without(text, match)
            return _build(_full_year(match[year]), *found), _without(text, match)
    match = _NUMBERS.search(text)
    if match is not None:
        read = _read_numbers if match[1] is not None else _read_short_numbers
        return read(match, options, findings), _without(text, match)
    if options.day is not None and not re.search(r"\d", text):
        return datetime(options.day.year, options.day.month, options.day.day), text  # noqa: DTZ001  # Local.
    raise UnusableError("timestamp", "names no day that can be told")


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"


def _full_year(digits: str) -> int:
    return int(digits) + (_CENTURY if len(digits) == _SHORT_YEAR else 0)


def _read_numbers(match: re.Match[str], options: ReadOptions, findings: Findings) -> datetime:
    parts = (match[1], match[3], match[4])
    is_short = len(match[4]) == _SHORT_YEAR
    orders = {name: order for name, order in _ORDERS.items() if is_short or name != "ymd"}
    found: set[datetime] = set()
    for name, (year, month, day) in orders.items():
        if options.date_order == name or options.date_order not in orders:
            made = _try(_full_year(parts[year]), int(parts[month]), int(parts[day]))
            is_told = options.date_order == name or not is_short
            if made is not None and (is_told or made.year >= _FIRST_YEAR):
                found.add(made)
    return _the_only(found, findings, has_choice=options.date_order not in orders)


def _read_short_numbers(match: re.Match[str], options: ReadOptions, findings: Findings) -> datetime:
    first, second = int(match[5]), int(match[6])
    pairs = {"mdy": (first, second), "dmy": (second, first)}
    chosen = pairs.get(options.date_order or "")
    possible = [chosen] if chosen else list(pairs.values())
    found = {_nearest(*pair, options) for pair in possible if _try(_LEAP_YEAR, *pair) is not None}
    return _the_only(found, findings, has_choice=chosen is None)


def _nearest(month: int, day: int, options: ReadOptions) -> datetime:
    """
    Return the day of that name nearest to the day of the options.
    """
    given = options.day
    if given is None:
        raise UnusableError("timestamp", "names no year: give --date, the nearest one is taken")
    years = (given.year - 1, given.year, given.year + 1)
    for year in years:
        made = _try(year, month, day)
        if made is not None and abs((made.date() - given).days) <= _HALF_A_YEAR:
            return made
    raise UnusableError("timestamp", "is no date of the calendar")


def _the_only(found: set[datetime], findings: Findings, *, has_choice: bool) -> datetime:
    if not found:
        raise UnusableError("timestamp", "is no date of the calendar")
    if len(found) > 1:
        raise UnusableError("timestamp", "could be two dates: give --date-order mdy or dmy")
    if has_choice:
        findings.warn("date_order_inferred")
    return found.pop()


def _build(year: int, month: int, day: int) -> datetime:
    made = _try(year, month, day)
    if made is None:
        raise UnusableError("timestamp", "is no date of the calendar")
    return made


def _try(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day)  # noqa: DTZ001  # Local: its zone is another question.
    except ValueError:
        return None
