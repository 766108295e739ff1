"""
Which webhooks an endpoint is to be shown, in which order, and what is wrong with some on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from linq_otel.testing._state._clock import NANOSECONDS, SimulatedClock
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._messages import OWN_LINE
from linq_otel.testing._state._scenario import Scenario, get_scenario
from linq_otel.testing._webhooks._events import EVENT_TYPES, NEWEST, ONLY_NEWEST, Event
from linq_otel.testing._webhooks._samples import AFTER, moment_of, sample_bodies
from linq_otel.testing._webhooks._subjects import SOMEONE, Subject
from linq_otel.testing._webhooks._timeline import plan


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.testing._state._messages import Message


UNKNOWN: Final = "unknown"
"""Stands for an event type that Linq has yet to invent."""
UNKNOWN_TYPE: Final = "simulated.made_up"
WRONG_SIGNATURE: Final = "forged"
NO_SIGNATURE: Final = "unsigned"
OLD_SIGNATURE: Final = "replayed"
BROKEN_BODY: Final = "broken"
# What is sent once, before all else, however much of the rest is forged.
_FLAWS: Final = {
    None: (WRONG_SIGNATURE, OLD_SIGNATURE, BROKEN_BODY),
    True: (NO_SIGNATURE, OLD_SIGNATURE, BROKEN_BODY),
    False: (),
}
_LONGEST_GAP = 5.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    What to show an endpoint.

    Attributes:
        scenarios: Names in ``SCENARIOS``; the webhooks of each are sent.
        events: Event types, each sent once; ``unknown`` for one that does not exist.
        versions: The payload versions.
        duplicates: How many more times each webhook is sent; ``None`` as the scenario has it.
        late: Seconds between what happened and its webhooks.
        out_of_order: Send them in another order than they happened.
        forged: None sends one with a wrong signature, one that is too old, and one whose body is
            cut off; True one without a signature too, and one with a wrong signature before each;
            False none of these.
        count: How many messages of each scenario, and rounds of the events.
        seed: Of every id and all jitter.
        speed: Simulated seconds per second; 0 means that waits take no time.
        line: Our own number.
        handle: The other's.
    """

    scenarios: tuple[str, ...] = ("read",)
    events: tuple[str, ...] = ()
    versions: tuple[str, ...] = (NEWEST,)
    duplicates: int | None = None
    late: float = 0.0
    out_of_order: bool = False
    forged: bool | None = None
    count: int = 1
    seed: int = 0
    speed: float = 0.0
    line: str = OWN_LINE
    handle: str = SOMEONE


@dataclass(frozen=True, slots=True)
class Trial:
    """
    One webhook to be sent.

    Attributes:
        event: What it tells.
        version: The payload version.
        after: Simulated seconds since its message began.
        copy: 0, or the number of the duplicate.
        flaw: What is wrong with it on purpose, or nothing.
        scenario: The scenario it is of, or nothing.
    """

    event: Event
    version: str
    after: float
    copy: int = 0
    flaw: str = ""
    scenario: str = ""

    @property
    def is_known(self) -> bool:
        """
        Whether Linq has such an event type.
        """
        return self.event.event_type in EVENT_TYPES


def plan_trials(wishes: Wishes, now: float) -> list[list[Trial]]:
    """
    Draw up what is sent: a list for each message, in the order of sending.

    Args:
        wishes: What is asked for.
        now: Seconds since the epoch; where waits take no time, everything has happened by then.
    """
    ids = Ids(wishes.seed)
    rounds = (
        [*_scenarios(wishes, ids, version, number, now), _events(wishes, ids, version, number, now)]
        for number in range(wishes.count)
        for version in wishes.versions
    )
    lives = [life for life in chain.from_iterable(rounds) if life]
    if lives:
        first = replace(lives[0][0], flaw="")
        flawed = [replace(first, flaw=flaw) for flaw in _FLAWS[wishes.forged]]
        lives[0] = [*flawed, *lives[0]]
    return lives


def _scenarios(
    wishes: Wishes, ids: Ids, version: str, number: int, now: float
) -> Iterator[list[Trial]]:
    for name in wishes.scenarios:
        scenario = _altered(get_scenario(name), wishes)
        about = (version, name, number)
        # Where waits take no time, it all has happened by now.
        lasts = 0 if wishes.speed else max((step.after for step in scenario.steps), default=0)
        message = _message(wishes, ids, about, _begin(wishes, now, lasts), scenario)
        clock = SimulatedClock(start=now, speed=wishes.speed)
        trials = [
            Trial(planned.event, version, planned.after, scenario=name)
            for planned in plan(message, scenario, ids, clock.date)
        ]
        yield _repeated(trials, scenario.duplicates, ids, forged=scenario.forged)


def _altered(scenario: Scenario, wishes: Wishes) -> Scenario:
    duplicates = scenario.duplicates if wishes.duplicates is None else wishes.duplicates
    return replace(
        scenario,
        duplicates=duplicates,
        shuffle=scenario.shuffle or wishes.out_of_order,
        forged=scenario.forged or bool(wishes.forged),
    )


def _events(wishes: Wishes, ids: Ids, version: str, number: int, now: float) -> list[Trial]:
    wanted = [one for one in wishes.events if version == NEWEST or one not in ONLY_NEWEST]
    if wishes.out_of_order:
        ids.random("events", version, number).shuffle(wanted)
    # Their message may have been read by now, and none of it lies in the future.
    begun = _begin(wishes, now, max(AFTER.values()))
    trials = [
        Trial(_event(wishes, ids, (version, one, number), begun), version, float(at))
        for at, one in enumerate(wanted)
    ]
    return _repeated(trials, wishes.duplicates or 0, ids, forged=bool(wishes.forged))


def _event(wishes: Wishes, ids: Ids, about: tuple[str, str, int], begun: int) -> Event:
    event_type = UNKNOWN_TYPE if about[1] == UNKNOWN else about[1]
    message = _message(wishes, ids, about, begun, None)
    return Event(
        event_type=event_type,
        event_id=ids.uuid("trial-event", *about),
        created_at=moment_of(message, event_type.rpartition(".")[2]),
        linq_trace_id=message.linq_trace_id,
        bodies=sample_bodies(event_type, message),
        lane=message.id,
    )


def _begin(wishes: Wishes, now: float, lasts: float) -> int:
    return int((now - wishes.late - lasts) * NANOSECONDS)


def _message(
    wishes: Wishes,
    ids: Ids,
    about: tuple[str, str, int],
    begun: int,
    scenario: Scenario | None,
) -> Message:
    linq_trace_id = ids.hex32("trial", *about)
    if scenario is not None and scenario.malformed_trace_ids:
        patterns = scenario.malformed_trace_ids
        linq_trace_id = patterns[about[2] % len(patterns)].format(hex=linq_trace_id)
    return Subject(
        message_id=ids.uuid("trial-message", *about),
        chat_id=ids.uuid("trial-chat", wishes.line, wishes.handle),
        linq_trace_id=linq_trace_id,
        created_at=begun,
        line=wishes.line,
        handle=wishes.handle,
        service="iMessage" if scenario is None else scenario.service,
    ).message()


def _repeated(trials: list[Trial], copies: int, ids: Ids, *, forged: bool) -> list[Trial]:
    more: list[Trial] = []
    for trial in trials:
        if forged:
            more.append(replace(trial, flaw=WRONG_SIGNATURE))
        more.append(trial)
        for copy in range(1, copies + 1):
            gap = ids.random("duplicate", trial.event.event_id, copy).uniform(0.1, _LONGEST_GAP)
            more.append(replace(trial, copy=copy, after=trial.after + gap))
    return sorted(more, key=lambda trial: trial.after)
