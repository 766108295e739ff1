"""
The short form of ``make chaos``: a hundred messages per store through everything that goes wrong.

And proof that its checks can fail: evidence is tampered with, and each promise is found broken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chaos import app_checks, life_checks, span_checks, store_checks
from chaos.case import Case
from chaos.checks import check
from chaos.disturbances import draw_disturbances
from chaos.engines import ENGINES
from chaos.evidence import Evidence, Settings
from chaos.excuses import Rule
from chaos.plan import draw_plan
from chaos.report import print_report
from chaos.run import play


if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.arrivals import Arrival
    from chaos.pauses import Pause
    from support.otlp_processes import Receiver


pytestmark = pytest.mark.slow


SHORT = Settings(messages=100, senders=2, receivers=2, rate=50.0, rounds=1, speed=4.0)
JOINS = {"none": "message", "sqlite": "linq", "redis": "app", "postgresql": "link"}


@pytest.fixture(scope="module")
def find_evidence(
    otlp_agent: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Evidence]:
    """
    Play the short form over a store, once.
    """
    played: dict[str, Evidence] = {}

    def find(store: str) -> Evidence:
        if store not in played:
            otlp_agent.read("/test/session/clear")
            settings = replace(SHORT, store=store, join=JOINS[store])
            played[store] = play(settings, otlp_agent, tmp_path_factory.mktemp(store))
        return played[store]

    return find


class TestShortForm:
    @pytest.mark.parametrize("store", ENGINES)
    def test_store(self, find_evidence: Callable[[str], Evidence], store: str) -> None:
        """
        Over every store, and with another join each, all is as promised.
        """
        case = Case(find_evidence(store))
        findings = check(case)
        print_report(Console(width=120), case, findings)
        assert findings.deviations == []
        assert findings.kept.keys() >= PROMISES - APART


PROMISES = {
    *(app_checks.ACCEPTED, app_checks.HEARD, app_checks.ANSWERED, app_checks.UNHURT),
    *(life_checks.ONE_ANCHOR, life_checks.JOINED, life_checks.ONCE, life_checks.WHOLE),
    *(life_checks.HANDLED, life_checks.IN_TIME),
    *(span_checks.ROOTED, span_checks.WIRED, span_checks.LINKED, span_checks.UNFORGED),
    *(span_checks.VERIFIED, store_checks.HEALED, store_checks.BOUNDED),
}
# Without a store nobody knows when a life began, nor while it is away.
APART = {life_checks.IN_TIME, store_checks.HEALED}


class TestPlan:
    def test_same_seed(self) -> None:
        """
        The same seed injects the same faults, and another seed others.
        """
        settings = replace(SHORT, rounds=2)
        plans = [draw_plan(seed, 200, 3, 25.0) for seed in (7, 7, 8)]
        times = [draw_disturbances(replace(settings, seed=seed)) for seed in (7, 7, 8)]
        assert plans[0] == plans[1] != plans[2]
        assert times[0] == times[1] != times[2]


def without(evidence: Evidence, is_lost: Callable[[Arrival], bool]) -> Evidence:
    """
    Return the evidence as it were if some spans had not arrived.
    """
    return replace(evidence, arrivals=[one for one in evidence.arrivals if not is_lost(one)])


def find_span(evidence: Evidence, name: str, *, verified: bool | None = None) -> Arrival:
    """
    Return a span that no killed receiver exported, and in which the app drew none if it can be.
    """
    parents = {one.span.parent_span_id for one in evidence.arrivals}
    killed = {run for host in evidence.hosts for run in host.killed}
    found = [
        one
        for one in evidence.arrivals
        if one.span.name == name
        and one.run not in killed
        and one.span.attributes.get("linq.webhook.verified") is verified
    ]
    return min(found, key=lambda one: one.span.span_id in parents)


def lose_an_anchor(evidence: Evidence) -> Evidence:
    lost = find_span(evidence, "linq message").span
    return without(evidence, lambda one: one.span.span_id == lost.span_id)


def lose_a_stage(evidence: Evidence) -> Evidence:
    lost = find_span(evidence, "message accepted").span
    return without(evidence, lambda one: one.span.span_id == lost.span_id)


def lose_a_request(evidence: Evidence) -> Evidence:
    lost = find_span(evidence, "POST /v3/chats").span
    return without(evidence, lambda one: one.span.span_id == lost.span_id)


def draw_a_stage_twice(evidence: Evidence) -> Evidence:
    drawn = find_span(evidence, "message sent")
    again = replace(drawn, span=replace(drawn.span, span_id="0123456789abcdef"))
    return replace(evidence, arrivals=[*evidence.arrivals, again])


def tear_a_life(evidence: Evidence) -> Evidence:
    torn = find_span(evidence, "process message.sent", verified=True)
    apart = replace(torn, span=replace(torn.span, otel_trace_id="ab" * 16, parent_span_id=None))
    return replace(evidence, arrivals=[apart if one is torn else one for one in evidence.arrivals])


def join_a_lie(evidence: Evidence) -> Evidence:
    lie = find_span(evidence, "process message.read", verified=False)
    anchor = find_span(evidence, "linq message").span
    joined = replace(lie.span, otel_trace_id=anchor.otel_trace_id, parent_span_id=anchor.span_id)
    return replace(
        evidence,
        arrivals=[replace(one, span=joined) if one is lie else one for one in evidence.arrivals],
    )


def send_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, accepted=[*evidence.accepted, evidence.accepted[-1]])


def answer_something_else(evidence: Evidence) -> Evidence:
    first, *others = evidence.forwards
    return replace(evidence, forwards=[replace(first, is_as_due=False), *others])


def answer_late(evidence: Evidence) -> Evidence:
    *others, last = evidence.forwards
    return replace(evidence, forwards=[*others, replace(last, began=last.ended - 2.5)])


class TestChecks:
    @pytest.mark.parametrize(
        ("tamper", "promises"),
        [
            (lose_an_anchor, {life_checks.ONE_ANCHOR, span_checks.ROOTED}),
            (lose_a_stage, {life_checks.WHOLE}),
            (lose_a_request, {span_checks.WIRED}),
            (draw_a_stage_twice, {life_checks.ONCE, life_checks.JOINED}),
            (tear_a_life, {life_checks.JOINED}),
            (join_a_lie, {span_checks.UNFORGED, span_checks.LINKED}),
            (send_twice, {app_checks.ACCEPTED}),
            (answer_something_else, {app_checks.ANSWERED}),
            (answer_late, {store_checks.BOUNDED}),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_they_can_fail(
        self,
        find_evidence: Callable[[str], Evidence],
        tamper: Callable[[Evidence], Evidence],
        promises: set[str],
    ) -> None:
        """
        What is tampered with is found, and nothing else.
        """
        findings = check(Case(tamper(find_evidence("none"))))
        assert {deviation.promise for deviation in findings.deviations} == promises

    def test_excuses_are_not_free(self, find_evidence: Callable[[str], Evidence]) -> None:
        """
        Without an outage to blame, what was drawn apart while the store was away is a deviation.
        """

        class Blameless(Case):
            def pauses_of(self, run: str) -> list[Pause]:
                return []

        findings = check(Blameless(find_evidence("redis")))
        assert Rule.AWAY not in findings.excused
        assert life_checks.JOINED in {deviation.promise for deviation in findings.deviations}
