"""
Fuzzes for as long as it is told to: ``python -m fuzz --seconds 600``.

Each input has a number, which says all there is to say of it: an input that fails is made again
by ``python -m fuzz --first NUMBER --inputs 1``.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from fuzz.targets import TURNS, open_targets


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzz.targets import Target


MOST_CPU_SECONDS: Final = 2.0
"""What one input may cost; the longest body among them has a million bytes."""

_HANGING_SECONDS: Final = 120
_AT_ONCE: Final = 1_000


@dataclass
class Tally:
    """
    What became of one target's inputs.
    """

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_number: int = 0

    def add(self, number: int, seconds: float) -> None:
        """
        Count input *number*, which took *seconds* of the processor.
        """
        self.inputs += 1
        self.seconds += seconds
        if seconds > self.slowest:
            self.slowest, self.slowest_number = seconds, number


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run it; returns 1 at the first input that fails.
    """
    options = _read(arguments)
    tallies = {name: Tally() for name in sorted(set(TURNS))}
    numbers = islice(count(options.first), options.inputs)
    with tempfile.TemporaryDirectory() as folder, open_targets(Path(folder)) as targets:
        began = time.monotonic()
        is_sound = True
        while is_sound and time.monotonic() - began < options.seconds:
            faulthandler.dump_traceback_later(_HANGING_SECONDS, exit=True, file=sys.__stderr__)
            batch = list(islice(numbers, _AT_ONCE))
            is_sound = bool(batch) and all(_try(n, targets, tallies) for n in batch)
        faulthandler.cancel_dump_traceback_later()
        found_nothing = is_sound or not batch
    _show(tallies, time.monotonic() - began)
    return 0 if found_nothing else 1


def _try(number: int, targets: Mapping[str, Target], tallies: Mapping[str, Tally]) -> bool:
    name = TURNS[number % len(TURNS)]
    began = time.process_time()
    try:
        targets[name](Random(number))
        seconds = time.process_time() - began
        assert seconds < MOST_CPU_SECONDS, f"it took {seconds:.1f} s"
    except Exception:  # Whatever it is, it is a find.
        traceback.print_exc(limit=-8)
        sys.stdout.write(f"{name}: again with `python -m fuzz --first {number} --inputs 1`\n")
        return False
    tallies[name].add(number, seconds)
    return True


def _show(tallies: Mapping[str, Tally], seconds: float) -> None:
    sys.stdout.write(f"{'target':<10}{'inputs':>12}{'each':>10}{'slowest':>10}  its number\n")
    for name, tally in tallies.items():
        each = tally.seconds / max(tally.inputs, 1)
        sys.stdout.write(
            f"{name:<10}{tally.inputs:>12,}{each * 1e6:>7,.0f} us{tally.slowest * 1e3:>7,.0f} ms"
            f"  {tally.slowest_number}\n"
        )
    inputs = sum(tally.inputs for tally in tallies.values())
    sys.stdout.write(f"{inputs:,} inputs in {seconds:,.0f} s\n")


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (default 600)")
    parser.add_argument("--inputs", type=int, help="how many at most")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
