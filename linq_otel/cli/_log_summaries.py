"""
What a command says of the files it read: how many rows, which were left out, what was doubtful.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from linq_otel.integration_logs._windows import find_closed

from ._log_options import EXIT_IN_PART, EXIT_NOTHING_USABLE


if TYPE_CHECKING:
    from rich.console import Console

    from linq_otel.integration_logs import Reading
    from linq_otel.integration_logs._chronicle import Chronicle


_LISTED: Final = 10
_EXIT_OK: Final = 0
_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * _NS
_MEANINGS: Final = {
    "byte_order_mark": "a byte order mark was taken off",
    "body_unreadable": "a body is no whole JSON: nothing was taken from it",
    "cell_damaged": "a spreadsheet destroyed a cell: export ids as text",
    "cells_missing": "a line has fewer cells than columns",
    "clock_skew": "the answer's Date is over five minutes away: is the zone right?",
    "date_order_inferred": "the order of a date was told by its day",
    "spreadsheet_date": "a date was a number, and read as a spreadsheet counts days",
    "duplicate_key": "a JSON key stood twice; the last counts",
    "duration_unreadable": "a duration was no number",
    "har_unrelated": "an entry of a browser's HAR is no row of the logs",
    "headers_unreadable": "headers could not be read",
    "number_dropped": "a number was too long or none",
    "rate_limit_exceeded": "more calls were used than there are",
    "rate_limit_repeated": "a rate limit stood twice; the first counts",
    "rate_limit_unreadable": "a rate limit could not be read",
    "repeated_hour": "a local time occurred twice that day: see --dst",
    "secret_dropped": "a header with a secret was dropped",
    "secret_masked": "a header had been masked before",
    "several_trace_ids": "an answer held several trace ids",
    "skipped_hour": "a local time did not occur that day; it was moved forward",
    "status_mismatch": "a body gives another status than the row",
    "status_unreadable": "a status is none",
    "success_in_error": "an error says success: look whether it was done all the same",
    "text_mended": "characters that cannot be exported were replaced",
    "trace_id_unreadable": "a trace id was an object",
    "unknown_field": "a row has names nobody knows; they were left out",
    "url_completed": "a relative URL was completed",
    "url_cut": "a URL was cut off",
}


def say_rejects(reading: Reading, console: Console) -> None:
    """
    List what was left out and what was doubtful.
    """
    for rejected in reading.rejected[:_LISTED]:
        console.print(f"rejected  {rejected}", markup=False, soft_wrap=True)
    more = reading.rejected_count - len(reading.rejected[:_LISTED])
    if more:
        console.print(f"rejected  and {more} more", markup=False)
    for warning in reading.warnings:
        meaning = _MEANINGS.get(warning.code, warning.code)
        where = f"first {warning.file}:{warning.first_line}"
        console.print(
            f"warning   {meaning} ({warning.count}x, {where})", markup=False, soft_wrap=True
        )


def say_chronicle(chronicle: Chronicle, console: Console) -> None:
    """
    Say what is odd about the rows as a whole.
    """
    if chronicle.duplicates:
        console.print(f"merged    {chronicle.duplicates} rows that were there twice")
    if chronicle.organisations > 1:
        console.print(f"warning   rows of {chronicle.organisations} organisations are mixed")
    if chronicle.crowded_traces:
        count = chronicle.crowded_traces
        console.print(
            f"warning   {count} trace ids stand in over 1,000 rows each: a copied default?"
        )


def say_windows(chronicle: Chronicle, backend: str | None, now_ns: int, console: Console) -> None:
    """
    Warn of backends that lose rows as old as these.
    """
    first = chronicle.first_ns
    if first is None:
        return
    for window in find_closed(first, now_ns, backend):
        old = chronicle.count_before(now_ns - round((window.hours or 0) * _HOUR_NS))
        line = f"too old   {window.backend}: {old} rows are older than {_spell(window.hours or 0)}"
        console.print(f"{line}; {window.note}", markup=False, soft_wrap=True)


def _spell(hours: float) -> str:
    return f"{hours:g} h" if hours >= 1 else f"{hours * 3_600:.0f} s"


def spell_range(chronicle: Chronicle) -> str:
    """
    Return from when to when the rows are.
    """
    first, last = chronicle.first_ns, chronicle.last_ns
    if first is None or last is None:
        return ""
    spelled = [datetime.fromtimestamp(one // _NS, timezone.utc) for one in (first, last)]
    return " to ".join(f"{one:%Y-%m-%d %H:%M:%S}" for one in spelled) + " UTC"


def exit_code(reading: Reading) -> int:
    """
    Return how a command ends that used every row it could.
    """
    if reading.count == 0:
        return EXIT_NOTHING_USABLE
    return EXIT_IN_PART if reading.rejected_count else _EXIT_OK
