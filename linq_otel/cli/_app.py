"""
The command line: every command is added by a module of its own.
"""

from __future__ import annotations

from typing import Annotated

import typer

from linq_otel._version import __version__

from ._demo_commands import add_demo_command
from ._doctor_commands import add_doctor_commands
from ._log_commands import add_log_commands
from ._one_line import OneLineGroup
from ._show_commands import add_show_commands
from ._simulate_commands import add_simulate_commands
from ._store_commands import add_store_commands
from ._view_commands import add_view_commands


app = typer.Typer(
    name="linq-otel",
    cls=OneLineGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:  # noqa: FBT001  # Typer calls it so.
    if is_asked:
        typer.echo(f"linq-otel {__version__}")
        raise typer.Exit


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


# In the order in which a stranger meets them.
add_demo_command(app)
add_doctor_commands(app)
add_show_commands(app)
add_view_commands(app)
add_simulate_commands(app)
add_log_commands(app)
add_store_commands(app)
