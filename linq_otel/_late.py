"""
What becomes of a span that is too old for the backend it goes to.

A message may be read days after it was sent. Some backends take a span of any
age; others refuse it, or have closed the trace it belongs to. Which limit a
backend documents stands in the table of backends; what is done about it is the
operator's choice, and no stage is lost without a sign.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final, get_args

from ._backends import BACKENDS, Action


if TYPE_CHECKING:
    from ._lifecycle import StageTimes


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


LATE_POLICIES: Final[dict[str, LatePolicy]] = {
    name: LatePolicy(
        backend.late_action,
        inf
        if backend.late is None or backend.late_action == "keep"
        else backend.late.total_seconds(),
    )
    for name, backend in BACKENDS.items()
}
"""What each backend takes."""

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
