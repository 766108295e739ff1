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
_ISO: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", re.ASCII)
_WORDS: Final = re.compile(
    r"\b([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b"
    r"|\b(\d{1,2})\.?[\s-]([A-Za-z]{3,9})\.?,?[\s-](\d{4})\b",
    re.ASCII,
)
_NUMBERS: Final = re.compile(r"(?<!\d)(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)", re.ASCII)
_MONTHS_A_YEAR: Final = 12


def find_day(text: str, options: ReadOptions, findings: Findings) -> datetime:
    """
    Return midnight of the day *text* names, without a zone.

    Raises:
        UnusableError: It names none, or could name two.
    """
    for pattern, order in ((_ISO, _iso), (_WORDS, _words)):
        match = pattern.search(text)
        if match is not None:
            return _build(*order(match))
    match = _NUMBERS.search(text)
    if match is not None:
        return _build(*_numbers(match, options, findings))
    if options.day is not None and not re.search(r"\d", text):
        return datetime(options.day.year, options.day.month, options.day.day)  # noqa: DTZ001  # Local.
    raise UnusableError("timestamp", "names no day that can be told")


def _iso(match: re.Match[str]) -> tuple[int, int, int]:
    return int(match[1]), int(match[2]), int(match[3])


def _words(match: re.Match[str]) -> tuple[int, int, int]:
    month, day, year = (
        (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
    )
    return int(year), _MONTHS.get(month.lower(), 0), int(day)


def _numbers(
    match: re.Match[str], options: ReadOptions, findings: Findings
) -> tuple[int, int, int]:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if options.date_order == "mdy":
        return year, first, second
    if options.date_order == "dmy":
        return year, second, first
    if first > _MONTHS_A_YEAR >= second:
        findings.warn("date_order_inferred")
        return year, second, first
    if second > _MONTHS_A_YEAR >= first:
        findings.warn("date_order_inferred")
        return year, first, second
    raise UnusableError("timestamp", "could be two dates: give --date-order mdy or dmy")


def _build(year: int, month: int, day: int) -> datetime:
    try:
        return datetime(year, month, day)  # noqa: DTZ001  # Local: its zone is another question.
    except ValueError:
        raise UnusableError("timestamp", "is no date of the calendar") from None
