"""
Where texts stopped on their way to a CRM: the path an engineer walks, walked.

Rows without an id in common are different people's texts, and each of them ended somewhere. Each
verdict has one place on that path and one thing to do next; both are said in a table.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from linq_otel._times import format_time_ns

from ._providers import load_providers


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ._entries import Delivery, Entry
    from ._providers import Provider, Providers


_RECEIVED: Final = "message.received"
_ARRIVED: Final = frozenset({"delivered", "accepted"})
_STEPS_AT_MOST: Final = 50
_REMEMBERED: Final = 100_000
_NO_CONTENT: Final = 204
_PLACE: Final = re.compile(r"(?:.*[/\\])?([^/\\]+:\d{1,12})", re.DOTALL)
# Ids that many texts share: of a person, not of a text.
_SHARED: Final = ("contact_id", "conversation_id", "location_id", "phone_hash")
_NAMED: Final = ("message_id", "alt_id", "contact_id", "conversation_id", "record_id")

_STOPPED: Final = {
    "unconfirmed": "{crm} answered {status} {empty}and named no message: it may have added none",
    "partial": "{crm} took a part of it",
    "rejected": "{crm} refused it: {status} {code}",
    "throttled": "{crm} let no more calls through ({limit} limit)",
    "unknown": "nobody knows: {status} {code}",
    "delivered": "delivered: {crm} has it as message {message}",
    "accepted": "{status}: accepted, {grounds}",
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
        provider: The CRM.
        status: The HTTP status.
        delivery: The verdict.
        entry_id: The row's own id.
        place: File and line.
        attempt: Which attempt it was; None where the request is not shown, so that none can tell.
        ids: What names it: the CRM's ids and Linq's trace id.
        skew_ms: How far the clock of the answer is from the row's time, if over five minutes.
    """

    time: str
    title: str
    provider: str
    status: int | None
    delivery: str
    entry_id: str | None
    place: str
    attempt: int | None
    ids: Mapping[str, str]
    skew_ms: int | None


@dataclass(frozen=True, slots=True)
class Ending:
    """
    One way in which texts ended.

    Attributes:
        delivery: The verdict.
        texts: How many ended so.
        stopped: Where, in one sentence.
        advice: What to do next.
        place: File and line of the latest of them.
    """

    delivery: Delivery
    texts: int
    stopped: str
    advice: str
    place: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Where texts stopped.

    Attributes:
        stopped: The place, in one sentence.
        advice: What to do next.
        texts: How many texts were handed over; attempts of one are one.
        lost: How many of them did not arrive, or are not confirmed.
        endings: How they ended, those that did not arrive first.
        steps: The hand-offs that were looked at, the latest last; no more than 50.
        crms: How many of the texts went to each CRM.
        arrivals: How many texts came in at Linq, as far as the rows tell.
        first: The start of what was looked at.
        last: Its end.
    """

    stopped: str
    advice: str
    texts: int
    lost: int
    endings: tuple[Ending, ...]
    steps: tuple[Step, ...]
    crms: Mapping[str, int]
    arrivals: int
    first: str | None
    last: str | None

    @property
    def is_delivered(self) -> bool:
        """
        True if every text arrived, as far as the rows tell.
        """
        return self.texts > 0 and self.lost == 0


class _Kind(NamedTuple):
    """
    What endings have in common that are told as one.
    """

    provider: str
    delivery: Delivery
    status: int | None
    limit: str | None
    code: str | None
    is_shown: bool


class _Texts:
    """
    Counts texts by how they ended, an attempt in place of the one before it.
    """

    def __init__(self) -> None:
        self.endings: Counter[_Kind] = Counter()
        self.latest: dict[_Kind, Entry] = {}
        self._ended: OrderedDict[object, _Kind] = OrderedDict()

    def add(self, entry: Entry, asked: frozenset[str]) -> None:
        """
        Count one hand-off.
        """
        kind = _kind_of(entry)
        keys = list(_keys_of(entry, asked))
        before = next((self._ended[key] for key in keys if key in self._ended), None)
        if before is not None:
            if before.delivery in _ARRIVED and kind.delivery != "delivered":
                return  # What is there stays there.
            self.endings[before] -= 1
        self.endings[kind] += 1
        self.latest[kind] = entry
        for key in keys:
            self._ended[key] = kind
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)


def _kind_of(entry: Entry) -> _Kind:
    outcome = entry.outcome
    return _Kind(
        entry.provider,
        outcome.delivery,
        entry.status,
        outcome.throttled_by,
        outcome.error_code,
        entry.response.size is not None,
    )


def _keys_of(entry: Entry, asked: frozenset[str]) -> Iterator[object]:
    """
    Yield what the hand-offs of one text share.
    """
    place = (entry.provider, entry.operation)
    if asked & _own_ids_of(entry):
        yield (*place, "asked")
    for name in (entry.linq_trace_id, entry.ids.get("alt_id")):
        if name is not None:
            yield (*place, name)
    if (_attempt_of(entry) is not None or entry.outcome.is_failure) and entry.request.size:
        yield entry.retry_key


def _attempt_of(entry: Entry) -> int | None:
    """
    Return which attempt a call was, unless its request is not shown: then it may be any text.
    """
    return entry.attempt if entry.request.size else None


def find_answer(entries: Iterable[Entry], provider: Provider | None, ids: frozenset[str]) -> Answer:
    """
    Walk the path of texts to *provider*.

    Args:
        entries: What was read, oldest first.
        provider: The CRM that is asked about; any if None.
        ids: Ids of which a row must hold one; any row if there are none.
    """
    providers = load_providers()
    first = last = None
    arrivals, is_known = 0, False
    texts = _Texts()
    latest: deque[Entry] = deque(maxlen=_STEPS_AT_MOST)
    for entry in entries:
        first, last = first or entry, entry
        if ids and not ids & ids_of(entry):
            continue
        is_known = True
        arrivals += entry.event_type == _RECEIVED
        table = provider or providers.find_named(entry.provider)
        if table is None or entry.provider != table.name or entry.operation not in table.texts:
            continue
        if entry.outcome.delivery != "not_applicable":
            texts.add(entry, ids)
            latest.append(entry)
    window = tuple(format_time_ns(one.moment.unix_ns) if one else None for one in (first, last))
    if not latest:
        nothing = _nothing_found(provider, arrivals, window[0], window[1])
        if not ids or first is None or is_known:
            return nothing
        advice = "Look for another id of it: --id rows.csv:4 names a row by its file and line."
        return replace(nothing, stopped="no row has such an id", advice=advice)
    titles = {name: _title_of(name, providers) for name in {kind.provider for kind in texts.latest}}
    endings = tuple(
        _end(texts.latest[kind], count, titles[kind.provider])
        for kind, count in sorted(texts.endings.items(), key=_rank)
        if count
    )
    crms: Counter[str] = Counter()
    for kind, count in texts.endings.items():
        crms[titles[kind.provider]] += count
    total = crms.total()
    lost = sum(one.texts for one in endings if one.delivery not in _ARRIVED)
    stopped, advice = endings[0].stopped, endings[0].advice
    if total > 1:
        stopped, advice = _sum_up(endings, total, crms)
    steps = tuple(map(_describe, latest))
    return Answer(
        stopped, advice, total, lost, endings, steps, dict(+crms), arrivals, window[0], window[1]
    )


def _title_of(name: str, providers: Providers) -> str:
    table = providers.find_named(name)
    return table.title if table else name


def _rank(counted: tuple[_Kind, int]) -> tuple[bool, int]:
    kind, count = counted
    return kind.delivery in _ARRIVED, -count


def _sum_up(endings: tuple[Ending, ...], total: int, crms: Mapping[str, int]) -> tuple[str, str]:
    counts: Counter[str] = Counter()
    for one in endings:
        counts[one.delivery] += one.texts
    ends = ", ".join(f"{count} {delivery}" for delivery, count in counts.most_common())
    stopped = f"{total} texts were handed to {' and '.join(sorted(crms))}: {ends}"
    advice = f"Name one of them: --id {endings[0].place}, or an id of its message or trace."
    return stopped, advice


def _own_ids_of(entry: Entry) -> frozenset[str]:
    """
    Return the ids that name this call, and not all calls about one person.
    """
    found = [
        entry.entry_id,
        entry.request_id,
        entry.linq_trace_id,
        entry.event_id,
        entry.place.name,
    ]
    found += [entry.crm_trace.raw if entry.crm_trace else None]
    found += [one for name, one in entry.ids.items() if name not in _SHARED]
    return frozenset(one.lower() for one in found if one)


def normalize_id(asked: str) -> str:
    """
    Return an id as :func:`ids_of` has it; of ``logs/rows.csv:4`` the folder does not count.
    """
    place = _PLACE.fullmatch(asked.strip().lower())
    return place[1] if place else asked.strip().lower()


def ids_of(entry: Entry) -> frozenset[str]:
    """
    Return every id *entry* can be asked for by, in lower case; ``rows.csv:4`` is one.
    """
    shared = [entry.ids[name].lower() for name in _SHARED if name in entry.ids]
    return _own_ids_of(entry).union(shared)


def _nothing_found(
    provider: Provider | None, arrivals: int, first: str | None, last: str | None
) -> Answer:
    crm = provider.title if provider else "any CRM"
    if first is None:
        stopped, advice = "there is no row to look at", "Give a file that covers the time."
        return Answer(stopped, advice, 0, 0, (), (), {}, 0, None, None)
    stopped = f"no row between {first} and {last} hands a text to {crm}"
    advice = (
        "Linq received a text and did not hand it over: check the integration is connected."
        if arrivals
        else "It never left Linq, or happened outside that window: give rows that cover the time."
    )
    return Answer(stopped, advice, 0, 0, (), (), {}, arrivals, first, last)


def _describe(entry: Entry) -> Step:
    ids = {name: entry.ids[name] for name in _NAMED if name in entry.ids}
    if entry.linq_trace_id is not None:
        ids["linq_trace_id"] = entry.linq_trace_id
    return Step(
        time=format_time_ns(entry.moment.unix_ns),
        title=entry.title,
        provider=entry.provider,
        status=entry.status,
        delivery=entry.outcome.delivery,
        entry_id=entry.entry_id,
        place=entry.place.name,
        attempt=_attempt_of(entry),
        ids=ids,
        skew_ms=entry.skew_ms,
    )


def _find_grounds(entry: Entry) -> str:
    if entry.status == _NO_CONTENT:
        return "and the answer has no content"
    if entry.response.size is None:
        return "as far as the table tells"
    return "and the answer names no message"


def _end(entry: Entry, texts: int, crm: str) -> Ending:
    outcome = entry.outcome
    words = {
        "crm": crm,
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
    return Ending(outcome.delivery, texts, stopped, advice.format(**words), entry.place.name)
