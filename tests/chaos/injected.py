"""
What was injected into a run, counted from what did happen rather than from what was planned.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.orders import TRIES


if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos.case import Case
    from chaos.plan import Planned


_BURST = 3


def count_injected(case: Case) -> Mapping[str, int]:
    """
    Count every fault by its name.
    """
    faults = Counter[str]()
    for one in case.evidence.plan.planned:
        faults.update(_faults_of(one))
    moments = Counter(one.order.at for one in case.evidence.plan.planned)
    faults["messages sent in bursts"] = sum(n for n in moments.values() if n >= _BURST)
    for disturbance in case.evidence.happened:
        faults[disturbance.kind] += 1
    tries = Counter((f.event_id, f.headers["webhook-timestamp"]) for f in case.true_forwards)
    faults["deliveries"] = len(case.evidence.forwards)
    faults["deliveries that were repeats"] = len(tries) - len({event for event, _ in tries})
    faults["deliveries with a forged signature"] = len(case.evidence.forwards) - len(
        case.true_forwards
    )
    faults["deliveries an app refused"] = sum(f.status == 503 for f in case.evidence.forwards)
    faults["deliveries cut off"] = sum(f.status is None for f in case.evidence.forwards)
    faults["hosts whose clock is minutes off"] = sum(h.offset != 0 for h in case.evidence.hosts)
    return faults


def _faults_of(one: Planned) -> list[str]:
    scenario, order = one.scenario, one.order
    taken = [answer for answer in scenario.answers if answer.is_accepted]
    found = {
        "answers lost, the connection cut": any(answer.drop for answer in taken),
        "answers lost, held back until the client gave up": any(answer.hang for answer in taken),
        "answers of failure, though accepted": any(answer.is_failure for answer in taken),
        "sends that fail for good": len(scenario.answers) == TRIES,
        "answers 429 with Retry-After": any(a.status == 429 for a in scenario.answers),
        "answers 5xx or 409": any(a.is_failure and a.status != 429 for a in scenario.answers),
        "sends repeated by the app": order.is_repeated,
        "webhooks that overtake by 50 ms": scenario.overtake and scenario.head_start is not None,
        "webhooks that overtake by far": scenario.overtake and scenario.head_start is None,
        "webhooks in any order": scenario.shuffle,
        "trace ids that differ by event": scenario.own_trace_ids,
        "trace ids that are malformed": bool(scenario.malformed_trace_ids),
    }
    return [name for name, is_so in found.items() if is_so]
