"""
The list of messages that spans tell of, each with how far it has come.

People ask "what became of my message", and a trace store answers with spans. This is the answer.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from linq_otel import _attributes as a
from linq_otel._lifecycle import STUCK_AFTER
from linq_otel.stories._evidence import STAGES, UNSENT, Evidence, find_evidence, find_text
from linq_otel.stories._timeline import join_traces


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from linq_otel._otlp_json import SpanRecord


_NS: Final = 1_000_000_000
# These never report a delivery, nor does a group chat (https://docs.linqapp.com/webhooks).
_ENDS_WITH_SENT: Final = frozenset({"SMS", "MMS"})
_CHANGING: Final = frozenset({"accepted", "sent"})


@dataclass(frozen=True, slots=True)
class Message:
    """
    One message, as the spans tell it. Times are nanoseconds since the Unix epoch.

    Attributes:
        otel_trace_id: The trace its life is drawn in: the key of its story.
        message_id: Linq's id of it; None where no span names it.
        chat_id: Its chat.
        linq_trace_ids: Every ``X-Trace-ID`` and ``trace_id`` met, as Linq wrote them.
        operation: The call that sent it, ``chats.messages.send``.
        direction: ``outbound`` or ``inbound``.
        state: ``accepted``, ``sent``, ``delivered``, ``read``, ``failed``, ``stuck`` or
            ``received``. A message that failed and was delivered later is delivered.
        protocol: ``iMessage``, ``RCS``, ``SMS`` or ``MMS``.
        error_code: Linq's code of its failure.
        service_names: The services that sent or heard of it, in order of time.
        started_ns: When the first span of it began.
        updated_ns: When the last one ended.
        spans: How many spans its story has.
    """

    otel_trace_id: str
    message_id: str | None
    chat_id: str | None
    linq_trace_ids: tuple[str, ...]
    operation: str | None
    direction: str
    state: str
    protocol: str | None
    error_code: str | None
    service_names: tuple[str, ...]
    started_ns: int
    updated_ns: int
    spans: int

    def to_document(self) -> dict[str, Any]:
        """
        Return it as JSON has it: times as decimal strings, because they pass 2**53.
        """
        times = {"started_ns": str(self.started_ns), "updated_ns": str(self.updated_ns)}
        lists = {
            "linq_trace_ids": list(self.linq_trace_ids),
            "service_names": list(self.service_names),
        }
        return {**asdict(self), **lists, **times}


def find_messages(
    spans: Sequence[SpanRecord],
    *,
    stuck_after: float = STUCK_AFTER,
    now_ns: int | None = None,
) -> list[Message]:
    """
    Return every message the spans tell of, the one that began last first.

    Args:
        spans: Spans of any number of traces, in any order.
        stuck_after: Seconds without news after which a message that was accepted or sent, and may
            still be delivered, is ``stuck``.
        now_ns: The time it is; the clock's by default.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    newest_allowed = now_ns - round(stuck_after * _NS)
    sizes = _count_spans(spans)
    found = [_tell(group, sizes, newest_allowed) for group in _group(spans)]
    return sorted(found, key=lambda it: (-it.started_ns, it.otel_trace_id, it.message_id or ""))


def _count_spans(spans: Sequence[SpanRecord]) -> dict[str, int]:
    return {
        group.otel_trace_id: len(story.rows)
        for story in join_traces(spans)
        for group in story.groups
    }


def _group(spans: Sequence[SpanRecord]) -> Iterable[list[Evidence]]:
    """
    Part the evidence by message: by its id, and what has none by its Linq trace id.
    """
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.span_id))
    everything = [found for found in map(find_evidence, ordered) if found is not None]
    known = _find_known(everything)
    groups: defaultdict[str, list[Evidence]] = defaultdict(list)
    for one in everything:
        groups[_key(one, known)].append(one)
    return groups.values()


def _find_known(everything: Iterable[Evidence]) -> dict[str, str]:
    known: dict[str, str] = {}
    for one in everything:
        message_id = find_text(one.span, a.MESSAGE_ID)
        if message_id is not None:
            message_id = message_id.lower()
            for linq_trace_id in one.linq_trace_ids:
                known.setdefault(linq_trace_id.lower(), message_id)
    return known


def _key(one: Evidence, known: dict[str, str]) -> str:
    message_id = find_text(one.span, a.MESSAGE_ID)
    if message_id is not None:
        return message_id.lower()
    ids = [each.lower() for each in one.linq_trace_ids]
    by_trace = next((known[each] for each in ids if each in known), None)
    return by_trace or next(iter(ids), f"{one.span.otel_trace_id} {one.span.span_id}")


def _tell(group: list[Evidence], sizes: dict[str, int], newest_allowed: int) -> Message:
    spans = [one.span for one in group]
    is_inbound = any(one.is_inbound for one in group)
    home = min(group, key=lambda one: one.weight).span.otel_trace_id
    return Message(
        otel_trace_id=home,
        message_id=_first(spans, a.MESSAGE_ID),
        chat_id=_first(spans, a.CHAT_ID),
        linq_trace_ids=tuple(dict.fromkeys(each for one in group for each in one.linq_trace_ids)),
        operation=_first(spans, a.OPERATION),
        direction="inbound" if is_inbound else "outbound",
        state="received" if is_inbound else _find_state(group, newest_allowed),
        protocol=_first(reversed(spans), a.SERVICE),
        error_code=_first(spans, a.ERROR_CODE),
        service_names=tuple(dict.fromkeys(span.service_name for span in spans)),
        started_ns=spans[0].start_ns,
        updated_ns=max(max(span.start_ns, span.end_ns) for span in spans),
        spans=sizes[home],
    )


def _ends_with_sent(spans: Sequence[SpanRecord]) -> bool:
    is_in_group = any(span.attributes.get(a.CHAT_IS_GROUP) is True for span in spans)
    return is_in_group or _first(reversed(spans), a.SERVICE) in _ENDS_WITH_SENT


def _first(spans: Iterable[SpanRecord], key: str) -> str | None:
    return next((text for text in (find_text(span, key) for span in spans) if text), None)


def _find_state(group: list[Evidence], newest_allowed: int) -> str:
    counts = Counter(one.stage for one in group if one.stage)
    state = max(counts, key=STAGES.index)
    if state not in _CHANGING:
        return "failed" if state == UNSENT else state
    if state == "sent" and _ends_with_sent([one.span for one in group]):
        return state
    newest = max(max(one.span.start_ns, one.span.end_ns) for one in group if one.stage == state)
    return "stuck" if newest < newest_allowed else state
