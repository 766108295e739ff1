"""
What becomes of a span that is too old for the backend it goes to.

A message may be read days after it was sent. Some backends take a span of any
age; others refuse it, or have closed the trace it belongs to. Which limit a
backend documents stands here, with its source; what is done about it is the
operator's choice, and no stage is lost without a sign.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final, Literal, get_args


if TYPE_CHECKING:
    from ._lifecycle import StageTimes


Action = Literal["keep", "clamp", "link"]

_MICROSECOND: Final = 1_000
# What exporting and a collector on the way may take.
_MARGIN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class LatePolicy:
    """
    What to do about spans of a life that come late.

    Attributes:
        action: ``keep`` draws them as they are; ``clamp`` moves what is too old
            to the oldest time the backend takes; ``link`` leaves a life alone
            that is older, and joins what comes then by links.
        seconds: The age from which it is done.
    """

    action: Action = "keep"
    seconds: float = inf

    def is_closed(self, began_at: int) -> bool:
        """
        Tell whether a life that began at *began_at*, Unix nanoseconds, takes no more spans.
        """
        return self.action == "link" and time.time_ns() - began_at > self.seconds * 1e9

    def fit(self, times: StageTimes) -> StageTimes:
        """
        Return *times*, moved to what the backend takes if they are too old for it.
        """
        if self.action != "clamp":
            return times
        margin = min(_MARGIN_SECONDS, self.seconds / 2)
        oldest = time.time_ns() - round((self.seconds - margin) * 1e9)
        if times.start >= oldest:
            return times
        return replace(times, start=oldest, end=max(times.end, oldest + _MICROSECOND))


_HOUR: Final = 3600.0

LATE_POLICIES: Final[dict[str, LatePolicy]] = {
    # Each as its documentation says it.
    "jaeger": LatePolicy(),
    "tempo": LatePolicy(),
    "grafana-cloud": LatePolicy(),
    "honeycomb": LatePolicy(),
    "otlp": LatePolicy(),
    # https://docs.datadoghq.com/tracing/troubleshooting/: up to 18 hours in the past.
    "datadog": LatePolicy("clamp", 18 * _HOUR),
    # https://docs.dynatrace.com/docs/ingest-from/opentelemetry: the end at most 60 minutes old.
    "dynatrace": LatePolicy("clamp", 1 * _HOUR),
    # https://www.dash0.com/documentation, quotas and limits: six hours.
    "dash0": LatePolicy("clamp", 6 * _HOUR),
    # https://www.sumologic.com/help/docs/apm/traces: 24 hours, and 24 hours a trace.
    "sumologic": LatePolicy("clamp", 24 * _HOUR),
    # https://docs.newrelic.com, how distributed tracing works: a trace is closed after 90 s.
    "newrelic": LatePolicy("link", 90.0),
}
"""What each backend takes; names as in ``late=``."""

LATE_CHOICES: Final = (*get_args(Action), *sorted(LATE_POLICIES))
"""What ``late=`` may be."""


def choose_late_policy(late: str, after: float | None) -> LatePolicy:
    """
    Return the policy that the options name.

    Args:
        late: One of :data:`LATE_CHOICES`.
        after: Seconds, in place of the backend's; for ``clamp`` and ``link``
            alone the default is Datadog's 18 hours.
    """
    policy = LATE_POLICIES.get(late)
    if policy is None:
        seconds = inf if late == "keep" else LATE_POLICIES["datadog"].seconds
        policy = LatePolicy(_ACTIONS[late], seconds)
    return policy if after is None or policy.action == "keep" else replace(policy, seconds=after)


_ACTIONS: Final[dict[str, Action]] = {"keep": "keep", "clamp": "clamp", "link": "link"}
