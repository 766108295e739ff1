"""
What must be as without us: what Linq took on, what senders heard, what apps answered and said.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.excuses import may_be_lost
from chaos.orders import TRIES


if TYPE_CHECKING:
    from chaos.case import Case
    from chaos.findings import Findings
    from chaos.plan import Planned


ACCEPTED = "Linq takes on as many messages as without us"
HEARD = "senders hear what they hear without us"
ANSWERED = "apps answer as without us"
UNHURT = "no exception in any app"
_RETRIED = {408, 409, 429}
_FAILURES = {"httpx": "HTTPStatusError"}
_NO_ANSWER = {"httpx": "RemoteProtocolError"}


def check_apps(case: Case, findings: Findings) -> None:
    """
    Compare the apps with what they do without us.
    """
    _check_sends(case, findings)
    _check_answers(case, findings)
    for run, host in case.hosts.items():
        said = (host.folder / f"{run}.err").read_text(errors="replace")
        is_unhurt = not any(word in said for word in ("Traceback", "Exception", "rror:"))
        findings.judge(UNHURT, is_unhurt, f"{run} said:\n{said[-4000:]}")


def _check_sends(case: Case, findings: Findings) -> None:
    taken = Counter((*accepted.to, accepted.operation) for accepted in case.evidence.accepted)
    heard = Counter((outcome.number, outcome.result) for outcome in case.evidence.outcomes)
    for one in case.evidence.plan.planned:
        order = one.order
        count, result = expect(one, carrier=case.evidence.settings.carrier)
        found = taken[order.to, order.operation]
        text = f"order {order.number} was taken on {found} times, not {count}"
        findings.judge(ACCEPTED, found == count, text)
        times = 1 + (order.is_repeated)
        results = {name: n for (number, name), n in heard.items() if number == order.number}
        text = f"order {order.number} heard {results}, not {result} {times} times"
        findings.judge(HEARD, results == {result: times}, text)


def expect(planned: Planned, *, carrier: bool = False) -> tuple[int, str]:
    """
    Return how often Linq takes an order on, and what its sender hears.

    A carrier is an idempotency key, so the SDK's retries no longer send twice.
    """
    answers, library = planned.scenario.answers[:TRIES], planned.order.library
    accepted = sum(answer.is_accepted for answer in answers)
    if len(answers) == TRIES:
        result = _FAILURES.get(library, "InternalServerError")
    else:
        accepted, result = accepted + 1, "accepted"
    has_key = planned.order.key is not None or (carrier and library != "httpx")
    return (min(accepted, 1) if has_key else accepted), result


def _check_answers(case: Case, findings: Findings) -> None:
    for forward in case.evidence.forwards:
        if forward.status is None and may_be_lost(case, forward.run, forward.ended):
            continue
        text = f"{forward.run} answered {forward.status} to event {forward.event_id}"
        findings.judge(ANSWERED, forward.is_as_due, text)
