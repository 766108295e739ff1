"""
A long soak: ``python -m bounds.soak --lifecycles 1000000``.

It prints what the process holds ten times on its way, and fails if the second half of the
messages made it hold more than the first half had.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import TYPE_CHECKING, Final

from bounds.lives import Usage, open_soak
from linq_otel.stores.memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Sequence


_MEGABYTE: Final = 1_000_000
# Objects of Python's are counted to the last one. The memory they lie in is given and taken in
# pieces of megabytes, and a run of a million ended one piece (4.2 MB) above its middle.
_MOST_BLOCKS: Final = 1.001
_MOST_GROWTH: Final = 8 * _MEGABYTE


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run it; returns 1 if anything grew.
    """
    options = _read(arguments)
    logging.disable(logging.CRITICAL)
    began, usages = time.monotonic(), [Usage.now()]
    _say("lifecycles", "seconds", "MB", "blocks", "files", "threads")
    with open_soak(MemoryStore(size=options.size)) as (soak, drawn):
        lived = 0
        for part in range(1, 11):
            upto = options.lifecycles * part // 10
            for number in range(lived, upto):
                soak.live(number)
            lived = upto
            usages.append(Usage.now())
            _show(lived, time.monotonic() - began, usages[-1])
    begin, half, end = usages[0], usages[5], usages[-1]
    at = [f"{usage.resident / _MEGABYTE:.1f} MB" for usage in (begin, half, end)]
    sys.stdout.write(
        f"{drawn.count:,} spans; at first {at[0]}, half-way {at[1]}, at last {at[2]}\n"
    )
    has_grown = end.resident - half.resident > _MOST_GROWTH
    has_grown |= end.blocks > half.blocks * _MOST_BLOCKS
    has_leaked = (end.descriptors, end.threads) != (half.descriptors, half.threads)
    return 1 if has_grown or has_leaked else 0


def _show(lifecycles: int, seconds: float, usage: Usage) -> None:
    resident = f"{usage.resident / _MEGABYTE:.1f}"
    counts = (usage.blocks, usage.descriptors, usage.threads)
    _say(f"{lifecycles:,}", f"{seconds:,.0f}", resident, *(f"{each:,}" for each in counts))


def _say(*cells: str) -> None:
    sys.stdout.write("".join(f"{cell:>12}" for cell in cells) + "\n")
    sys.stdout.flush()


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bounds.soak", description=__doc__)
    parser.add_argument("--lifecycles", type=int, default=1_000_000, help="how many messages")
    parser.add_argument(
        "--size", type=int, default=MemoryStore.DEFAULT_SIZE, help="how many keys the store keeps"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
