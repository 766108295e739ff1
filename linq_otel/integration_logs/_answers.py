"""
Where a text stopped on its way to a CRM: the path an engineer walks, walked.

Each verdict has one place on that path and one thing to do next; both are said in a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel._times import format_time_ns


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._entries import Entry
    from ._providers import Provider


HAND_OVERS: Final = ("message.inbound", "message.log", "message.send", "message.outbound")
_ARRIVED: Final = "message.received"
_STEPS_AT_MOST: Final = 50
_NO_CONTENT: Final = 204
ARRIVED: Final = frozenset({"delivered", "accepted"})

_STOPPED: Final = {
    "unconfirmed": "{crm} answered {status} {empty}and named no message: it may have added none",
    "partial": "{crm} took a part of it",
    "rejected": "{crm} refused it: {status} {code}",
    "throttled": "{crm} let no more calls through ({limit} limit)",
    "unknown": "nobody knows: {status} {code}",
    "delivered": "delivered: {crm} has it as message {message}",
    "accepted": "{status}: accepted, {grounds}",
    "not_applicable": "the call handed nothing over",
}
_NEXT: Final = {
    "unconfirmed": "Check the provider id in Linq's settings of the integration: without it "
    "GoHighLevel answers 201 and adds nothing. Then look in the conversation.",
    "partial": "Look up the record that failed by its error code.",
    "rejected": "Correct what the error names; a 422 may have made the contact all the same.",
    "throttled": "Wait for the limit to pass, then see whether a later attempt was delivered.",
    "unknown": "Look in {crm} by message or contact: the text may be there all the same.",
    "delivered": "Look in {crm} for that message: it may hang on another contact or channel.",
    "accepted": "Paste the response panel to be sure: a CRM may answer so to a text it drops.",
    "not_applicable": "Look for the hand-off itself.",
}
_NEXT_BY_STATUS: Final = {
    401: "Connect the integration again: its token is invalid or expired.",
    403: "The token may not see this location: connect the right account.",
    404: "The contact or conversation is gone in {crm}: sync it again.",
}
_NEXT_BY_LIMIT: Final = {
    "burst": "The burst limit passes within seconds: see whether a later attempt was delivered.",
    "daily": "The daily quota is used up: nothing goes through until it is renewed.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """
    One hand-off that was found.

    Attributes:
        time: When, RFC 3339 in UTC.
        title: Method and template.
        status: The HTTP status.
        delivery: The verdict.
        entry_id: The row's own id.
        place: File and line.
        attempt: Which attempt it was.
    """

    time: str
    title: str
    status: int | None
    delivery: str
    entry_id: str | None
    place: str
    attempt: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Where a text stopped.

    Attributes:
        stopped: The place, in one sentence.
        advice: What to do next.
        steps: The hand-offs that were looked at, the latest last.
        arrivals: How many texts came in at Linq, as far as the rows tell.
        first: The start of what was looked at.
        last: Its end.
    """

    stopped: str
    advice: str
    steps: tuple[Step, ...]
    arrivals: int
    first: str | None
    last: str | None

    @property
    def is_delivered(self) -> bool:
        """
        True if the latest hand-off was delivered, as far as its row tells.
        """
        return bool(self.steps) and self.steps[-1].delivery in ARRIVED


def find_answer(entries: Iterable[Entry], provider: Provider | None, ids: frozenset[str]) -> Answer:
    """
    Walk the path of a text to *provider*.

    Args:
        entries: What was read, oldest first.
        provider: The CRM that is asked about; any if None.
        ids: Ids of which a row must hold one; any row if there are none.
    """
    name = provider.name if provider else None
    first = last = None
    arrivals = 0
    latest: list[Entry] = []
    for entry in entries:
        first, last = first or entry, entry
        if ids and not ids & ids_of(entry):
            continue
        arrivals += entry.event_type == _ARRIVED
        if entry.operation in HAND_OVERS and (name is None or entry.provider == name):
            latest = [*latest[1 - _STEPS_AT_MOST :], entry]
    window = tuple(format_time_ns(one.moment.unix_ns) if one else None for one in (first, last))
    if not latest:
        return _nothing_found(provider, arrivals, window[0], window[1])
    steps = tuple(map(_describe, latest))
    stopped, advice = _explain(latest[-1], provider)
    return Answer(stopped, advice, steps, arrivals, window[0], window[1])


def ids_of(entry: Entry) -> frozenset[str]:
    """
    Return every id *entry* can be asked for by, in lower case.
    """
    found = [entry.entry_id, entry.request_id, entry.linq_trace_id, entry.event_id]
    found += [entry.crm_trace.raw if entry.crm_trace else None, *entry.ids.values()]
    return frozenset(one.lower() for one in found if one)


def _nothing_found(
    provider: Provider | None, arrivals: int, first: str | None, last: str | None
) -> Answer:
    crm = provider.title if provider else "any CRM"
    if first is None:
        return Answer(
            "there is no row to look at", "Give a file that covers the time.", (), 0, None, None
        )
    stopped = f"no row between {first} and {last} hands a text to {crm}"
    advice = (
        "Linq received a text and did not hand it over: check the integration is connected."
        if arrivals
        else "It never left Linq, or happened outside that window: give rows that cover the time."
    )
    return Answer(stopped, advice, (), arrivals, first, last)


def _describe(entry: Entry) -> Step:
    return Step(
        time=format_time_ns(entry.moment.unix_ns),
        title=entry.title,
        status=entry.status,
        delivery=entry.outcome.delivery,
        entry_id=entry.entry_id,
        place=f"{entry.place.file}:{entry.place.line}",
        attempt=entry.attempt,
    )


def _find_grounds(entry: Entry) -> str:
    if entry.status == _NO_CONTENT:
        return "and the answer has no content"
    if entry.response.size is None:
        return "as far as the table tells"
    return "and the answer names no message"


def _explain(entry: Entry, provider: Provider | None) -> tuple[str, str]:
    outcome = entry.outcome
    words = {
        "crm": provider.title if provider else entry.provider,
        "status": entry.status or "no answer",
        "code": outcome.error_code or outcome.error_message or "",
        "limit": outcome.throttled_by or "unknown",
        "message": entry.ids.get("message_id") or entry.ids.get("record_id") or "(no id)",
        "empty": "" if entry.response.size else "with an empty body ",
        "grounds": _find_grounds(entry),
    }
    advice = _NEXT[outcome.delivery]
    if outcome.delivery == "accepted" and (entry.response.size or entry.status == _NO_CONTENT):
        advice = _NEXT["delivered"]
    if outcome.delivery == "rejected":
        advice = _NEXT_BY_STATUS.get(entry.status or 0, advice)
    if outcome.throttled_by is not None:
        advice = _NEXT_BY_LIMIT[outcome.throttled_by]
    stopped = " ".join(_STOPPED[outcome.delivery].format(**words).split())
    return stopped, advice.format(**words)
