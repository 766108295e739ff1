"""
The figures of integration logs in four forms: a table, JSON, CSV and a page.
"""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, Any, Final

from rich.table import Table as RichTable
from rich.text import Text

from linq_otel.integration_logs._pages import render_page

from ._streams import spell_line
from ._waterfall import build_console


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel.integration_logs._figure_tables import Table
    from linq_otel.integration_logs._figures import Figures


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _write_table(_figures: Figures, tables: Sequence[Table], out: IO[str]) -> None:
    console = build_console(out)
    for table in tables:
        if table.rows:
            console.print(draw_table(table))


def draw_table(table: Table) -> RichTable:
    """
    Return *table* as the terminal shows it.
    """
    drawn = RichTable(title=table.title, title_justify="left", box=None, pad_edge=False)
    for column in table.columns:
        drawn.add_column(column, justify="right" if column in {"calls", "value"} else "left")
    for row in table.rows:
        drawn.add_row(*(Text("-" if cell is None else spell_line(cell)) for cell in row))
    return drawn


def _write_json(_figures: Figures, tables: Sequence[Table], out: IO[str]) -> None:
    document = {table.name: table.to_dicts() for table in tables}
    out.write(json.dumps(document, indent=2) + "\n")


def _write_csv(_figures: Figures, tables: Sequence[Table], out: IO[str]) -> None:
    writer = csv.writer(out)
    for table in tables:
        writer.writerow([table.name, *table.columns])
        writer.writerows([table.name, *map(_defuse, row)] for row in table.rows)


def _defuse(cell: Any) -> Any:
    # A spreadsheet runs what begins so.
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _write_html(figures: Figures, tables: Sequence[Table], out: IO[str]) -> None:
    out.write(render_page(figures, tables))


WRITERS: Final = {
    "table": _write_table,
    "json": _write_json,
    "csv": _write_csv,
    "html": _write_html,
}
