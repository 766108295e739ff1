"""
Finds the trace that any id leads to.

People have one id in their hands, from a log line, an answer's header or a webhook, and do not
know what kind it is. None of the kinds can be mistaken for another, so all are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a
from linq_otel.errors import ConfigurationError
from linq_otel.stories._evidence import find_text, is_forged
from linq_otel.stories._messages import find_messages


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linq_otel._otlp_json import SpanRecord


ID_KINDS: Final = {
    a.MESSAGE_ID: "message",
    a.LINQ_TRACE_ID: "Linq trace",
    a.LINQ_TRACE_IDS: "Linq trace",
    a.EVENT_ID: "event",
    a.CHAT_ID: "chat",
    a.MESSAGING_MESSAGE_ID: "event",
}
"""The attributes that hold an id of Linq's and what it is an id of, the surest first."""
SHORTEST_BEGINNING: Final = 4
"""Characters of an id that stand for the whole one, if no other begins with them."""
_MOST_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where an id leads.

    Attributes:
        otel_trace_id: The trace.
        span_id: The span in it, if the id is one span's.
        message_id: The message meant, where the id says so: its trace may hold several.
    """

    otel_trace_id: str
    span_id: str | None = None
    message_id: str | None = None


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


def complete_id(spans: Iterable[SpanRecord], beginning: str) -> str | None:
    """
    Return the one id that begins with *beginning*; None if none does.

    Args:
        spans: Spans of any number of traces, in any order.
        beginning: The first characters of an id, at least `SHORTEST_BEGINNING` of them.

    Raises:
        ConfigurationError: Several ids begin with it; the message lists them.
    """
    beginning = beginning.strip().lower()
    found: dict[str, str] = {}
    if len(beginning) >= SHORTEST_BEGINNING:
        for span in spans:
            for kind, value in list_ids(span):
                if value.lower().startswith(beginning):
                    found.setdefault(value.lower(), kind)
    return choose_id(beginning, found)


def choose_id(beginning: str, found: Mapping[str, str]) -> str | None:
    """
    Return the one id of *found*; None if *found* is empty.

    Args:
        beginning: What was asked for.
        found: Each id that begins with it, and what it is an id of.

    Raises:
        ConfigurationError: There are several; the message lists them.
    """
    if len(found) > 1:
        listed = [f"{kind} {value}" for value, kind in islice(found.items(), _MOST_LISTED)]
        if len(found) > _MOST_LISTED:
            listed.append("more")
        raise ConfigurationError(
            f"several ids begin with {beginning}; give more of the one meant: {', '.join(listed)}"
        )
    return next(iter(found), None)


def _find_places(spans: Sequence[SpanRecord], wanted: str) -> Iterator[Place]:
    for span in spans:
        if span.otel_trace_id == wanted:
            yield Place(wanted)
    for span in spans:
        if span.span_id == wanted:
            yield Place(span.otel_trace_id, wanted, _find_message_id(span))
    for message in find_messages(spans):
        ids = (message.message_id, message.chat_id, *message.linq_trace_ids)
        if wanted in {each.lower() for each in ids if each}:
            yield Place(message.otel_trace_id, None, message.message_id)
    yield from _find_by_attribute(spans, wanted)


def _find_by_attribute(spans: Sequence[SpanRecord], wanted: str) -> Iterator[Place]:
    # Of several that know an event, the handler's is the one people mean.
    ordered = sorted(spans, key=lambda span: (span.kind != "CONSUMER", span.start_ns))
    for span in ordered:
        if not is_forged(span) and wanted in _find_ids(span):
            yield Place(span.otel_trace_id, span.span_id, _find_message_id(span))


def _find_message_id(span: SpanRecord) -> str | None:
    return None if is_forged(span) else find_text(span, a.MESSAGE_ID)


def _find_ids(span: SpanRecord) -> set[str]:
    return {value.lower() for _, value in _find_attribute_ids(span)}


def list_ids(span: SpanRecord) -> Iterator[tuple[str, str]]:
    """
    Give each id that leads to *span*, after what it is an id of.
    """
    if not is_forged(span):
        yield from _find_attribute_ids(span)
    yield "trace", span.otel_trace_id
    yield "span", span.span_id


def _find_attribute_ids(span: SpanRecord) -> Iterator[tuple[str, str]]:
    for key, kind in ID_KINDS.items():
        value = span.attributes.get(key)
        for part in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, str):
                yield kind, part
