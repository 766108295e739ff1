"""
What a trial run is told as: a table with a verdict for each row, then what to do; or JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

from rich import box
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from linq_otel.doctor._words import number
from linq_otel.errors import ConfigurationError
from linq_otel.testing import EVENT_TYPES, SCENARIOS
from linq_otel.testing._trials._plans import UNKNOWN
from linq_otel.testing._webhooks._events import NEWEST

from ._waterfall import build_console


if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from linq_otel.testing import Scenario
    from linq_otel.testing._trials._plans import Trial
    from linq_otel.testing._trials._runs import Row, TrialRun
    from linq_otel.testing._trials._verdicts import Finding


_AS_LIKED = 0
_FOUND = 1
_SHOWN_OF_ID = 8
_MOST_ROWS = 200


def run_trials(
    run: TrialRun, announcement: str, out: IO[str], err: IO[str], *, as_json: bool
) -> int:
    """
    Send everything and print what came of it; returns the exit code.

    Raises:
        ConfigurationError: Nothing is to be sent, or the endpoint cannot be reached.
    """
    lives = run.plan()
    total = sum(map(len, lives))
    if not total:
        raise ConfigurationError("these events are not sent in this payload version")
    err.write(f"{announcement}\n")
    err.flush()
    rows = list(_watch(run.run(lives), total, err))
    if as_json:
        out.write(json.dumps(_document(run, rows), indent=2) + "\n")
    else:
        _print_rows(rows, build_console(out))
    return _FOUND if any(row.finding for row in rows) else _AS_LIKED


def print_choices(out: IO[str], *, as_json: bool) -> None:
    """
    Print what can be asked for.
    """
    events = [*EVENT_TYPES, UNKNOWN]
    if as_json:
        told = {name: _tell(scenario) for name, scenario in SCENARIOS.items()}
        out.write(json.dumps({"version": 1, "scenarios": told, "events": events}, indent=2) + "\n")
        return
    console = build_console(out)
    table = _table("scenario", "what its webhooks are")
    for name, scenario in SCENARIOS.items():
        table.add_row(name, _tell(scenario))
    console.print(table)
    console.print()
    console.print(Text("event", style="bold"))
    console.print(Text("\n".join(f" {event}" for event in events)))


def _watch(rows: Iterator[Row], total: int, err: IO[str]) -> Iterator[Row]:
    console = build_console(err)
    with Progress(console=console, transient=True, disable=not err.isatty()) as progress:
        task = progress.add_task("sending", total=total)
        for row in rows:
            progress.update(task, advance=int(row.attempt == 1))
            yield row


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        right = column in {"try", "status", "ms"}
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table


def _print_rows(rows: list[Row], console: Console) -> None:
    table = _table("event", "id", "try", "special", "status", "ms", "verdict")
    for row in rows[:_MOST_ROWS]:
        verdict = Text("ok", "green") if row.finding is None else Text(row.finding.kind, "red")
        table.add_row(*_cells(row), verdict)
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(Text(f"… {len(rows) - _MOST_ROWS} more are not shown; --json has them all"))
    console.print()
    for line in _conclude(rows):
        console.print(line)


def _cells(row: Row) -> list[str]:
    answer = row.answer
    return [
        row.trial.event.event_type,
        row.trial.event.event_id[:_SHOWN_OF_ID],
        str(row.attempt),
        _special(row.trial),
        answer.failure if answer.status is None else str(answer.status),
        f"{answer.seconds * 1000:.0f}",
    ]


def _special(trial: Trial) -> str:
    words = {
        trial.flaw: bool(trial.flaw),
        "duplicate": trial.copy > 0,
        trial.version: trial.version != NEWEST,
    }
    return ", ".join(word for word, is_so in words.items() if is_so)


def _conclude(rows: list[Row]) -> Iterator[Text]:
    found = _count(rows)
    requests = number(len(rows), "request")
    if not found:
        each = "" if len(rows) == 1 else "each "
        liked = f"{requests}, {each}answered as Linq would like it: {_meant(rows)}."
        yield Text(liked, "bold green")
        return
    yield Text(f"{requests}, {sum(found.values())} not answered as Linq would like it:", "bold red")
    remedies = list(dict.fromkeys(finding.remedy for finding, _ in found.most_common()))
    for remedy in remedies:
        for finding, times in found.most_common():
            if finding.remedy == remedy:
                yield Text.assemble(f"{times:>4} ", (finding.kind, "red"), f": {finding.text}")
        yield Text(f"     {remedy}", "dim")


def _meant(rows: list[Row]) -> str:
    """
    Say what was taken, and whether what is not from Linq was refused or was not even tried.
    """
    flawed = sum(bool(row.trial.flaw) for row in rows)
    taken = f"{number(len(rows) - flawed, 'webhook')} taken"
    if not flawed:
        return f"{taken}, and no signature tested"
    return f"{taken}, {flawed} that Linq did not sign so refused"


def _count(rows: list[Row]) -> Counter[Finding]:
    return Counter(row.finding for row in rows if row.finding is not None)


def _document(run: TrialRun, rows: list[Row]) -> dict[str, Any]:
    found = _count(rows)
    return {
        "version": 1,
        "to": run.url.partition("?")[0],
        "is_as_liked": not found,
        "requests": [_entry(row) for row in rows],
        "findings": [
            {"kind": one.kind, "text": one.text, "remedy": one.remedy, "count": times}
            for one, times in found.most_common()
        ],
    }


def _entry(row: Row) -> dict[str, Any]:
    trial, answer = row.trial, row.answer
    return {
        "event_type": trial.event.event_type,
        "event_id": trial.event.event_id,
        "linq_trace_id": trial.event.linq_trace_id,
        "payload_version": trial.version,
        "scenario": trial.scenario or None,
        "attempt": row.attempt,
        "duplicate": trial.copy,
        "flaw": trial.flaw or None,
        "status": answer.status,
        "failure": answer.failure or None,
        "milliseconds": round(answer.seconds * 1000, 3),
        "finding": None if row.finding is None else row.finding.kind,
    }


def _tell(scenario: Scenario) -> str:
    steps = [step.event.rpartition(".")[2] for step in scenario.steps]
    if scenario.service == "SMS":
        steps = [step for step in steps if step not in {"delivered", "read"}]
    marks = {
        f"{scenario.duplicates + 1} times each": bool(scenario.duplicates),
        "in another order": scenario.shuffle,
        "each with a Linq trace id of its own": scenario.own_trace_ids,
        "with malformed Linq trace ids": bool(scenario.malformed_trace_ids),
        "each preceded by a forged one": scenario.forged,
        "over SMS": scenario.service == "SMS",
        "three hours later": any(step.after > 3_000 for step in scenario.steps),  # noqa: PLR2004
    }
    return ", ".join([*steps, *(mark for mark, is_so in marks.items() if is_so)])
