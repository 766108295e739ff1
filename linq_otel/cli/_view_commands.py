"""
``linq-otel view``: a page of messages on this host, and the receiver that feeds it.
"""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  # Typer reads the annotations.
from typing import Annotated

import typer

from linq_otel.stories import STUCK_AFTER
from linq_otel.viewer import ViewerOptions

from ._view_runs import ViewRun, run_export, run_view


_DEFAULTS = ViewerOptions()


def add_view_commands(app: typer.Typer) -> None:
    """
    Add the command to *app*.
    """
    app.command(rich_help_panel="Traces")(view)


def view(  # noqa: PLR0913  # Options, each with a default.
    *,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Show the spans of OTLP JSON lines, gzipped or not; - is standard input. May be "
            "repeated.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the page as one file to mail around, and start nothing."
        ),
    ] = None,
    wanted: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="With --html, only the story this id leads to: of a message, chat, event, span "
            "or trace.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help=f"Where to listen; {_DEFAULTS.port}, or any free one where there is a --file.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The loopback address to listen on; no other is taken.")
    ] = _DEFAULTS.host,
    keep: Annotated[
        int,
        typer.Option(min=1, max=10**12, help="Spans kept; beyond them the oldest traces leave."),
    ] = _DEFAULTS.keep,
    keep_days: Annotated[
        float,
        typer.Option(min=0.01, max=36_500, help="Days a trace is kept that nothing is added to."),
    ] = _DEFAULTS.keep_days,
    database: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the spans in this file, for the next time too."),
    ] = None,
    stuck_after: Annotated[
        float,
        typer.Option(
            min=0,
            max=1e9,
            help="Seconds without the news due next after which a message is stuck.",
        ),
    ] = STUCK_AFTER,
    is_opening: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Open a browser, if this is a terminal."),
    ] = True,
) -> None:
    """
    Look at messages and their traces with no backend at all: a page on this host, fed by OTLP.

    linq-otel view

    Point an app at it with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 and
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf; where grpcio is installed, grpc is taken as well. Or
    try linq-otel demo --endpoint http://127.0.0.1:4318. Nothing leaves this host. Ctrl-C ends it.
    Exits with 0 when it was ended or the file is written, 2 if the port is taken, a file cannot be
    read or written, or the command was not understood.
    """
    if port is None:
        port = 0 if files else _DEFAULTS.port
    options = ViewerOptions(host, port, keep, keep_days, database, stuck_after)
    run = ViewRun(options, tuple(files or ()), html, wanted, is_opening=is_opening)
    if html is not None:
        raise typer.Exit(run_export(run, sys.stdout))
    if wanted is not None:
        raise typer.BadParameter("--id goes with --html; on the page, type it into the search.")
    raise typer.Exit(run_view(run, sys.stdout, sys.stderr))
