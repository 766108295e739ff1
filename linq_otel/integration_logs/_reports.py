"""
The support bundle: what Linq's support asks for, without the screenshot and without the people.

It is built from entries, which hold nothing secret; it is looked through once more before it is
written, and not written at all if anything is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from typing import TYPE_CHECKING, Any, Final

from linq_otel._origins import store_keys
from linq_otel._times import format_time_ns
from linq_otel._version import __version__
from linq_otel.errors import ConfigurationError, RedactionError

from ._answers import ids_of, normalize_id
from ._api_calls import describe_call
from ._homes import HomeFinder
from ._patterns import find_kinds


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stores import Store

    from ._chronicle import Chronicle
    from ._entries import Entry


_WINDOW_NS: Final = 120_000_000_000
_MATCHES_AT_MOST: Final = 20
_NEIGHBOURS_AT_MOST: Final = 20
_MESSAGE_IDS: Final = ("alt_id", "message_id")
_OTEL_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LOOKED_THROUGH: Final = frozenset({"error_message", "endpoint", "request_body", "response_body"})


class UnknownIdError(ConfigurationError):
    """
    No row and no store knows an id.
    """


@dataclass(frozen=True, slots=True)
class Report:
    """
    What is known of an id.

    Attributes:
        asked: The id asked for.
        calls: The calls it names, oldest first.
        neighbours: Other calls about the same record within two minutes.
        sent: What a store knows of the message, if it knows it.
        missing: What would help, and is not there.
        redactions: How much was taken out while reading, by kind.
        version: Of this package.
    """

    asked: str
    calls: tuple[dict[str, Any], ...]
    neighbours: tuple[dict[str, Any], ...]
    sent: dict[str, Any] | None
    missing: tuple[str, ...]
    redactions: dict[str, int] = field(default_factory=dict[str, int])
    version: str = __version__


def build_report(  # noqa: PLR0913  # All but two have a default.
    asked: str,
    chronicle: Chronicle,
    *,
    zone: tzinfo | None = None,
    store: Store | None = None,
    redactions: dict[str, int] | None = None,
    spans: Sequence[SpanRecord] = (),
) -> Report:
    """
    Gather what is known of *asked*: a Linq or CRM trace id, a row, a request, a message.

    A row has the trace id that an import gave it, too, and a place: ``rows.csv:4``.

    Args:
        asked: The id.
        chronicle: What was read.
        zone: The organisation's, for the times.
        store: Where the origins of sent messages are kept.
        redactions: How much was taken out while reading.
        spans: Calls to Linq that the id names.

    Raises:
        UnknownIdError: No row and no store knows the id.
        RedactionError: Something private is left.
        StoreError: The store refuses.
    """
    wanted = normalize_id(asked)
    names = _names_of_message(wanted, store)
    homes = _Homes(chronicle, store)
    found = [
        entry
        for entry in chronicle
        if not names.isdisjoint(ids_of(entry)) or homes.is_in(entry, wanted)
    ][-_MATCHES_AT_MOST:]
    sent = _find_sent(wanted, found, store)
    if not found and sent is None and not spans:
        raise UnknownIdError(f"no row and no store knows {asked!r}")
    neighbours = _find_neighbours(found, chronicle)
    report = Report(
        asked=asked.strip(),
        calls=(
            *({**describe_call(span), **_in_zone(span.start_ns, zone)} for span in spans),
            *({**describe(entry, zone), **homes.describe(entry)} for entry in found),
        ),
        neighbours=tuple({**describe(one, zone), **homes.describe(one)} for one in neighbours),
        sent=sent,
        missing=tuple(_find_missing(found, sent, has_spans=bool(spans))),
        redactions=redactions or {},
    )
    check(report)
    return report


class _Homes:
    """
    The traces that an import gives to rows.
    """

    def __init__(self, chronicle: Chronicle, store: Store | None) -> None:
        evidence = chronicle.evidence
        self._finders = [
            HomeFinder(evidence, held, by_request_id=by_request_id)
            for held in ((store, None) if store else (None,))
            for by_request_id in (False, True)
        ]
        self._finders[0].learn(chronicle)

    def is_in(self, entry: Entry, otel_trace_id: str) -> bool:
        """
        Tell whether *entry* is in a trace, whichever options it was imported with.
        """
        if _OTEL_TRACE_ID.fullmatch(otel_trace_id) is None:
            return False
        wanted = int(otel_trace_id, 16)
        return any(finder.find(entry).otel_trace_id == wanted for finder in self._finders)

    def describe(self, entry: Entry) -> dict[str, Any]:
        """
        Return the trace of *entry*, and the one it probably belongs to.
        """
        home = self._finders[0].find(entry)
        said: dict[str, Any] = {}
        if home.correlation not in {"exact", "crm"}:  # Those are ids of the row already.
            said["otel_trace_id"] = f"{home.otel_trace_id:032x}"
        if home.links:
            said["probably_of"] = f"{home.links[0].context.trace_id:032x}"
        return said


def _names_of_message(wanted: str, store: Store | None) -> frozenset[str]:
    """
    Return what a message is called, if *wanted* names one that the store knows.
    """
    hit = store.find(*store_keys(wanted, (wanted,), None)) if store else None
    if hit is None:
        return frozenset({wanted})
    _, origin = hit
    names = (wanted, origin.message_id, *origin.linq_trace_ids)
    return frozenset(name.lower() for name in names if name)


def describe(entry: Entry, zone: tzinfo | None) -> dict[str, Any]:
    """
    Return what support is told of one call.
    """
    limit = entry.rate_limit
    whole: dict[str, Any] = {
        "time_utc": format_time_ns(entry.moment.unix_ns),
        **_in_zone(entry.moment.unix_ns, zone),
        "endpoint": f"{entry.method} {entry.target.url}",
        "operation": f"{entry.provider} {entry.operation}",
        "status": entry.status,
        "delivery": entry.outcome.delivery,
        "error_code": entry.outcome.error_code,
        "error_message": entry.outcome.error_message,
        "throttled_by": entry.outcome.throttled_by,
        "source": entry.source,
        "attempt": entry.attempt,
        "duration_ms": entry.duration_ms,
        "linq_trace_id": entry.linq_trace_id,
        "crm_trace_id": entry.crm_trace.raw if entry.crm_trace else None,
        "crm_request_id": entry.request_id,
        "crm_ids": {k: v for k, v in entry.ids.items() if k != "phone_hash"} or None,
        "clock_skew_ms": entry.skew_ms,
        "event_id": entry.event_id,
        "entry_id": entry.entry_id,
        "rate_limit_remaining": limit.remaining,
        "rate_limit_daily_remaining": limit.daily_remaining,
        "request_body": entry.request.body,
        "response_body": entry.response.body,
        "row": entry.place.name,
    }
    return {name: value for name, value in whole.items() if value is not None}


def _in_zone(unix_ns: int, zone: tzinfo | None) -> dict[str, str]:
    if zone is None:
        return {}
    moment = datetime.fromtimestamp(unix_ns // 1_000_000_000, timezone.utc).astimezone(zone)
    return {"time_local": moment.isoformat(sep=" ")}


def _find_sent(wanted: str, found: list[Entry], store: Store | None) -> dict[str, Any] | None:
    if store is None:
        return None
    traces = tuple(entry.linq_trace_id for entry in found if entry.linq_trace_id)
    messages = [entry.ids[name] for entry in found for name in _MESSAGE_IDS if name in entry.ids]
    keys = store_keys(wanted, (wanted, *traces), None)
    hit = store.find(*keys, *(f"message:{one.lower()}" for one in messages))
    if hit is None:
        return None
    key, origin = hit
    if origin.lifecycle and origin.lifecycle == origin.traceparent:
        # The span that handled a message which came in is the root of its own trace.
        return {
            "found_by": key.partition(":")[0],
            "message_id": origin.message_id,
            "linq_trace_ids": list(origin.linq_trace_ids),
            "receiving_trace": origin.traceparent.split("-")[1],
            "received": format_time_ns(origin.accepted_at) if origin.accepted_at else None,
        }
    return {
        "found_by": key.partition(":")[0],
        "message_id": origin.message_id,
        "linq_trace_ids": list(origin.linq_trace_ids),
        "sending_trace": origin.traceparent.split("-")[1],
        "life": origin.lifecycle.split("-")[1] if origin.lifecycle else None,
        "accepted": format_time_ns(origin.accepted_at) if origin.accepted_at else None,
    }


def _find_neighbours(found: list[Entry], chronicle: Chronicle) -> Iterator[Entry]:
    """
    Yield calls on the same record around the last one found, of other integrations too.
    """
    if not found:
        return
    last = found[-1]
    known = {entry.identity for entry in found}
    about = _records_of(last)
    moment, count = last.moment.unix_ns, 0
    for entry in chronicle.between(moment - _WINDOW_NS, moment + _WINDOW_NS + 1):
        is_near = entry.identity not in known and bool(about & _records_of(entry))
        if is_near and count < _NEIGHBOURS_AT_MOST:
            count += 1
            yield entry


def _records_of(entry: Entry) -> frozenset[bytes | str]:
    named = (entry.ids.get(name) for name in ("contact_id", "conversation_id", "record_id"))
    return frozenset([*entry.subjects, *(one for one in named if one)])


def _find_missing(
    found: list[Entry], sent: dict[str, Any] | None, *, has_spans: bool
) -> Iterator[str]:
    if has_spans:
        yield "the response body of the call to Linq: spans do not keep it"
    if not found and has_spans:
        return
    if not found:
        yield "the row of the integration log: give a file that holds it"
        return
    last = found[-1]
    if last.response.size is None:
        yield "the response body: copy the Response panel of the row"
    if last.request.size is None:
        yield "the request body: copy the Request panel of the row"
    if last.source == "unknown":
        yield "whether it was user- or system-triggered: the Source column of the row"
    if last.crm_trace is None and last.linq_trace_id is None:
        yield "a trace id: the answer held none"
    if sent is None and last.linq_trace_id is None:
        yield "the Linq trace of the message: the webhook's trace_id, or a store"


def check(report: Report) -> None:
    """
    Look through a report once more.

    Raises:
        RedactionError: Something private is in it: it must not be written.
    """
    for name, text in _texts(report):
        kinds = find_kinds(text)
        # Ids are mostly digits; only where people write is a long number a phone number.
        bad = kinds if name in _LOOKED_THROUGH else kinds - {"phone"}
        if bad:
            raise RedactionError(f"{name} holds what reads like {min(bad)}: nothing was written")


def _texts(report: Report) -> Iterator[tuple[str, str]]:
    yield "the id", report.asked
    for call in (*report.calls, *report.neighbours, report.sent or {}):
        for name, value in call.items():
            yield name, str(value)
