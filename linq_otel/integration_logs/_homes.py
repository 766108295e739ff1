"""
Which trace the span of a call lives in.

Linq's own ids come first: the call then belongs to the life of a message, drawn by the same rule as
the live spans. Next comes the CRM's trace id, so that all rows of one id are one trace; last a hash
of the row. What is merely probable gets a link and no more: a wrong merge is worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Link, SpanContext, TraceFlags

from linq_otel import _attributes as a
from linq_otel._ids import derive_otel_trace_id, derive_span_id, parse_linq_trace_id
from linq_otel._lifecycle import derive_lifecycle
from linq_otel._origins import parse_traceparent, store_keys

from ._crm_traces import parse_otel_trace_id


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linq_otel._lifecycle import Join
    from linq_otel.stores import Store

    from ._entries import Entry
    from ._evidence import Evidence


_KIND: Final = "integration"
_UUID_LENGTH: Final = 36
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


@dataclass(slots=True)
class Home:
    """
    Where a call's span lives.

    Attributes:
        otel_trace_id: Its trace.
        parent: The anchor of the message's life, where that is known to exist.
        correlation: ``exact``, ``strong``, ``probable``, ``crm`` or ``none``.
        trace_source: Where the trace id is from.
        links: Traces it probably belongs to.
    """

    otel_trace_id: int
    correlation: str
    trace_source: str
    parent: SpanContext | None = None
    links: tuple[Link, ...] = ()


class HomeFinder:
    """
    Finds the home of each entry.

    Args:
        evidence: What other entries tell.
        store: Where the origins of sent messages are kept, if it is at hand.
        join: How the app joins lives: :data:`linq_otel._lifecycle.Join`.
        by_request_id: True takes the CRM's request id for its trace id.
    """

    def __init__(
        self,
        evidence: Evidence,
        store: Store | None = None,
        join: Join = "linq",
        *,
        by_request_id: bool = False,
    ) -> None:
        self._evidence = evidence
        self._store = store
        self._join: Join = join
        self._by_request_id = by_request_id

    def find(self, entry: Entry) -> Home:
        """
        Return where the span of *entry* lives.

        Raises:
            StoreError: If the store refuses.
        """
        home = self._find_stored(entry) or self._find_exact(entry)
        if home is not None:
            return home
        links = self._find_links(entry)
        correlation = "probable" if links else None
        for raw, source in self._crm_ids(entry):
            otel_trace_id = parse_otel_trace_id(raw)
            if otel_trace_id is not None:
                return Home(otel_trace_id, correlation or "crm", source, links=links)
        own = derive_otel_trace_id(_KIND, *fingerprint(entry))
        return Home(own, correlation or "none", "entry", links=links)

    def learn(self, entries: Iterable[Entry]) -> None:
        """
        Take note of rows that the store joins, so that others about the same get a link to them.

        Raises:
            StoreError: If the store refuses.
        """
        if self._store is None:
            return
        for entry in entries:
            message_id = entry.ids.get("alt_id") or entry.ids.get("message_id")
            # Linq's ids are UUIDs; of a CRM's own the store would be asked in vain.
            if entry.linq_trace_id or message_id is None or len(message_id) != _UUID_LENGTH:
                continue
            found = self._store.find(*store_keys(message_id.lower(), (), None))
            if found is not None and found[1].linq_trace_ids:
                self._evidence.add(replace(entry, linq_trace_id=found[1].linq_trace_ids[0]))

    def _find_stored(self, entry: Entry) -> Home | None:
        if self._store is None:
            return None
        for keys, correlation, source in _store_keys_of(entry):
            found = self._store.find(*keys)
            anchor = parse_traceparent(found[1].lifecycle) if found else None
            if anchor is not None:
                parent = SpanContext(
                    anchor.trace_id, anchor.span_id, is_remote=True, trace_flags=_SAMPLED
                )
                return Home(anchor.trace_id, correlation, source, parent)
        return None

    def _find_exact(self, entry: Entry) -> Home | None:
        linq_trace_id = entry.linq_trace_id
        trace = entry.crm_trace
        if linq_trace_id is None and trace and self._evidence.is_linq_trace(trace.raw):
            linq_trace_id = trace.raw
        if linq_trace_id is None:
            return None
        life = derive_lifecycle(self._join, linq_trace_id, None)
        # Whether anybody drew that life's anchor is unknown, so the span hangs under nothing.
        return Home(life.otel_trace_id, "exact", "linq") if life else None

    def _find_links(self, entry: Entry) -> tuple[Link, ...]:
        otel_trace_id = parse_linq_trace_id(self._evidence.find_probable(entry))
        if otel_trace_id is None:
            return ()
        found = (
            self._store.find(*store_keys(None, (f"{otel_trace_id:032x}",), None))
            if (self._store)
            else None
        )
        stored = parse_traceparent(found[1].lifecycle) if found else None
        if stored is not None:
            return (Link(stored, {a.LINK: a.LINK_PROBABLE}),)
        # A link must name a span; the life's anchor is the one all processes derive alike.
        anchor = derive_span_id("anchor", f"{otel_trace_id:032x}")
        context = SpanContext(otel_trace_id, anchor, is_remote=True, trace_flags=_SAMPLED)
        return (Link(context, {a.LINK: a.LINK_PROBABLE}),)

    def _crm_ids(self, entry: Entry) -> Iterator[tuple[str, str]]:
        if self._by_request_id and entry.request_id is not None:
            yield entry.request_id, "request_id"
        if entry.crm_trace is not None:
            yield entry.crm_trace.raw, entry.crm_trace.source


def _store_keys_of(entry: Entry) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """
    Yield store keys, best first, with what a hit is worth.
    """
    traces = [entry.linq_trace_id] if entry.linq_trace_id else []
    if entry.crm_trace is not None and parse_linq_trace_id(entry.crm_trace.raw) is not None:
        traces.append(entry.crm_trace.raw)
    if traces:
        yield store_keys(None, tuple(traces), None), "exact", "linq"
    for name in ("alt_id", "message_id"):
        if name in entry.ids:
            yield store_keys(entry.ids[name].lower(), (), None), "strong", "message"


def fingerprint(entry: Entry) -> tuple[str, ...]:
    """
    Return what tells a call from others, in every import alike, and gives nothing away.

    Bodies take part by their sizes and the CRM's ids alone: a hash of a body that holds little but
    a phone number is reversible by listing every number.
    """
    named = [f"{name}={entry.ids[name]}" for name in sorted(entry.ids) if name != "phone_hash"]
    return (
        entry.direction,
        entry.method,
        entry.target.url,
        str(entry.moment.unix_ns),
        str(entry.status),
        str(entry.request.size),
        str(entry.response.size),
        entry.crm_trace.raw if entry.crm_trace else "",
        entry.request_id or "",
        *named,
    )


def span_id_of(told: tuple[str, ...], home: Home, ordinal: int) -> int:
    """
    Return the span id of an entry, the same in every import.

    Args:
        told: The fingerprint of the call.
        home: Its trace.
        ordinal: Counts entries that nothing else tells apart.
    """
    return derive_span_id(_KIND, f"{home.otel_trace_id:032x}", *told, str(ordinal))
