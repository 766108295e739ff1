"""
``linq-otel doctor`` and its options.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from linq_otel._lifecycle import JOINS

from ._doctor_runs import DoctorRun, run_doctor, run_mark


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel._settings import Options


PORT: Final = 4319
"""Where webhooks are listened for if no other port is named: beside those of OTLP."""

_HELP: Final = """
Say what is wrong with a set-up, and what to type.

\b
  linq-otel doctor                            the environment an app will run in
  linq-otel doctor --import shop.main:app     the app itself: it runs your code
  linq-otel doctor --leave-mark               do two processes share a store?
  linq-otel doctor --capture webhooks.jsonl   do your webhooks' trace ids match your sends'?
  linq-otel doctor --listen                   record webhooks for that

It asks the exporter's endpoint and the store, each for two seconds at most, and nobody else.
Exits with 0 if nothing is wrong, 1 if there is a problem, 2 if it was not understood or cannot
run here. Every code is explained in docs/doctor.md.
"""


class DoctorCommand(TyperCommand):
    """
    Takes ``--listen`` without a port, and several files after one ``--capture``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """
        Parse the command line.
        """
        return super().parse_args(ctx, list(_spell_out(args)))


def _spell_out(args: list[str]) -> Iterator[str]:
    several = ""
    for number, arg in enumerate(args):
        if several and not arg.startswith("-") and args[number - 1] != several:
            yield several
        if arg.startswith("-"):
            several = arg if arg in {"--capture", "--sends"} else ""
        yield arg
        following = args[number + 1] if number + 1 < len(args) else ""
        if arg == "--listen" and not following.isdecimal():
            yield str(PORT)


def add_doctor_commands(app: typer.Typer) -> None:
    """
    Add the command to *app*.
    """
    app.command("doctor", cls=DoctorCommand, help=_HELP, rich_help_panel="First steps")(doctor)


def _check_join(join: str | None) -> str | None:
    if join is not None and join not in JOINS:
        raise typer.BadParameter(f"{join!r} is not one of {', '.join(JOINS)}.")
    return join


def doctor(  # noqa: PLR0913  # Options, each with a default.
    *,
    app: Annotated[
        str | None,
        typer.Option(
            "--import",
            metavar="MODULE[:NAME]",
            help="Import this first, which runs your code, and examine what it has set up. "
            "MODULE:function() is called.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The store; else that of OTEL_PYTHON_LINQ_STORE."),
    ] = None,
    join: Annotated[
        str | None,
        typer.Option(callback=_check_join, help=f"The join mode to judge: {', '.join(JOINS)}."),
    ] = None,
    webhook_secret: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            help="Of your subscription; LINQ_WEBHOOK_SECRET keeps it out of your history.",
        ),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Compare the clock with the Date of this HTTP server."),
    ] = None,
    leave_mark: Annotated[
        bool, typer.Option("--leave-mark", help="Leave a mark in the store for another process.")
    ] = False,
    find_mark: Annotated[
        str | None, typer.Option(metavar="CODE", help="Look for the mark another process left.")
    ] = None,
    capture: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE...", help="Recorded webhooks: JSON, lines of JSON, bodies, or HAR."
        ),
    ] = None,
    sends: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE...", help="Answers to sends: their X-Trace-ID and body."),
    ] = None,
    listen: Annotated[
        int | None,
        typer.Option(
            metavar="[PORT]",
            min=0,
            max=65535,
            help=f"Record webhooks on 127.0.0.1 ({PORT}; 0 is any) until Ctrl-C, then judge them.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many webhooks.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after so long.")] = None,
    save: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Keep what was recorded: it holds texts and numbers."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """
    Examine a set-up; the help above says how.
    """
    if leave_mark and find_mark is not None:
        raise typer.BadParameter("--leave-mark is for one process, --find-mark for the other.")
    if leave_mark or find_mark is not None:
        raise typer.Exit(run_mark(store, find_mark, as_json=as_json))
    options: dict[str, Any] = {"store": store, "join": join, "webhook_secret": webhook_secret}
    given: Options = {k: v for k, v in options.items() if v is not None}  # type: ignore[assignment]
    run = DoctorRun(
        app=app, options=given, clock_url=clock, files=tuple(capture or ()),
        sends=tuple(sends or ()), port=listen, count=count, seconds=seconds,
        save=Path(save) if save else None, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(run_doctor(run))
