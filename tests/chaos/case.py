"""
The evidence, put in order: which spans, requests and deliveries belong to which message.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from chaos.messages import Message, Told
from chaos.orders import key_in, number_in
from chaos.pauses import Pause, read_pauses
from chaos.places import Place, derive_place, place_under


if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos.arrivals import Arrival
    from chaos.balancer import Forward
    from chaos.evidence import Evidence
    from chaos.orders import Outcome
    from linq_otel.testing import ReceivedRequest


class Case:
    """
    The evidence of one run, indexed.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.join = evidence.settings.join
        self.hosts = {run: host for host in evidence.hosts for run in host.names_of_runs}
        self.senders = {
            planned.order.number: f"sender-{number}.1"
            for number, talks in enumerate(evidence.plan.senders)
            for talk in talks
            for planned in talk
        }
        self._pauses: dict[str, list[Pause]] = {}
        self.spans: dict[tuple[str, str], Arrival] = {}
        for arrival in evidence.arrivals:
            key = (arrival.span.otel_trace_id, arrival.span.span_id)
            self.spans.setdefault(key, arrival)
        self.messages = {one.accepted.message_id: one for one in self._find_messages()}
        self._find_told()

    @cached_property
    def true_forwards(self) -> list[Forward]:
        """
        What Linq itself told.
        """
        return [one for one in self.evidence.forwards if not self.is_forged(one)]

    @cached_property
    def by_message(self) -> dict[str, list[Arrival]]:
        """
        The spans of each message's life, by its id.
        """
        found: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in self.spans.values():
            attributes = arrival.span.attributes
            if arrival.span.name.startswith(("linq message", "message ", "process message.")):
                found[str(attributes.get("linq.message.id"))].append(arrival)
        return found

    @cached_property
    def webhooks(self) -> set[tuple[str, str]]:
        """
        The web frameworks' spans of deliveries.
        """
        return {key for key, one in self.spans.items() if one.span.kind == "SERVER"}

    def is_forged(self, forward: Forward) -> bool:
        """
        Answer whether Linq did not sign it.
        """
        return forward.headers["webhook-signature"] in self.evidence.forged

    def pauses_of(self, run: str) -> list[Pause]:
        """
        Return when *run* asked its store nothing.
        """
        if run not in self._pauses:
            host = self.hosts[run]
            said = (host.folder / f"{run}.err").read_text(errors="replace")
            end = host.killed.get(run, self.evidence.ended)
            behind = host.offset + self.evidence.epoch
            self._pauses[run] = read_pauses(said, behind, end, self.evidence.outages)
        return self._pauses[run]

    def moment(self, run: str, nanoseconds: int) -> float:
        """
        Return a time of *run*'s wall clock by the monotonic clock of all.
        """
        return nanoseconds / 1e9 - self.hosts[run].offset - self.evidence.epoch

    def is_carried(self, message: Message, told: Told) -> bool:
        """
        Answer whether the event itself tells which span sent its message.
        """
        is_ours = message.planned.order.key is None and message.planned.order.library != "httpx"
        is_told = told.event_type != "message.failed"
        return self.evidence.settings.carrier and self.join == "app" and is_ours and is_told

    def fallback(self, message: Message, told: Told) -> Place:
        """
        Return where an event is drawn of which no origin is known.
        """
        return derive_place(self.join, told.linq_trace_id, message.accepted.message_id)

    def _find_messages(self) -> list[Message]:
        planned = {
            (one.order.to, str(one.order.operation)): one for one in self.evidence.plan.planned
        }
        found: dict[int, Message] = {}
        earlier: list[Message] = []
        for accepted in self.evidence.accepted:
            one = planned[accepted.to[0], accepted.operation]
            number = one.order.number
            if number in found:
                # Sent twice, because the first answer was lost and there was no key.
                earlier.append(found[number])
            found[number] = Message(one, accepted)
        self._find_answers(found)
        return [*earlier, *found.values()]

    def _find_answers(self, messages: Mapping[int, Message]) -> None:
        """
        Find what the sender of each heard, which is always of the last that was taken on.
        """
        answers: dict[int, list[ReceivedRequest]] = defaultdict(list)
        for request in self.evidence.requests:
            if request.status is not None and request.status < 300:
                answers[number_in(request.body)].append(request)
        outcomes: dict[int, list[Outcome]] = defaultdict(list)
        for outcome in sorted(self.evidence.outcomes, key=lambda one: one.ended):
            outcomes[outcome.number].append(outcome)
        for number, (first, *more) in answers.items():
            message = messages[number]
            message.answered, message.outcome = first, outcomes[number][0]
            message.home = self._find_place(message, first)
            for outcome, request in zip(outcomes[number][1:], more, strict=True):
                place = self._find_place(message, request)
                message.repeats += [(outcome, place)] if place is not None else []

    def _find_place(self, message: Message, answered: ReceivedRequest) -> Place | None:
        message_id = message.accepted.message_id
        if self.join != "app":
            return derive_place(self.join, answered.linq_trace_id, message_id)
        otel_trace_id = self._sent_in.get(answered.linq_trace_id)
        if otel_trace_id is None:
            return None
        return place_under(otel_trace_id, key_in(answered.body), message_id)

    @cached_property
    def _sent_in(self) -> dict[str, str]:
        """
        The trace of the call that was answered under each of Linq's trace ids.
        """
        return {
            str(arrival.span.attributes.get("linq.trace_id")): arrival.span.otel_trace_id
            for arrival in self.spans.values()
            if arrival.span.kind == "PRODUCER"
        }

    def _find_told(self) -> None:
        for forward in self.true_forwards:
            envelope = json.loads(forward.body)
            data = envelope["data"]
            message_id = data.get("message_id") or data.get("id")
            event_type = envelope["event_type"]
            if not event_type.startswith("message.") or message_id not in self.messages:
                continue
            told = Told(forward.event_id, event_type, envelope["trace_id"])
            of_message = self.messages[message_id].told
            of_message.setdefault(forward.event_id, told).forwards.append(forward)
