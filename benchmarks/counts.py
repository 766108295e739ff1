"""
How many instructions does tracing a call take, and how often must the processor wait for memory?

::

    python benchmarks/counts.py

counts what ``bench.py`` times, with cachegrind, which is a part of Valgrind and to be installed
beforehand: the same on a machine that is busy, but for one instruction in a hundred. Each variant
runs twice, and the shorter run is taken off the longer: what is left is calls alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sending import Scene, open_sync  # Needs the path.


if TYPE_CHECKING:
    from collections.abc import Sequence


PLAIN: Final = "uninstrumented"
VARIANTS: Final = (
    PLAIN,
    "contrib httpx",
    "bare spans",
    "ours",
    "contrib httpx, unsampled",
    "ours, unsampled",
)
_FEWER, _MORE = 50, 250
_VALGRIND: Final = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=yes",
    "--cachegrind-out-file=/dev/null",
)
_COUNT: Final = re.compile(r"^==\d+== (I +refs|I1 +misses|D1 +misses): +([\d,]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What a processor did for one call.

    Attributes:
        instructions: It ran.
        code_misses: First-level cache misses when it read instructions.
        data_misses: The same when it read or wrote data.
    """

    instructions: float
    code_misses: float
    data_misses: float

    @classmethod
    def parse(cls, summary: str) -> Counts:
        """
        Read what cachegrind prints at the end.
        """
        found = [int(digits.replace(",", "")) for _, digits in _COUNT.findall(summary)]
        return cls(*found)

    def less(self, other: Counts, calls: int = 1) -> Counts:
        """
        Return what is here and not in *other*, for each of *calls*.
        """
        return Counts(
            (self.instructions - other.instructions) / calls,
            (self.code_misses - other.code_misses) / calls,
            (self.data_misses - other.data_misses) / calls,
        )

    def row(self) -> str:
        """
        Return thousands, as cells of a table.
        """
        return (
            f"{self.instructions / 1_000:,.0f} | {self.code_misses / 1_000:.1f} | "
            f"{self.data_misses / 1_000:.1f}"
        )


def run_turn(variant: str, calls: int) -> None:
    """
    Make *calls* of *variant*, and do nothing else.
    """
    turn = Scene(open_sync).variants[variant]
    with turn.within():
        turn.run(range(calls))


def count(variant: str) -> Counts:
    """
    Return what one call of *variant* takes.
    """
    fewer, more = (
        Counts.parse(
            subprocess.run(
                [*_VALGRIND, sys.executable, __file__, "--turn", variant, "--calls", str(calls)],
                check=True,
                capture_output=True,
                text=True,
            ).stderr
        )
        for calls in (_FEWER, _MORE)
    )
    return more.less(fewer, _MORE - _FEWER)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Count and print; or make the calls that are counted.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--turn", choices=VARIANTS, help="make calls of one variant alone")
    parser.add_argument("--calls", type=int, default=_MORE)
    options = parser.parse_args(arguments)
    if options.turn:
        run_turn(options.turn, options.calls)
        return 0
    print("| added to a call, in thousands | instructions | code not at hand | data not at hand |")
    print("|---|--:|--:|--:|")
    plain = count(PLAIN)
    print(f"| (the call itself) | {plain.row()} |", flush=True)
    for variant in VARIANTS[1:]:
        print(f"| {variant} | {count(variant).less(plain).row()} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
