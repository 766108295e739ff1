"""
The commands over stores: ``prune`` and ``create-tables``.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ._stores import run_create_tables, run_prune


def add_store_commands(app: typer.Typer) -> None:
    """
    Add the commands to *app*.
    """
    app.command(rich_help_panel="Stores")(prune)
    app.command(rich_help_panel="Stores")(create_tables)


_StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="The store; without it, that of OTEL_PYTHON_LINQ_STORE."
    ),
]


def prune(store: _StoreUrl = None) -> None:
    """
    Delete from a store what has expired, a few thousand rows at a time.

    linq-otel prune --store postgresql://linq@db/linq

    Stores do so by themselves, beside their writes. Exits with 1 if the store cannot be reached or
    refuses, with 2 if it is not understood.
    """
    raise typer.Exit(run_prune(store, sys.stdout, sys.stderr))


def create_tables(store: _StoreUrl = None) -> None:
    """
    Make the tables of a store in a SQL database, unless they are there.

    linq-otel create-tables --store postgresql://linq@db/linq

    Stores do so by themselves, where their user may. Exits with 1 if the store cannot be reached
    or refuses, with 2 if it is not understood.
    """
    raise typer.Exit(run_create_tables(store, sys.stdout, sys.stderr))
