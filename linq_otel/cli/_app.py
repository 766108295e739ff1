"""
The commands and their options; what they do stands beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from linq_otel._lifecycle import JOINS
from linq_otel._version import __version__
from linq_otel.testing import SCENARIOS

from ._demo import run_demo
from ._demo_story import DemoOptions
from ._log_commands import add_log_commands
from ._stores import run_create_tables, run_prune


app = typer.Typer(
    name="linq-otel",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:  # noqa: FBT001  # Typer calls it so.
    if is_asked:
        typer.echo(f"linq-otel {__version__}")
        raise typer.Exit


def _check_join(join: str) -> str:
    return _check_word(join, JOINS)


def _check_scenario(scenario: str) -> str:
    return _check_word(scenario, tuple(SCENARIOS))


def _check_word(word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(words)}.")
    return word


@app.callback()
def start(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """
    OpenTelemetry tracing for the Linq messaging API: one message, one trace.
    """


@app.command()
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
            help=f"Which trace its life is drawn in: {', '.join(JOINS)}.",
        ),
    ] = "linq",
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
    seed: Annotated[int, typer.Option(help="Of every id that Linq would make up.")] = 7,
) -> None:
    """
    Send one message through the real Linq SDK to a local Linq, and watch it become one trace.

    A sender, a FastAPI webhook receiver and a simulated Linq run for a few seconds, each with its
    own connection to the others. Exits with 0 if every webhook was joined, 1 if one was not, 2 if
    the demo could not run.
    """
    options = DemoOptions(scenario, join, endpoint, output, seed, as_json=as_json)
    raise typer.Exit(run_demo(options, sys.stdout))


_StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="The store; without it, that of OTEL_PYTHON_LINQ_STORE."
    ),
]


@app.command()
def prune(store: _StoreUrl = None) -> None:
    """
    Delete from a store what has expired, a few thousand rows at a time.

    Stores do so by themselves, beside their writes. Exits with 1 if the store cannot be reached or
    refuses, with 2 if it is not understood.
    """
    raise typer.Exit(run_prune(store, sys.stdout, sys.stderr))


@app.command()
def create_tables(store: _StoreUrl = None) -> None:
    """
    Make the tables of a store in a SQL database, unless they are there.

    Stores do so by themselves, where their user may. Exits with 1 if the store cannot be reached
    or refuses, with 2 if it is not understood.
    """
    raise typer.Exit(run_create_tables(store, sys.stdout, sys.stderr))


add_log_commands(app)
