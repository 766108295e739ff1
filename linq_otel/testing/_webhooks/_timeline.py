"""
From a script to a plan: which event of an accepted message happens when, and is told when.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linq_otel.testing._webhooks._events import Event
from linq_otel.testing._webhooks._payloads import (
    Bodies,
    failed_bodies,
    message_bodies,
    poll_bodies,
    poll_failed_bodies,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq_otel.testing._state._ids import Ids
    from linq_otel.testing._state._messages import Message
    from linq_otel.testing._state._scenario import Scenario, Step


STAGES = ("sent", "delivered", "read")
# Simulated seconds: between two webhooks that change places, and until one that overtakes.
_GAP = 0.5
_OVERTAKEN = 0.001


@dataclass(frozen=True, slots=True)
class Planned:
    """
    An event, its stage of the message's life, and the simulated seconds until it is told.
    """

    event: Event
    stage: str
    after: float


def plan(
    message: Message, scenario: Scenario, ids: Ids, date: Callable[[int, float], int]
) -> tuple[Planned, ...]:
    """
    Draw up all that will happen to a message, in the order it will be told.

    Args:
        message: As accepted.
        scenario: What happens to it.
        ids: Makes the ids of the events.
        date: Says when something happens that begins then and takes so many simulated seconds;
            nanoseconds since the epoch.
    """
    steps = sorted(_possible(message, scenario), key=lambda step: step.after)
    if scenario.overtake and steps:
        # It is told before the send is answered, and has happened by then.
        steps[0] = replace(steps[0], after=min(steps[0].after, _OVERTAKEN))
    times = {_stage(step): date(message.created_at, step.after) for step in steps}
    events = [_event(message, step, times, scenario, ids) for step in steps]
    return tuple(_told(message, scenario, ids, list(zip(steps, events, strict=True))))


def _possible(message: Message, scenario: Scenario) -> list[Step]:
    """
    Without receipts where Linq gets none: over SMS and in groups.
    """
    if message.service != "SMS" and not message.chat.is_group:
        return list(scenario.steps)
    return [step for step in scenario.steps if _stage(step) not in {"delivered", "read"}]


def _told(
    message: Message, scenario: Scenario, ids: Ids, pairs: list[tuple[Step, Event]]
) -> Iterator[Planned]:
    """
    Say when each event is told: as soon as it has happened, or in another order, but not before.
    """
    if scenario.shuffle:
        shuffled = ids.random("shuffle", message.id).sample(pairs, len(pairs))
        pairs = pairs[::-1] if shuffled == pairs else shuffled
    earliest = 0.0
    for step, event in pairs:
        after = max(step.after if step.told_after is None else step.told_after, earliest)
        earliest = after + _GAP if scenario.shuffle else 0.0
        yield Planned(event, _stage(step), after)


def _event(
    message: Message, step: Step, times: dict[str, int], scenario: Scenario, ids: Ids
) -> Event:
    stage = _stage(step)
    at = times[stage]
    return Event(
        event_type=f"{message.kind}.{stage}",
        event_id=ids.uuid("event", message.id, stage),
        created_at=at,
        linq_trace_id=_linq_trace_id(message, stage, scenario, ids),
        bodies=_bodies(message, step, times, at),
        lane=message.id,
        chat_id=message.chat.id,
        line=message.chat.line,
    )


def _bodies(message: Message, step: Step, times: dict[str, int], at: int) -> Bodies:
    stage = _stage(step)
    if stage == "failed":
        failed = poll_failed_bodies if message.kind == "poll" else failed_bodies
        return failed(message, code=step.code, reason=step.reason, at=at)
    known = {s: times[s] for s in STAGES if s in times and times[s] <= at}
    if message.kind == "poll":
        return poll_bodies(message, known)
    return message_bodies(message, stage, known)


def _linq_trace_id(message: Message, stage: str, scenario: Scenario, ids: Ids) -> str:
    if not scenario.own_trace_ids:
        return message.linq_trace_id
    return ids.hex32("event-trace", message.id, stage)


def _stage(step: Step) -> str:
    return step.event.rpartition(".")[2]
