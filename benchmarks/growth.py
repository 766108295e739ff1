"""
Does an operation cost more, the more a store holds?

::

    python benchmarks/growth.py --engine sqlite --sizes 10000,1000000,10000000

fills an engine to each size, and asks the store for origins and has it save others, all over the
range of keys. The sizes take turns, so that what else the machine does falls on all of them alike.
It prints the cost of each operation in microseconds: its median, and its best round, each with the
ratio to the first size. It writes the same as JSON if told where to.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final


_ROOT = Path(__file__).resolve().parents[1]
# The servers are the ones the tests start.
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from engines import ENGINES  # noqa: E402  # Needs the path.
from numbered_origins import Numbered  # noqa: E402  # As above.

from linq_otel._runtime import build_tracing  # noqa: E402  # As above.
from linq_otel._settings import Settings  # noqa: E402  # As above.


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engines import Filled

    from linq_otel._origins import Origin

    Costs = dict[str, list[float]]
    """Microseconds of an operation, in each round, by its name."""


MOST_GROWTH: Final = 1.3
_HOT: Final = 1_000


class Workload:
    """
    The operations on one store; each call does one round of them, and returns microseconds each.

    Each is measured twice: as the app pays for it, through the guard that bounds what a store may
    cost, and by the store alone.
    """

    def __init__(self, filled: Filled, batch: int, seed: int) -> None:
        self.filled = filled
        self._batch = batch
        self._dice = random.Random(seed)
        self._hot = [self._any() for _ in range(_HOT)]
        # The guard gives up on a store that is slow, and would be measured instead.
        settings = Settings.read({"store": filled.store, "store_timeout": 5.0})
        keeper = build_tracing(settings).origins
        self.operations: dict[str, Callable[[], float]] = {}
        for who, find, save in (
            ("app", keeper.find, keeper.keep),
            ("store", lambda keys: filled.store.find(*keys), filled.store.save),
        ):
            self.operations |= {
                f"{who}: find any": partial(self._find, find, self._any),
                f"{who}: find hot": partial(self._find, find, self._warm),
                f"{who}: find none": partial(self._find, find, self._new),
                f"{who}: save": partial(self._save, save),
            }
        self.close = keeper.close

    def check(self) -> None:
        """
        See that the store reads what was filled in as if it had written it.
        """
        for origin in (self._any() for _ in range(100)):
            found = self.filled.store.find(*origin.keys)
            assert found == (origin.keys[0], origin), found

    def _any(self) -> Origin:
        return self.filled.origins.origin(self._dice.randrange(self.filled.origins.size))

    def _warm(self) -> Origin:
        return self._dice.choice(self._hot)

    def _new(self) -> Origin:
        message, trace, key = (f"{self._dice.getrandbits(128):032x}" for _ in range(3))
        return self.filled.origins.make(message, trace, key)

    def _find(self, find: Callable[[tuple[str, ...]], object], pick: Callable[[], Origin]) -> float:
        return self._time(find, [pick().keys for _ in range(self._batch)])

    def _save(self, save: Callable[[Origin], object]) -> float:
        return self._time(save, [self._new() for _ in range(self._batch)])

    def _time(self, work: Callable[[Any], object], arguments: Sequence[object]) -> float:
        began = time.perf_counter()
        for argument in arguments:
            work(argument)
        return (time.perf_counter() - began) / self._batch * 1e6


def measure(all_filled: Sequence[Filled], rounds: int, batch: int) -> list[Costs]:
    """
    Run *rounds* of each operation on each store, in turns.
    """
    workloads = [Workload(filled, batch, seed) for seed, filled in enumerate(all_filled)]
    taken: list[Costs] = [{name: [] for name in each.operations} for each in workloads]
    turns, dice = list(range(len(workloads))), random.Random(0)
    for workload in workloads:
        workload.check()
    for number in range(rounds + 1):
        for name in workloads[0].operations:
            dice.shuffle(turns)
            for turn in turns:
                cost = workloads[turn].operations[name]()
                if number:  # The first round opens connections and prepares statements.
                    taken[turn][name].append(cost)
    for workload in workloads:
        workload.close()
    return taken


def summarize(filled: Filled, costs: Costs, first: Costs) -> dict[str, Any]:
    """
    Return the figures of one size, with their ratios to the *first* size.
    """
    operations: dict[str, Any] = {}
    for name, values in costs.items():
        low, middle, high = quantiles(values, n=4)
        operations[name] = {
            "us": round(middle, 1),
            "quartiles": [round(low, 1), round(high, 1)],
            "best": round(min(values), 1),
            "ratio": round(middle / median(first[name]), 2),
            # What else the machine does can only add: the best rounds are the least disturbed.
            "best_ratio": round(min(values) / min(first[name]), 2),
        }
    size, keys = filled.origins.size, filled.origins.keys
    weight = filled.weight // size
    return {"origins": size, "keys": keys, "bytes_per_origin": weight, "operations": operations}


def show(engine: str, figures: dict[str, Any]) -> None:
    """
    Print the figures of one size.
    """
    size, keys, weight = (figures[name] for name in ("origins", "keys", "bytes_per_origin"))
    print(f"\n{engine}, {size:,} origins under {keys} keys, {weight} bytes each")
    print(
        f"  {'microseconds':18}{'median':>9}  {'quartiles':17}{'ratio':>6}{'best':>9}{'ratio':>7}"
    )
    for name, each in figures["operations"].items():
        low, high = each["quartiles"]
        mark = "  grows" if min(each["ratio"], each["best_ratio"]) > MOST_GROWTH else ""
        print(
            f"  {name:18}{each['us']:9.1f}  {f'{low:.1f} to {high:.1f}':17}{each['ratio']:6.2f}"
            f"{each['best']:9.1f}{each['best_ratio']:7.2f}{mark}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Fill, measure and report.
    """
    options = _parse(arguments)
    # Ten million origins are not left behind, and no server is, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        began = time.monotonic()
        sets = [Numbered(size, options.keys) for size in options.sizes]
        with ENGINES[options.engine](sets, Path(folder)) as all_filled:
            print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
            taken = measure(all_filled, options.rounds, options.batch)
    found = [
        summarize(filled, costs, taken[0]) for filled, costs in zip(all_filled, taken, strict=True)
    ]
    for figures in found:
        show(options.engine, figures)
    if options.json:
        options.json.write_text(
            json.dumps({"engine": options.engine, "sizes": found}, indent=1) + "\n"
        )
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--sizes", type=_sizes, default=[10_000, 1_000_000], help="1000,20000")
    parser.add_argument("--keys", type=int, choices=(2, 3), default=3, help="of each origin")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--batch", type=int, default=50, help="operations in a round")
    parser.add_argument("--folder", help="where the files go, if not into the system's own")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


if __name__ == "__main__":
    raise SystemExit(main())
