"""
The figures as tables, whoever shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from linq_otel._times import format_time_ns


if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping

    from ._figures import Figures


_HOUR_NS: Final = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table of figures.

    Attributes:
        name: One word, ``verdicts``.
        title: A line for people.
        columns: The names of its columns.
        rows: Its rows, in order.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def to_dicts(self) -> list[Mapping[str, Any]]:
        """
        Return its rows with the names of the columns.
        """
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def build_tables(figures: Figures) -> tuple[Table, ...]:
    """
    Return every table, the one that matters most first.
    """
    return (
        _table("summary", "Summary", ("figure", "value"), _summary(figures)),
        _table("verdicts", "Was it delivered?", ("provider", "operation", "delivery", "calls"),
               _rows(figures.calls)),
        _table("statuses", "What was answered", ("provider", "status", "calls"),
               _rows(figures.statuses)),
        _table("throttled", "Which limit was met", ("provider", "limit", "calls"),
               _rows(figures.throttled)),
        _table("exhausted", "Limits that reached zero", ("provider", "limit", "first", "calls"),
               [(provider, limit, format_time_ns(first)[:19] + "Z", count)
                for (provider, limit), (count, first) in sorted(figures.exhausted.items())]),
        _table("errors", "What went wrong", ("provider", "error", "calls"), _rows(figures.errors)),
        _table("sources", "Who triggered it", ("source", "calls"), sorted(figures.sources.items())),
        _table("attempts", "Attempts", ("attempt", "calls"), sorted(figures.attempts.items())),
        _table("webhooks", "Webhooks per hour", ("from", "hour", "per hour", "calls"),
               [(sender, format_time_ns(start)[:16] + "Z",
                 round(count * _HOUR_NS / figures.stretch_ns, 2), count)
                for (sender, start), count in sorted(figures.webhooks.items())]),
        _table("limits", "Least that was left",
               ("provider", "from", "remaining", "daily_remaining"),
               [(provider, format_time_ns(start)[:16] + "Z", point.remaining, point.daily_remaining)
                for (provider, start), point in sorted(figures.limits.items())]),
    )  # fmt: skip


def _table(
    name: str, title: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> Table:
    return Table(name, title, columns, tuple(rows))


def _rows(counts: Counter[Any]) -> list[tuple[Any, ...]]:
    ranked: list[tuple[Any, int]] = sorted(counts.items(), key=_by_size)
    return [(*key, count) for key, count in ranked]


def _by_size(pair: tuple[Any, int]) -> tuple[int, Any]:
    return -pair[1], pair[0]


def _summary(figures: Figures) -> list[tuple[str, Any]]:
    total = figures.total
    waits = sorted(figures.waits_ms)
    return [
        ("calls", total),
        ("first", format_time_ns(figures.first_ns) if figures.first_ns is not None else None),
        ("last", format_time_ns(figures.last_ns) if figures.last_ns is not None else None),
        ("not delivered", figures.failed),
        ("error ratio", round(figures.failed / total, 4) if total else None),
        ("accepted", figures.count("accepted")),
        ("unconfirmed", figures.count("unconfirmed")),
        ("without a trace id", figures.without_trace_id),
        ("median wait from message.received, ms", waits[len(waits) // 2] if waits else None),
    ]
