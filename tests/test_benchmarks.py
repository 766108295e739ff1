"""
The benchmarks run, and measure what they say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.programs import REPOSITORY


if TYPE_CHECKING:
    from pathlib import Path


def run(name: str, *arguments: str) -> str:
    """
    Run one of the benchmarks to its end, and return what it printed.
    """
    program = [sys.executable, str(REPOSITORY / "benchmarks" / name), *arguments]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestGrowth:
    @pytest.mark.parametrize("engine", ["sqlite", "redis", "postgresql"])
    def test_figures(self, engine: str, tmp_path: Path) -> None:
        """Every operation is measured at every size; the first size is what others compare to."""
        figures = tmp_path / "figures.json"
        few = ("--sizes", "100,300", "--rounds", "2", "--batch", "5", "--json", str(figures))
        assert f"{engine}, 300 origins under 3 keys" in run("growth.py", "--engine", engine, *few)
        found = json.loads(figures.read_text())
        operations = {
            f"{who}: {what}"
            for who in ("app", "store")
            for what in ("find any", "find hot", "find none", "save")
        }
        assert (found["engine"], [each["origins"] for each in found["sizes"]]) == (
            engine,
            [100, 300],
        )
        assert [set(each["operations"]) for each in found["sizes"]] == [operations] * 2
        assert {each["ratio"] for each in found["sizes"][0]["operations"].values()} == {1.0}


class TestWeight:
    def test_sqlite(self) -> None:
        """An origin is written once, however many keys it has: a third key adds a small row."""
        told = run("weight.py", "--engine", "sqlite", "--messages", "2000").splitlines()
        two, three = (int(line.split()[3]) for line in told)
        assert [line.split(":")[0] for line in told] == ["sqlite, 2 keys", "sqlite, 3 keys"]
        assert 0 < three - two < two / 2
