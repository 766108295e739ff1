"""
The commands over integration logs: ``import``, ``stats``, ``report`` and ``why``.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linq_otel._backends import BACKENDS, get_backend
from linq_otel._lifecycle import JOINS
from linq_otel.errors import ConfigurationError, RedactionError, StoreError
from linq_otel.integration_logs._reports import UnknownIdError
from linq_otel.stores import open_store

from ._log_options import (
    EXIT_NOTHING_USABLE,
    BaseUrlOption,
    DateOption,
    DateOrderOption,
    DstOption,
    EncodingOption,
    Files,
    FormatOption,
    MapOption,
    ProviderOption,
    TimezoneOption,
    UsZonesOption,
    read_options,
)
from ._log_runs import ImportRun, run_import, run_report, run_stats, run_why
from ._streams import spell_line


if TYPE_CHECKING:
    from collections.abc import Generator

    from linq_otel.stores import Store


StoreOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where sent messages are kept: sqlite:///linq.db."),
]


def add_log_commands(app: typer.Typer) -> None:
    """
    Add the commands to *app*.
    """
    for name, command in (
        ("import", import_logs),
        ("stats", stats),
        ("report", report),
        ("why", why),
    ):
        app.command(name, rich_help_panel="Integration logs")(command)


@contextmanager
def _ending(store_url: str | None = None) -> Generator[Store | None]:
    """
    Open the store; what it or a report refuses is a failure, all else a misuse.
    """
    try:
        with ExitStack() as opened:
            store = open_store(store_url) if store_url else None
            if store is not None:
                opened.callback(store.close)
            yield store
    except (RedactionError, StoreError, UnknownIdError) as error:
        sys.stderr.write(f"linq-otel: {spell_line(error)}\n")
        raise typer.Exit(EXIT_NOTHING_USABLE) from error


def _check_backend(backend: str | None) -> str | None:
    try:
        return None if backend is None else get_backend(backend).name
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


def import_logs(  # noqa: PLR0913  # Options, each with a default.
    files: Files,
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OTLP receiver; else the OTEL_EXPORTER_OTLP_* count."),
    ] = None,
    protocol: Annotated[str, typer.Option(help="http/protobuf or grpc.")] = "http/protobuf",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add OTLP JSON lines to a file instead.")
    ] = None,
    signal: Annotated[str, typer.Option(help="traces, logs or both.")] = "traces",
    store: StoreOption = None,
    join: Annotated[str, typer.Option(help=f"As in the app: {', '.join(JOINS)}.")] = "linq",
    trace_from: Annotated[
        str | None, typer.Option(help="request-id: take a CRM's request id for its trace id.")
    ] = None,
    detail: Annotated[bool, typer.Option("--detail", help="Add what is on request.")] = False,
    bodies: Annotated[str, typer.Option(help="none, shape, redacted or full.")] = "none",
    allow_full_bodies: Annotated[
        bool, typer.Option("--allow-full-bodies", help="Full bodies hold what people wrote.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Spans a second at most.")] = None,
    batch_size: Annotated[int, typer.Option(help="Spans in one request.")] = 512,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Remember how far it came, and go on.")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(callback=_check_backend, help=f"Warn for one alone: {', '.join(BACKENDS)}."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing.")] = False,
    format_: FormatOption = None,
    encoding: EncodingOption = None,
    timezone: TimezoneOption = None,
    dst: DstOption = "earlier",
    us_zones: UsZonesOption = False,
    date_order: DateOrderOption = None,
    date: DateOption = None,
    base_url: BaseUrlOption = None,
    columns: MapOption = None,
    provider: ProviderOption = None,
) -> None:
    """
    Send integration logs to a backend as spans with their own times, each row once.

    linq-otel import rows.csv --timezone America/Denver --endpoint http://127.0.0.1:4318

    Exits with 0 if every row was used, 3 if some were rejected or not sent, 1 if none could be
    used, 2 if the command was not understood or cannot run here.
    """
    if bodies == "full" and not allow_full_bodies:
        raise typer.BadParameter("full bodies hold what people wrote: add --allow-full-bodies.")
    with _ending(store) as opened:
        options = read_options(
            format_=format_, encoding=encoding, timezone=timezone, dst=dst, us_zones=us_zones,
            date_order=date_order, date=date, base_url=base_url, columns=columns,
            provider=provider, bodies=bodies, allow_full_bodies=allow_full_bodies,
        )  # fmt: skip
        run = ImportRun(
            files=tuple(files), read=options, endpoint=endpoint, protocol=protocol, output=output,
            signal=signal, store=opened, join=join, trace_from=trace_from, detail=detail, rate=rate,
            batch_size=batch_size, checkpoint=checkpoint, backend=backend, dry_run=dry_run,
        )  # fmt: skip
        raise typer.Exit(run_import(run))


def stats(  # noqa: PLR0913  # As above.
    files: Files,
    *,
    as_format: Annotated[str, typer.Option("--as", help="table, json, csv or html.")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --as json.")] = False,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here.")] = None,
    format_: FormatOption = None,
    encoding: EncodingOption = None,
    timezone: TimezoneOption = None,
    dst: DstOption = "earlier",
    us_zones: UsZonesOption = False,
    date_order: DateOrderOption = None,
    date: DateOption = None,
    base_url: BaseUrlOption = None,
    columns: MapOption = None,
    provider: ProviderOption = None,
) -> None:
    """
    Show the figures of integration logs: verdicts, status codes, rate limits, attempts.

    linq-otel stats rows.csv --timezone America/Denver

    Exits with 0 if every row was used, 3 if some were rejected, 1 if none could be used, 2 if the
    command was not understood or a file cannot be read.
    """
    with _ending():
        options = read_options(
            format_=format_, encoding=encoding, timezone=timezone, dst=dst, us_zones=us_zones,
            date_order=date_order, date=date, base_url=base_url, columns=columns, provider=provider,
        )  # fmt: skip
        form = "json" if as_json else as_format
        raise typer.Exit(run_stats(tuple(files), options, form, output))


def report(  # noqa: PLR0913  # As above.
    asked: Annotated[
        str,
        typer.Argument(metavar="ID", help="A trace, row, request or message id, or rows.csv:4."),
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Rows, or spans as OTLP JSON lines; - is stdin."),
    ] = None,
    *,
    store: StoreOption = None,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where report.md and report.json go.")
    ] = Path(),
    include_bodies: Annotated[
        bool, typer.Option("--include-bodies", help="Add the bodies, redacted.")
    ] = False,
    format_: FormatOption = None,
    encoding: EncodingOption = None,
    timezone: TimezoneOption = None,
    dst: DstOption = "earlier",
    us_zones: UsZonesOption = False,
    date_order: DateOrderOption = None,
    date: DateOption = None,
    base_url: BaseUrlOption = None,
    columns: MapOption = None,
    provider: ProviderOption = None,
) -> None:
    """
    Write the bundle Linq's support asks for: report.md and report.json. Nothing is uploaded.

    linq-otel report 4bf92f3577b34da6a3ce929d0e0e4736 rows.csv --timezone America/Denver

    linq-otel report 4bf92f3577b34da6a3ce929d0e0e4736 spans.jsonl

    Exits with 0 if they are written, 1 if nothing knows the id, 2 if the command was not understood
    or a file cannot be read or written.
    """
    with _ending(store) as opened:
        options = read_options(
            format_=format_, encoding=encoding, timezone=timezone, dst=dst, us_zones=us_zones,
            date_order=date_order, date=date, base_url=base_url, columns=columns,
            provider=provider, bodies="redacted" if include_bodies else "none",
        )  # fmt: skip
        raise typer.Exit(run_report(asked, tuple(files or ()), options, opened, output))


def why(  # noqa: PLR0913  # As above.
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help='"no text in GoHighLevel": names the CRM.')
    ],
    files: Files,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option(
            "--id", metavar="ID", help="A contact, message or trace id, or rows.csv:4; else all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    format_: FormatOption = None,
    encoding: EncodingOption = None,
    timezone: TimezoneOption = None,
    dst: DstOption = "earlier",
    us_zones: UsZonesOption = False,
    date_order: DateOrderOption = None,
    date: DateOption = None,
    base_url: BaseUrlOption = None,
    columns: MapOption = None,
    provider: ProviderOption = None,
) -> None:
    """
    Say where texts stopped on their way to a CRM, and what to do next.

    linq-otel why "no text in GoHighLevel" rows.csv --id 21051baf-8743-4ee8-aa9c-6e3316a85b5c

    Exits with 0 if every text was handed over, 1 if any stopped somewhere or no row could be used,
    2 if the command was not understood or a file cannot be read.
    """
    with _ending():
        options = read_options(
            format_=format_, encoding=encoding, timezone=timezone, dst=dst, us_zones=us_zones,
            date_order=date_order, date=date, base_url=base_url, columns=columns, provider=provider,
        )  # fmt: skip
        raise typer.Exit(
            run_why(question, tuple(files), options, tuple(ids or ()), as_json=as_json)
        )
