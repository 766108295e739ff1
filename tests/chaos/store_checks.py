"""
What is promised of a store that is away: it costs little, and is asked again once it is back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.pauses import HEALED_SECONDS


if TYPE_CHECKING:
    from chaos.case import Case
    from chaos.findings import Findings


HEALED = "a store that is back is asked again"
BOUNDED = "no webhook waits for a store"
# Less than the drivers' own time-outs: whoever waited for a server took longer.
_LONGEST_SECONDS = 2.0


def check_store(case: Case, findings: Findings) -> None:
    """
    Check what each process did without its store.
    """
    for run in case.hosts:
        for pause in case.pauses_of(run):
            # One that was cut short by the end of its process says nothing.
            seconds = pause.ended - max([pause.began, *_returns(case, pause.began, pause.ended)])
            is_healed = seconds <= HEALED_SECONDS
            text = f"{run} did not ask its store for {seconds:.1f} s after it worked again"
            findings.judge(HEALED, is_healed, text)
    for forward in case.evidence.forwards:
        seconds = forward.ended - forward.began
        text = f"{forward.run} took {seconds:.2f} s to answer event {forward.event_id}"
        findings.judge(BOUNDED, seconds <= _LONGEST_SECONDS, text)


def _returns(case: Case, began: float, ended: float) -> list[float]:
    return [one.ended for one in case.evidence.outages if began <= one.ended <= ended]
