"""
When a process asked its store nothing: what it said itself, with the times of its own log.

A store that takes too long is left alone until it works again. That is as documented; what is
checked is that it happens for a reason and ends soon.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.disturbances import Outage


HEALED_SECONDS: Final = 15.0
"""
By when a store that works is believed again, at the second question on a busy machine: the longest
pause between two is 5 s, and a question takes 2 s at most.
"""
_LINE = re.compile(r"(\d+\.\d+) (\d+) (looking up|saving) origins (is paused|works again)")


@dataclass(frozen=True, slots=True)
class Pause:
    """
    One of them, by the monotonic clock.

    Attributes:
        began: When the process stopped to ask.
        ended: When it asked again, or was killed, or was over.
        is_over: False if it never asked again.
        is_outage: True if the store was away, or had been shortly before.
    """

    began: float
    ended: float
    is_over: bool
    is_outage: bool

    def overlaps(self, began: float, ended: float) -> bool:
        """
        Answer whether some of it was between the two.
        """
        return self.began <= ended and began <= self.ended


def read_pauses(said: str, behind: float, end: float, outages: Sequence[Outage]) -> list[Pause]:
    """
    Read the pauses of one run of a host.

    Args:
        said: Its standard error.
        behind: What to take from its wall clock for the monotonic time.
        end: When the run ended, at the latest.
        outages: When the store was away.
    """
    open_since: dict[tuple[str, str], float] = {}
    found: list[tuple[float, float, bool]] = []
    for moment, pid, doing, what in _LINE.findall(said):
        at = float(moment) - behind
        if what == "is paused":
            open_since[pid, doing] = at
        elif (pid, doing) in open_since:
            found.append((open_since.pop((pid, doing)), at, True))
    found += [(began, end, False) for began in open_since.values()]
    return [Pause(*one, is_outage=_is_during(one[0], outages)) for one in sorted(found)]


def _is_during(began: float, outages: Sequence[Outage]) -> bool:
    # A store that has just come back may be slow for a while: a database recovers.
    return any(one.began <= began <= one.ended + 1.0 for one in outages)
