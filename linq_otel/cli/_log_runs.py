"""
What the commands over integration logs do, once their options are understood.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from linq_otel._files import check_writable, is_pipe, is_standard_output, replace_file
from linq_otel.doctor._words import number
from linq_otel.errors import ConfigurationError
from linq_otel.integration_logs import ReadOptions, ReplayOptions, read, replay
from linq_otel.integration_logs._answers import find_answer, normalize_id
from linq_otel.integration_logs._api_calls import read_calls, split_files
from linq_otel.integration_logs._checkpoints import Checkpoint
from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._exporters import OutputFile
from linq_otel.integration_logs._figure_tables import build_tables
from linq_otel.integration_logs._figures import count_figures
from linq_otel.integration_logs._providers import load_providers
from linq_otel.integration_logs._report_files import write_report
from linq_otel.integration_logs._reports import build_report
from linq_otel.integration_logs._zones import get_zone

from ._log_endpoints import check_endpoint, quiet_exporters
from ._log_figures import WRITERS, draw_table
from ._log_options import EXIT_IN_PART, EXIT_NOTHING_USABLE
from ._log_summaries import (
    exit_code,
    say_answer,
    say_chronicle,
    say_exhausted,
    say_rejects,
    say_windows,
    spell_range,
    spell_which,
)
from ._waterfall import build_console


if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from rich.console import Console

    from linq_otel.integration_logs import Replayed
    from linq_otel.stores import Store


_EXIT_OK: Final = 0
_EXIT_STOPPED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """
    What ``import`` was asked for.
    """

    files: tuple[str, ...]
    read: ReadOptions
    endpoint: str | None
    protocol: str
    output: Path | None
    signal: str
    store: Store | None
    join: str
    trace_from: str | None
    detail: bool
    rate: float | None
    batch_size: int
    checkpoint: Path | None
    backend: str | None
    dry_run: bool


def run_import(run: ImportRun) -> int:
    """
    Send the rows of files; returns the exit code.
    """
    if run.trace_from not in {None, "request-id"}:
        raise ConfigurationError("--trace-from takes request-id")
    options = _replay_options(run)
    if not run.dry_run:
        _check_places(run, options)
    notes = build_console(sys.stderr)
    # The lines of spans may go there.
    console = notes if is_standard_output(run.output) else build_console()
    reading = read(*run.files, options=run.read)
    with Chronicle(reading) as chronicle:
        say_rejects(reading, notes)
        say_chronicle(chronicle, notes)
        if run.output is None or run.backend is not None:
            say_windows(chronicle, run.backend, time.time_ns(), notes)
        count = len(chronicle)
        line = f"{number(count, 'call')}, {spell_range(chronicle)}" if count else "no entries"
        console.print(line, markup=False, soft_wrap=True)
        if run.dry_run or not count:
            _print_verdicts(chronicle, console)
            return exit_code(reading)
        with _open_progress(notes, count) as progress, quiet_exporters() as log:
            done = replay(chronicle, replace(options, progress=progress))
    console.print(_spell_done(done, log.status), markup=False, soft_wrap=True)
    if not done.is_complete:
        return EXIT_IN_PART if done.sent or done.skipped else EXIT_NOTHING_USABLE
    return exit_code(reading)


def _check_places(run: ImportRun, options: ReplayOptions) -> None:
    """
    Make sure that spans and progress have somewhere to go, before files are read for minutes.
    """
    Checkpoint(run.checkpoint).close()
    if run.output is None:
        check_endpoint(run.endpoint, run.protocol, options.signals)
    elif not is_pipe(run.output):
        with OutputFile(run.output):
            pass


def _replay_options(run: ImportRun) -> ReplayOptions:
    words: dict[str, Any] = {"signal": run.signal, "join": run.join}
    return ReplayOptions(
        **words,
        endpoint=run.endpoint,
        protocol=run.protocol,
        output=run.output,
        store=run.store,
        by_request_id=run.trace_from is not None,
        detail=run.detail,
        rate=run.rate,
        batch_size=run.batch_size,
        checkpoint=run.checkpoint,
    )


@contextmanager
def _open_progress(console: Console, total: int) -> Generator[Callable[[int], object]]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda sent: bar.update(task, completed=sent)


def _spell_done(done: Replayed, status: str) -> str:
    parts = [f"{done.sent} sent"]
    if done.skipped:
        parts.append(f"{done.skipped} sent by an earlier run")
    if done.unsent:
        reason = f"the backend answered {status}" if status else "the backend did not answer"
        parts.append(f"{done.unsent} not sent: {reason}; run it again")
    return ", ".join(parts)


def _print_verdicts(chronicle: Chronicle, console: Console) -> None:
    for table in build_tables(count_figures(chronicle)):
        if table.name == "verdicts" and table.rows:
            console.print(draw_table(table))


def run_stats(
    files: tuple[str, ...], options: ReadOptions, as_format: str, output: Path | None
) -> int:
    """
    Print the figures; returns the exit code.
    """
    if as_format not in WRITERS:
        raise ConfigurationError(f"--as must be one of {', '.join(WRITERS)}")
    if output is not None:
        check_writable(output)
    reading = read(*files, options=options)
    with Chronicle(reading) as chronicle:
        figures = count_figures(chronicle)
        say_chronicle(chronicle, build_console(sys.stderr))
    say_rejects(reading, build_console(sys.stderr))
    say_exhausted(figures, build_console(sys.stderr))
    tables = build_tables(figures)
    if output is None:
        WRITERS[as_format](figures, tables, sys.stdout)
    else:
        with replace_file(output) as file:
            WRITERS[as_format](figures, tables, file)
    return exit_code(reading)


def run_report(
    asked: str,
    files: tuple[str, ...],
    options: ReadOptions,
    store: Store | None,
    output: Path,
) -> int:
    """
    Write the support bundle; returns the exit code.
    """
    rows, spans = split_files(files)
    calls = read_calls(spans, normalize_id(asked))
    reading = read(*rows, options=options)
    with Chronicle(reading) as chronicle:
        counts = {one.code: one.count for one in reading.warnings if one.code.startswith("secret")}
        zone = get_zone(options.timezone) if options.timezone else None
        report = build_report(
            asked, chronicle, zone=zone, store=store, redactions=counts, spans=calls
        )
    markdown, document = write_report(report, output)
    console = build_console()
    console.print(f"{markdown} and {document} are written. Read them before you send them.",
                  markup=False, soft_wrap=True)  # fmt: skip
    return _EXIT_OK


def run_why(
    question: str,
    files: tuple[str, ...],
    options: ReadOptions,
    ids: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    """
    Say where texts stopped; returns 0 if each was delivered, 1 if any was not.
    """
    providers = load_providers()
    asked = providers.find_asked(question)
    reading = read(*files, options=options)
    with Chronicle(reading) as chronicle:
        provider = asked[0] if len(asked) == 1 else None
        answer = find_answer(chronicle, provider, frozenset(map(normalize_id, ids)))
    say_rejects(reading, build_console(sys.stderr))
    which = None if provider else spell_which(answer, len(asked), providers)
    if as_json:
        document = {"question": question, "which": which, **asdict(answer)}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        say_answer(answer, which, build_console())
    if reading.count == 0:
        return EXIT_NOTHING_USABLE
    return _EXIT_OK if answer.is_delivered else _EXIT_STOPPED
