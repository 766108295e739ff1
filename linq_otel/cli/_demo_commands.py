"""
The command ``demo``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from linq_otel._lifecycle import JOINS
from linq_otel.testing import SCENARIOS

from ._demo import run_demo
from ._demo_story import STORES, DemoOptions


def add_demo_command(app: typer.Typer) -> None:
    """
    Add the command to *app*.
    """
    app.command(rich_help_panel="First steps")(demo)


def _check_join(join: str) -> str:
    return _check_word(join, JOINS)


def _check_scenario(scenario: str) -> str:
    return _check_word(scenario, tuple(SCENARIOS))


def _check_store(store: str) -> str:
    return _check_word(store, tuple(STORES))


def _check_word(word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(words)}.")
    return word


def demo(  # noqa: PLR0913  # Options, each with a default.
    *,
    scenario: Annotated[
        str,
        typer.Option(
            callback=_check_scenario,
            autocompletion=lambda: list(SCENARIOS),
            help=f"What happens to the message: {', '.join(SCENARIOS)}.",
        ),
    ] = "read",
    join: Annotated[
        str,
        typer.Option(
            callback=_check_join,
            autocompletion=lambda: list(JOINS),
            help=f"Which trace its lifecycle is recorded in: {', '.join(JOINS)}.",
        ),
    ] = "linq",
    store: Annotated[
        str,
        typer.Option(
            callback=_check_store,
            autocompletion=lambda: list(STORES),
            help="Whether the receiver finds what the sender kept: "
            + "; ".join(f"{name}, {what}" for name, what in STORES.items())
            + ".",
        ),
    ] = "shared",
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Export to this OTLP endpoint as well, http://127.0.0.1:4318 say. "
            "The OTEL_EXPORTER_OTLP_* variables work too.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Write the spans here, as OTLP JSON lines."),
    ] = Path("linq-demo.otlp.jsonl"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the spans as one JSON document, and no picture.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Of every id that Linq makes up; without it they are new each time."),
    ] = None,
) -> None:
    """
    Send one message through the real Linq SDK to a local Linq, and watch it become one trace.

    linq-otel demo --scenario failed --join app

    A sender, a FastAPI webhook receiver and a simulated Linq run for a few seconds, each with its
    own connection to the others, and it is said what happens. With --scenario late-read the message
    was sent three hours ago and is read now. Exits with 0 if every webhook was joined, 1 if one was
    not, 2 if the demo could not run.
    """
    options = DemoOptions(scenario, join, endpoint, output, seed, as_json=as_json, store=store)
    raise typer.Exit(run_demo(options, sys.stdout))
