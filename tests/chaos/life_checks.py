"""
What is promised of each message: one life, whole, and nothing in it that is not its own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.excuses import (
    Rule,
    find_excuse,
    find_excuse_of_sender,
    find_ignorance,
    is_between_tries,
    may_be_lost,
)
from chaos.places import Place, stage_id


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos.arrivals import Arrival
    from chaos.balancer import Forward
    from chaos.case import Case
    from chaos.findings import Findings
    from chaos.messages import Message, Told


ONE_ANCHOR = "every message has exactly one life"
JOINED = "everything of a message is in its life"
ONCE = "each stage is drawn once per life"
WHOLE = "each stage that was told is drawn"
HANDLED = "each delivery's handler is drawn once"
IN_TIME = "no stage begins before its life"


def check_lives(case: Case, findings: Findings) -> None:
    """
    Check the life of each message.
    """
    for message_id, message in case.messages.items():
        of_it = case.by_message.get(message_id, [])
        anchors = [one for one in of_it if one.span.name == "linq message"]
        _check_anchors(case, findings, message, anchors)
        stages = [one for one in of_it if one.span.name.startswith("message ")]
        _check_stages(case, findings, message, stages)
        runs = [one for one in of_it if one.span.name.startswith("process ")]
        _check_handlers(case, findings, message, runs)
        _check_times(case, findings, message, anchors, stages)


def place_of(case: Case, arrival: Arrival) -> Place:
    """
    Return where a stage or a handler's run is drawn; with ``join=link`` a link says so.
    """
    span = arrival.span
    if case.join == "link" and span.name.startswith("process "):
        lives = [link for link in span.links if link.attributes.get("linq.link") == "lifecycle"]
        return Place(lives[0].otel_trace_id, lives[0].span_id) if lives else Place("", "")
    return Place(span.otel_trace_id, span.parent_span_id or "")


def _check_anchors(
    case: Case, findings: Findings, message: Message, anchors: Sequence[Arrival]
) -> None:
    found = {Place(one.span.otel_trace_id, one.span.span_id) for one in anchors}
    if message.answered is None:
        findings.excuse(Rule.UNANSWERED, message)
        findings.judge(ONE_ANCHOR, not found, "nobody knew it, yet it has an anchor", message)
        return
    excused = dict(_second_lives(case, message))
    for place in found & excused.keys():
        findings.excuse(excused[place], message)
    text = f"its anchors are {sorted(found)}, not {message.home} alone"
    is_one = found - excused.keys() == {message.home}
    findings.judge(ONE_ANCHOR, is_one, text, message, tuple(anchors))


def _second_lives(case: Case, message: Message) -> Iterator[tuple[Place, Rule]]:
    """
    Give the lives a sender may begin that sends again and cannot ask whether it did before.
    """
    for repeat, place in message.repeats:
        rule = find_excuse_of_sender(case, repeat, until=repeat.began)
        if rule is not None and place != message.home:
            yield place, rule


def _check_stages(
    case: Case, findings: Findings, message: Message, stages: Sequence[Arrival]
) -> None:
    drawn = Counter((place_of(case, one), one.span.name) for one in stages)
    for (place, name), count in drawn.items():
        text = f"{name} is drawn {count} times in {place}"
        findings.judge(ONCE, count == 1, text, message, tuple(stages))
    for one in stages:
        stage, place = one.span.name.removeprefix("message "), place_of(case, one)
        if stage == "accepted":
            is_at_home = place == message.home or place in dict(_second_lives(case, message))
            findings.judge(JOINED, is_at_home, f"accepted is in {place}", message, (one,))
            continue
        is_its_own = one.span.span_id == stage_id(place, stage)
        of_stage = [each for each in message.told.values() if each.stage == stage]
        forwards = [(each, forward) for each in of_stage for forward in each.forwards]
        is_joined = is_its_own and _is_placed(case, findings, message, place, forwards)
        findings.judge(JOINED, is_joined, f"{stage} is in {place}", message, tuple(stages))
    names = {one.span.name for one in stages}
    if message.answered is not None:
        text = "its acceptance is not drawn"
        findings.judge(WHOLE, "message accepted" in names, text, message, tuple(stages))
    for told in message.told.values():
        if any(_is_safe(case, forward) for forward in told.forwards):
            text = f"{told.event_type} was told, and is not drawn"
            is_drawn = f"message {told.stage}" in names
            findings.judge(WHOLE, is_drawn, text, message, tuple(stages))


def _check_handlers(
    case: Case, findings: Findings, message: Message, runs: Sequence[Arrival]
) -> None:
    for told in message.told.values():
        of_event = [a for a in runs if a.span.attributes.get("linq.event.id") == told.event_id]
        for one in of_event:
            forwards = [(told, forward) for forward in _forwards_behind(case, told, one)]
            place = place_of(case, one)
            text = f"{one.span.name} is in {place}"
            is_joined = _is_placed(case, findings, message, place, forwards)
            findings.judge(JOINED, is_joined, text, message, (one,))
        _count_handlers(case, findings, message, told, of_event)


def _count_handlers(
    case: Case, findings: Findings, message: Message, told: Told, runs: Sequence[Arrival]
) -> None:
    drawn = Counter(one.run for one in runs)
    for run in {forward.run for forward in told.forwards}:
        there = [forward for forward in told.forwards if forward.run == run]
        safe = sum(_is_safe(case, forward) for forward in there)
        if drawn[run] < len(there) and safe < len(there):
            findings.excuse(Rule.KILLED, message)
        text = f"{told.event_type} came to {run} {len(there)} times and is drawn {drawn[run]} times"
        is_counted = safe <= drawn[run] <= len(there)
        findings.judge(HANDLED, is_counted, text, message, tuple(runs))


def _check_times(
    case: Case,
    findings: Findings,
    message: Message,
    anchors: Sequence[Arrival],
    stages: Sequence[Arrival],
) -> None:
    """
    Only a shared store tells a receiver when a life began.
    """
    pairs = [(told, f) for told in message.told.values() for f in told.forwards]
    if len(anchors) != 1 or any(find_ignorance(case, message, *pair) for pair in pairs):
        return
    for one in stages:
        is_in_time = one.span.start_ns >= anchors[0].span.start_ns
        text = f"{one.span.name} begins before its anchor"
        findings.judge(IN_TIME, is_in_time, text, message, (anchors[0], one))


def _is_placed(
    case: Case,
    findings: Findings,
    message: Message,
    place: Place,
    forwards: Sequence[tuple[Told, Forward]],
) -> bool:
    """
    Answer whether *place* is the message's life, or where one of *forwards* may be drawn instead.
    """
    if place == message.home:
        return True
    for told, forward in forwards:
        rule = None
        if place == case.fallback(message, told):
            rule = find_excuse(case, message, told, forward)
        elif message.home is not None and place.anchor_id == message.home.anchor_id:
            rule = Rule.RETRIED if is_between_tries(case, message, forward) else None
        if rule is not None:
            findings.excuse(rule, message, place)
            return True
    return False


def _forwards_behind(case: Case, told: Told, arrival: Arrival) -> list[Forward]:
    """
    Return the deliveries a handler's run may be of: those under way when it began.
    """
    there = [forward for forward in told.forwards if forward.run == arrival.run]
    began = case.moment(arrival.run, arrival.span.start_ns)
    under_way = [f for f in there if f.began - 0.01 <= began <= f.ended + 0.01]
    return under_way or there


def _is_safe(case: Case, forward: Forward) -> bool:
    return forward.status is not None and not may_be_lost(case, forward.run, forward.ended)
