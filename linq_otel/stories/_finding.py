"""
Finds the trace that any id leads to.

People have one id in their hands, from a log line, an answer's header or a webhook, and do not
know what kind it is. None of the kinds can be mistaken for another, so all are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a
from linq_otel.stories._evidence import find_text, is_forged
from linq_otel.stories._messages import find_messages
from linq_otel.stories._timeline import join_traces


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories._timeline import Story


ID_KEYS: Final = (
    a.MESSAGE_ID,
    a.LINQ_TRACE_ID,
    a.LINQ_TRACE_IDS,
    a.EVENT_ID,
    a.CHAT_ID,
    a.MESSAGING_MESSAGE_ID,
)
"""The attributes that hold an id of Linq's, the surest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where an id leads: a trace, and the span in it if it is one span's.
    """

    otel_trace_id: str
    span_id: str | None = None


def find_trace(spans: Sequence[SpanRecord], wanted: str) -> Place | None:
    """
    Return where an id leads; None if no span knows it.

    Args:
        spans: Spans of any number of traces, in any order.
        wanted: A Linq trace id, message, event or chat id, an OpenTelemetry trace or span id, in
            upper or lower case. A chat leads to its last message.
    """
    wanted = wanted.strip().lower()
    if not wanted:
        return None
    return next(_find_places(spans, wanted), None)


def find_stories(spans: Sequence[SpanRecord], wanted: str) -> list[Story]:
    """
    Return the stories an id leads to, the one `find_trace` names first.

    There is more than one where traces of one message are not tied by links: what a receiver drew
    that could not find the sender, for example.

    Args:
        spans: Spans of any number of traces, in any order.
        wanted: As for `find_trace`.
    """
    place = find_trace(spans, wanted)
    if place is None:
        return []
    told = [
        (span.otel_trace_id, find_text(span, a.MESSAGE_ID)) for span in spans if not is_forged(span)
    ]
    messages = {each for trace, each in told if each and trace == place.otel_trace_id}
    traces = {place.otel_trace_id} | {trace for trace, each in told if each in messages}
    stories = join_traces(spans, place.otel_trace_id)
    return [story for story in stories if traces & {it.otel_trace_id for it in story.groups}]


def _find_places(spans: Sequence[SpanRecord], wanted: str) -> Iterator[Place]:
    for span in spans:
        if span.otel_trace_id == wanted:
            yield Place(wanted)
    for span in spans:
        if span.span_id == wanted:
            yield Place(span.otel_trace_id, wanted)
    for message in find_messages(spans):
        ids = (message.message_id, message.chat_id, *message.linq_trace_ids)
        if wanted in {each.lower() for each in ids if each}:
            yield Place(message.otel_trace_id)
    yield from _find_by_attribute(spans, wanted)


def _find_by_attribute(spans: Sequence[SpanRecord], wanted: str) -> Iterator[Place]:
    # Of several that know an event, the handler's is the one people mean.
    ordered = sorted(spans, key=lambda span: (span.kind != "CONSUMER", span.start_ns))
    for span in ordered:
        if not is_forged(span) and wanted in _find_ids(span):
            yield Place(span.otel_trace_id, span.span_id)


def _find_ids(span: SpanRecord) -> set[str]:
    values = [span.attributes.get(key) for key in ID_KEYS]
    lists = [value if isinstance(value, (list, tuple)) else (value,) for value in values]
    return {part.lower() for parts in lists for part in parts if isinstance(part, str)}
