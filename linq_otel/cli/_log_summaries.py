"""
What a command says of the files it read: how many rows, which were left out, what was doubtful.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from linq_otel._times import format_time_ns
from linq_otel.doctor._words import number
from linq_otel.integration_logs._windows import find_closed

from ._log_options import EXIT_IN_PART, EXIT_NOTHING_USABLE


if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from linq_otel.integration_logs import Reading
    from linq_otel.integration_logs._answers import Answer, Step
    from linq_otel.integration_logs._chronicle import Chronicle
    from linq_otel.integration_logs._figures import Figures
    from linq_otel.integration_logs._providers import Providers


_LISTED: Final = 10
_EXIT_OK: Final = 0
_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * _NS
_NAMES: Final = {
    "message_id": "message",
    "alt_id": "Linq message",
    "contact_id": "contact",
    "conversation_id": "conversation",
    "record_id": "record",
    "linq_trace_id": "trace",
}
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
    if reading.count == 0:
        console.print("rejected  no row could be used")
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
        twice = number(chronicle.duplicates, "row")
        verb = "was" if chronicle.duplicates == 1 else "were"
        console.print(f"merged    {twice} that {verb} there twice")
    if chronicle.organisations > 1:
        console.print(f"warning   rows of {chronicle.organisations} organisations are mixed")
    if chronicle.crowded_traces:
        count = chronicle.crowded_traces
        ids = "1 trace id stands" if count == 1 else f"{count} trace ids stand"
        each = "" if count == 1 else " each"
        console.print(f"warning   {ids} in over 1,000 rows{each}: a copied default?")


def say_exhausted(figures: Figures, console: Console) -> None:
    """
    Warn of limits of which nothing was left.
    """
    for (provider, limit), (count, first_ns) in sorted(figures.exhausted.items()):
        console.print(
            f"warning   {provider}: the {limit} limit reached zero ({count}x, first"
            f" {format_time_ns(first_ns)[:19]}Z): calls are delayed or rejected until it resets",
            markup=False,
            soft_wrap=True,
        )


def say_windows(chronicle: Chronicle, backend: str | None, now_ns: int, console: Console) -> None:
    """
    Warn that the backend that was named loses rows as old as these, or that some backends do.
    """
    first = chronicle.first_ns
    if first is None:
        return
    closed = find_closed(first, now_ns, backend)
    if backend is None:
        if closed:
            line = "too old   some backends lose rows as old as these: name yours with --backend"
            console.print(line, markup=False, soft_wrap=True)
        return
    for window in closed:
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


def say_answer(answer: Answer, which: str | None, console: Console) -> None:
    """
    Say where texts stopped, and what to do.

    Args:
        answer: Where.
        which: What is asked back where the question names no CRM.
        console: Where it is said.
    """
    for line in _spell_answer(answer):
        console.print(line, markup=False, soft_wrap=True)
    if which is not None:
        console.print(which, markup=False, soft_wrap=True)


def _spell_answer(answer: Answer) -> Iterator[str]:
    yield from map(_spell_step, answer.steps)
    if answer.texts > len(answer.steps):
        yield f"The latest {len(answer.steps)} are listed."
    if answer.texts > 1:
        yield f"\n{answer.stopped}."
        yield from _spell_endings(answer)
    elif answer.is_delivered:
        yield f"\n{answer.stopped[0].upper()}{answer.stopped[1:]}."
    else:
        yield f"\nWhere it stopped: {answer.stopped}."
    yield f"What to do: {answer.advice}"
    skew_ms = next((step.skew_ms for step in reversed(answer.steps) if step.skew_ms), None)
    if skew_ms is not None:
        yield f"Clock: {spell_skew(skew_ms)}."


def _spell_step(step: Step) -> str:
    number = f" attempt {step.attempt}" if step.attempt else ""
    names = "".join(f", {_NAMES[name]} {one}" for name, one in step.ids.items())
    answered = f"{step.status or 'no answer'} {step.delivery}{number}"
    return f"{step.time}  {step.title} → {answered}  ({step.place}{names})"


def _spell_endings(answer: Answer) -> Iterator[str]:
    for one in answer.endings:
        latest = "the latest " if one.texts > 1 else ""
        yield f"  {one.texts}x {one.stopped} ({latest}{one.place})"
        if one.delivery != "delivered":
            yield f"      {one.advice}"
    if answer.lost:
        yield f"{answer.lost} of {answer.texts} did not arrive, or are not confirmed."


def spell_skew(skew_ms: int) -> str:
    """
    Say how far a row's time is from its answer's clock.
    """
    minutes = round(abs(skew_ms) / 60_000)
    side = "after" if skew_ms > 0 else "before"
    hint = (
        "; whole hours hint at another zone: see --timezone" if minutes % 30 in {0, 1, 29} else ""
    )
    return f"the row's time is {minutes // 60} h {minutes % 60} min {side} the answer's Date{hint}"


def spell_which(answer: Answer, asked: int, providers: Providers) -> str:
    """
    Ask which CRM is meant, of a question that names none, or several.
    """
    names = "names several" if asked else "names none"
    if not answer.crms:
        known = ", ".join(one.title for one in providers.tables if one.hosts)
        return f"Which CRM? The question {names}. Known: {known}."
    went = ", ".join(f"{crm} ({count})" for crm, count in answer.crms.items())
    return f"Which CRM? The question {names}. Texts in these rows went to {went}."


def exit_code(reading: Reading) -> int:
    """
    Return how a command ends that used every row it could.
    """
    if reading.count == 0:
        return EXIT_NOTHING_USABLE
    return EXIT_IN_PART if reading.rejected_count else _EXIT_OK
