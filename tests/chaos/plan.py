"""
What goes wrong, and for which message: drawn from a seed, so that the same seed does it again.

Every fault is drawn by itself, so that in thousands of messages each meets each.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

from chaos.orders import LIBRARIES, Order
from linq_otel.testing import Answer, Scenario, Step


if TYPE_CHECKING:
    from collections.abc import Sequence


T = TypeVar("T")

MALFORMED = ("trace_{hex:.12}", "{hex:.14}g{hex:.17}")
# Seconds a try may take; only an app whose answer is held back is in a hurry.
PATIENT, IMPATIENT = 10.0, 2.0
HEAD_START = 0.05

DROPPED, HUNG = Answer(drop=True, accept=True), Answer(hang=True, accept=True)
LIMITED = Answer(429, code=1007, retry_after=1)
GIVEN_UP = Answer(504, code=4004, accept=True)
_ANSWERS: tuple[tuple[int, tuple[Answer, ...]], ...] = (
    (680, ()),
    (60, (DROPPED,)),
    (20, (HUNG,)),
    (20, (GIVEN_UP,)),
    (20, (Answer(503, code=4004), DROPPED)),
    (60, (LIMITED,)),
    (20, (Answer(409, code=2009),)),
    (40, (Answer(500, code=3006),)),
    (30, (Answer(502, text="<h1>Bad gateway</h1>"), Answer(503, code=4004))),
    (20, (Answer(drop=True, accept=False),)),
    (30, (Answer(503, code=4004),) * 3),
)
_LIVES = (
    (34, ("sent", "delivered")),
    (34, ("sent", "delivered", "read")),
    (12, ("sent", "failed")),
    (8, ("sent", "failed", "delivered")),
    (12, ("sent",)),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """
    An order, and what becomes of it.
    """

    order: Order
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Plan:
    """
    All that is sent, and what becomes of it.

    Attributes:
        senders: For each sender its conversations: what goes to one person, in order.
        duration: Seconds until the last message is sent, if nothing went wrong.
    """

    senders: tuple[tuple[tuple[Planned, ...], ...], ...]
    duration: float

    @property
    def planned(self) -> list[Planned]:
        """
        Every order, by number.
        """
        every = [one for talks in self.senders for talk in talks for one in talk]
        return sorted(every, key=lambda one: one.order.number)


def draw_plan(seed: int, messages: int, senders: int, rate: float) -> Plan:
    """
    Draw a plan.

    Args:
        seed: Of every choice.
        messages: How many orders there are.
        senders: Among how many senders they are divided.
        rate: Messages a second, over all senders.
    """
    chance = random.Random(f"chaos/{seed}")
    moments = _draw_moments(chance, messages, rate)
    talks: dict[int, list[tuple[Planned, ...]]] = defaultdict(list)
    numbers = iter(range(messages))
    for number in numbers:
        talk = [_draw(chance, number, f"+1555{number:07d}", moments[number])]
        if chance.random() < 0.2 and (follower := next(numbers, None)) is not None:
            talk = _continue(chance, talk[0], follower, moments[follower])
        talks[chance.randrange(senders)].append(tuple(talk))
    return Plan(tuple(tuple(talks[n]) for n in range(senders)), moments[-1] if moments else 0.0)


def _draw_moments(chance: random.Random, messages: int, rate: float) -> list[float]:
    """
    Draw when each is sent: steadily, but for a tenth that come in bursts.
    """
    moments = [number / rate for number in range(messages)]
    bursts = [chance.uniform(0, messages / rate) for _ in range(max(1, messages // 200))]
    return sorted(chance.choice(bursts) if chance.random() < 0.1 else at for at in moments)


def _continue(chance: random.Random, opener: Planned, number: int, at: float) -> list[Planned]:
    """
    Let another message follow in the same chat; what opens it goes through.
    """
    follower = _draw(chance, number, opener.order.to, at)
    order = replace(follower.order, operation="chats.messages.send")
    opening = replace(opener.order, operation="chats.create", timeout=PATIENT)
    calm = replace(opener.scenario, answers=())
    return [Planned(opening, calm), replace(follower, order=order)]


def _draw(chance: random.Random, number: int, to: str, at: float) -> Planned:
    answers = _choose(chance, _ANSWERS)
    key = f"order-{number}-{chance.getrandbits(32):08x}" if chance.random() < 0.4 else None
    order = Order(
        number=number,
        to=to,
        operation=chance.choice(("chats.create", "messages.create")),
        library=chance.choice(LIBRARIES),
        key=key,
        at=round(at, 3),
        timeout=IMPATIENT if HUNG in answers else PATIENT,
        is_repeated=key is not None and not answers and chance.random() < 0.1,
    )
    return Planned(order, _draw_scenario(chance, answers))


def _draw_scenario(chance: random.Random, answers: tuple[Answer, ...]) -> Scenario:
    stages = _choose(chance, _LIVES)
    moments = sorted(chance.uniform(0.05, 2.0) for _ in stages)
    overtakes = chance.random() < 0.15
    return Scenario(
        answers=answers,
        steps=tuple(Step(f"message.{s}", at) for s, at in zip(stages, moments, strict=True)),
        service="SMS" if stages == ("sent",) else "iMessage",
        duplicates=_choose(chance, ((60, 0), (25, 1), (10, 2), (5, 3))),
        shuffle=chance.random() < 0.25,
        overtake=overtakes,
        head_start=HEAD_START if overtakes and chance.random() < 0.7 else None,
        own_trace_ids=chance.random() < 0.25,
        malformed_trace_ids=(chance.choice(MALFORMED),) if chance.random() < 0.08 else (),
        forged=chance.random() < 0.08,
    )


def _choose(chance: random.Random, weighted: Sequence[tuple[int, T]]) -> T:
    weights, values = zip(*weighted, strict=True)
    return cast("T", chance.choices(values, weights)[0])
