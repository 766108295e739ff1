"""
How fast integration logs are read, and what an import of them takes of memory.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from measuring import Found, Line, Spread

from integration_logs import STAGES, run_apart, write_rows


if TYPE_CHECKING:
    from measuring import Effort


_ROWS: Final = 100_000
_FEW_ROWS: Final = 2_000
_GOALS: Final = {"read": 20_000.0}
_MOST_MEGABYTES: Final = 100.0


def measure(effort: Effort) -> list[Line]:
    """
    Run each stage of an import on a file of some size, in processes of their own.
    """
    size = effort.scale(_ROWS, _FEW_ROWS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.ndjson"
        with path.open("w", encoding="utf-8") as file:
            write_rows(size, file)
        rates: list[Line] = []
        peaks: list[Line] = []
        for stage in STAGES:
            found = [run_apart(stage, path) for _ in range(effort.scale(3, 1))]
            assert all(run["rows"] > 0 for run in found)
            rates.append(_rate(stage, [run["cpu"] for run in found]))
            peaks.append(_peak(stage, size, [run["peak"] for run in found]))
    return rates + peaks


def _rate(stage: str, rates: list[float]) -> Line:
    found = Found(Spread.of(rates))
    name, goal = f"integration logs: {stage}", _GOALS.get(stage)
    return Line(name, "itself", found, goal, is_floor=True, unit="rows/s and core")


def _peak(stage: str, size: int, peaks: list[float]) -> Line:
    name, found = f"integration logs: {stage} {size:,} rows", Found(Spread.of(peaks))
    return Line(name, "whatever the file", found, _MOST_MEGABYTES, unit="MB at most")
