"""
The figures an admin looks at, counted from the rows themselves.

Backfilled spans reach no metrics: a generator of metrics drops what is older than seconds. So the
figures come from the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._entries import Entry


_MINUTE_NS: Final = 60_000_000_000
_HOUR_NS: Final = 3_600_000_000_000
_STRETCHES_AT_MOST: Final = 1_000
_WEBHOOK: Final = "webhook"
_BUCKETS_AT_MOST: Final = 60
_HANDED_OVER: Final = ("message.inbound", "message.log")
_ARRIVED: Final = "message.received"
_WAIT_NS: Final = 120_000_000_000


@dataclass(slots=True)
class LimitPoint:
    """
    The least that was left of a limit in one stretch of time.
    """

    remaining: int | None = None
    daily_remaining: int | None = None

    def note(self, remaining: int | None, daily_remaining: int | None) -> None:
        """
        Keep the lesser of each.
        """
        self.remaining = _lesser(self.remaining, remaining)
        self.daily_remaining = _lesser(self.daily_remaining, daily_remaining)


def _lesser(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


@dataclass(slots=True)
class Figures:
    """
    Counts over entries.

    Attributes:
        calls: By provider, operation and verdict.
        statuses: By provider and HTTP status, ``none`` where no answer came.
        sources: By who triggered them.
        attempts: By the number of the attempt.
        throttled: By provider and limit, ``burst``, ``daily`` or ``unknown``.
        errors: By provider and the CRM's word for the error.
        limits: By provider and minute: the least that was left.
        exhausted: By provider and limit, ``burst`` or ``daily``, that reached zero: how many
            answers said so, and when the first did.
        webhooks: By sender, ``linq`` or the CRM, and the start of each stretch of time.
        stretch_ns: How long such a stretch is: an hour, or more of them in a long time.
        waits_ms: From Linq's ``message.received`` to the hand-off, in the same trace.
        without_trace_id: Rows whose answer held no trace id.
        first_ns: The first of them.
        last_ns: The last of them.
    """

    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    sources: Counter[str] = field(default_factory=Counter[str])
    attempts: Counter[int] = field(default_factory=Counter[int])
    throttled: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    errors: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    limits: dict[tuple[str, int], LimitPoint] = field(
        default_factory=dict[tuple[str, int], LimitPoint]
    )
    exhausted: dict[tuple[str, str], tuple[int, int]] = field(
        default_factory=dict[tuple[str, str], "tuple[int, int]"]
    )
    webhooks: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    stretch_ns: int = _HOUR_NS
    waits_ms: list[int] = field(default_factory=list[int])
    without_trace_id: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    _arrived: dict[str, int] = field(default_factory=dict[str, int])
    _step_ns: int = _MINUTE_NS

    @property
    def total(self) -> int:
        """
        How many calls there were.
        """
        return self.calls.total()

    @property
    def failed(self) -> int:
        """
        How many were not delivered: rejected, throttled, partial or unknown.
        """
        bad = {"rejected", "throttled", "partial", "unknown"}
        return sum(count for (_, _, delivery), count in self.calls.items() if delivery in bad)

    def count(self, verdict: str) -> int:
        """
        How many calls have this verdict.
        """
        return sum(count for (_, _, held), count in self.calls.items() if held == verdict)

    def note(self, entry: Entry) -> None:
        """
        Count one entry; to be called oldest first.
        """
        provider, outcome = entry.provider, entry.outcome
        self.calls[provider, entry.operation, outcome.delivery] += 1
        self.statuses[provider, str(entry.status or "none")] += 1
        self.sources[entry.source] += 1
        self.attempts[entry.attempt or 1] += 1
        self.without_trace_id += entry.crm_trace is None and entry.linq_trace_id is None
        if outcome.delivery == "throttled":
            self.throttled[provider, outcome.throttled_by or "unknown"] += 1
        if outcome.error_code is not None and len(self.errors) < 1_000:  # noqa: PLR2004  # Bounded.
            self.errors[provider, outcome.error_code] += 1
        moment = entry.moment.unix_ns
        self.first_ns = _lesser(self.first_ns, moment)
        self.last_ns = max(self.last_ns or moment, moment)
        if entry.rate_limit.is_known:
            self._note_limit(entry)
        if entry.provider == _WEBHOOK or entry.direction == "inbound":
            self.note_webhook("linq" if entry.provider == _WEBHOOK else provider, moment)
        self._note_wait(entry)

    def note_webhook(self, sender: str, moment: int) -> None:
        """
        Count one webhook at its time, in nanoseconds.
        """
        self.webhooks[sender, moment // self.stretch_ns * self.stretch_ns] += 1
        if len(self.webhooks) > _STRETCHES_AT_MOST:
            self.stretch_ns *= 2
            merged: Counter[tuple[str, int]] = Counter()
            for (name, start), count in self.webhooks.items():
                merged[name, start // self.stretch_ns * self.stretch_ns] += count
            self.webhooks = merged

    def _note_limit(self, entry: Entry) -> None:
        limit = entry.rate_limit
        for name, left in (("burst", limit.remaining), ("daily", limit.daily_remaining)):
            if left == 0:
                count, first = self.exhausted.get((entry.provider, name), (0, entry.moment.unix_ns))
                self.exhausted[entry.provider, name] = count + 1, first
        step = self._step_ns
        key = (entry.provider, entry.moment.unix_ns // step * step)
        point = self.limits.setdefault(key, LimitPoint())
        point.note(entry.rate_limit.remaining, entry.rate_limit.daily_remaining)
        if len(self.limits) > _BUCKETS_AT_MOST * 8:
            self._coarsen()

    def _coarsen(self) -> None:
        self._step_ns *= 2
        merged: defaultdict[tuple[str, int], LimitPoint] = defaultdict(LimitPoint)
        for (provider, start), point in self.limits.items():
            key = (provider, start // self._step_ns * self._step_ns)
            merged[key].note(point.remaining, point.daily_remaining)
        self.limits = dict(merged)

    def _note_wait(self, entry: Entry) -> None:
        if entry.linq_trace_id is None:
            return
        moment = entry.moment.unix_ns
        if entry.event_type == _ARRIVED:
            if len(self._arrived) > 10_000:  # noqa: PLR2004  # Bounded: the oldest are long over.
                self._arrived = {
                    key: at for key, at in self._arrived.items() if moment - at < _WAIT_NS
                }
            self._arrived[entry.linq_trace_id] = moment
        elif entry.operation in _HANDED_OVER:
            arrived = self._arrived.pop(entry.linq_trace_id, None)
            if arrived is not None and len(self.waits_ms) < 100_000:  # noqa: PLR2004  # Bounded.
                self.waits_ms.append((moment - arrived) // 1_000_000)


def count_figures(entries: Iterable[Entry]) -> Figures:
    """
    Count *entries*, which come oldest first.
    """
    figures = Figures()
    for entry in entries:
        figures.note(entry)
    return figures
