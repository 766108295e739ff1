"""
How two ways of doing the same are compared on a machine that does other work as well.

They take turns in small batches, over many rounds, in an order that changes: what else the machine
does then falls on all of them alike. What is told is the ratio of each round, its median and its
quartiles, and what it costs is processor time, so that waiting for a turn costs nothing.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    Costs = dict[str, list[float]]
    """Microseconds of one operation, in each round, by the name of who did it."""

    Terms = Mapping[str, int]
    """Who is added up, and with which sign."""


_MICROSECONDS: Final = 1e6
# Part of the rounds that were disturbed least, by which the second figure of a ratio goes.
_QUIET: Final = 0.1


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How much is measured.

    Attributes:
        rounds: Times each variant has its turn.
        batch: Operations in a turn.
        is_short: True where every line is to run, and none need be exact.
    """

    rounds: int = 60
    batch: int = 40
    is_short: bool = False

    def scale(self, whole: int, short: int) -> int:
        """
        Return *whole*, or *short* in the short form.
        """
        return short if self.is_short else whole


@dataclass(frozen=True, slots=True)
class Spread:
    """
    A figure: its median over the rounds, and its quartiles.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """
        Return the spread of *values*.
        """
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)


@dataclass(frozen=True, slots=True)
class Found:
    """
    What was found, and the same of the rounds that were disturbed least.
    """

    spread: Spread
    quiet: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of the report.

    Attributes:
        name: What it is asked for by, as ``send, sampled``.
        against: What it is compared with.
        found: The ratio, or the figure if there is a *unit*, over all rounds.
        goal: What it should be at most, or None if it is told for comparison only.
        is_floor: True if it should be *goal* at least.
        unit: Empty for a ratio.
        costs: Medians of what the ratio was made of, by name.
        points: Of a curve: each x with its spread.
    """

    name: str
    against: str
    found: Found
    goal: float | None = None
    is_floor: bool = False
    unit: str = ""
    costs: Mapping[str, float] = field(default_factory=dict)
    points: tuple[tuple[float, Spread], ...] = ()

    @property
    def is_met(self) -> bool | None:
        """
        True if the median is as it should be.
        """
        if self.goal is None:
            return None
        figure = self.found.spread.median
        return figure >= self.goal if self.is_floor else figure <= self.goal


@dataclass(frozen=True, slots=True)
class Variant:
    """
    One way to do it.

    Attributes:
        run: Does it once for each thing it is given.
        prepare: Makes the things, outside of what is measured.
        within: What is entered around a turn, outside of what is measured.
    """

    run: Callable[[Sequence[Any]], object]
    prepare: Callable[[int], Sequence[Any]] = range
    within: Callable[[], AbstractContextManager[object]] = nullcontext

    def time(self, batch: int, clock: Callable[[], float]) -> float:
        """
        Return the microseconds of one operation.
        """
        with self.within():
            # What was patched or has not run for a while is warmed up: the interpreter learns.
            self.run(self.prepare(max(batch // 2, 1)))
            given = self.prepare(batch)
            began = clock()
            self.run(given)
            return (clock() - began) / batch * _MICROSECONDS


def interleave(
    variants: Mapping[str, Variant],
    rounds: int,
    batch: int,
    clock: Callable[[], float] = time.process_time,
) -> Costs:
    """
    Give each of *variants* its turn in each of *rounds*; one more goes before, and is not counted.
    """
    taken: Costs = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name in order_of(list(variants), number):
            cost = variants[name].time(batch, clock)
            if number:
                taken[name].append(cost)
    return taken


def order_of(names: list[str], number: int) -> list[str]:
    """
    Return the order of a round: each comes first and last, and after each other one.
    """
    start = number // 2 % len(names)
    turned = names[start:] + names[:start]
    return turned[::-1] if number % 2 else turned


def compare(costs: Costs, above: Terms, below: Terms) -> Found:
    """
    Return the ratio of two sums: what is in *above* as a part of what is in *below*.

    ``{"ours": 1, "plain": -1}`` is what ours adds.
    """
    pairs = zip(_sum(costs, above), _sum(costs, below), strict=True)
    # A round in which nothing at all was measured below says nothing.
    ratios = [one / other for one, other in pairs if other > 0] or [float("nan")]
    lower = _quiet_sum(costs, below)
    quiet = _quiet_sum(costs, above) / lower if lower > 0 else float("nan")
    return Found(Spread.of(ratios), quiet)


def find_sum(costs: Costs, terms: Terms) -> Found:
    """
    Return the sum itself, in microseconds.
    """
    return Found(Spread.of(_sum(costs, terms)), _quiet_sum(costs, terms))


def added(name: str, plain: str) -> Terms:
    """
    Return what *name* costs above *plain*.
    """
    return {name: 1, plain: -1}


def medians(costs: Costs) -> dict[str, float]:
    """
    Return the median of each.
    """
    return {name: median(values) for name, values in costs.items()}


def _sum(costs: Costs, terms: Terms) -> list[float]:
    rounds = range(len(next(iter(costs.values()))))
    return [sum(costs[name][number] * sign for name, sign in terms.items()) for number in rounds]


def _quiet_sum(costs: Costs, terms: Terms) -> float:
    return sum(_quiet(costs[name]) * sign for name, sign in terms.items())


def _quiet(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * _QUIET)]
