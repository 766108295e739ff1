"""
A story as one JSON document: what the terminal prints with ``--json``, and a page draws.

Version 1 of it is a promise to whoever reads it. Times are decimal strings, for JavaScript's
numbers end at 2**53, and every value can be written as JSON whatever an app put into a span.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from linq_otel import _attributes as a
from linq_otel._lifecycle import STUCK_AFTER
from linq_otel.stories._evidence import find_text
from linq_otel.stories._messages import find_messages
from linq_otel.stories._splits import find_splits
from linq_otel.stories._waits import find_waits


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel._otlp_json import AttributeValue, LinkRecord, SpanRecord
    from linq_otel.stories._messages import Message
    from linq_otel.stories._timeline import Group, Row, Story


VERSION: Final = 1
_MINUTE_NS: Final = 60_000_000_000
_LARGEST_NUMBER: Final = 2**53


def story_document(
    story: Story,
    otel_trace_id: str | None = None,
    message_id: str | None = None,
    *,
    stuck_after: float = STUCK_AFTER,
    now_ns: int | None = None,
) -> dict[str, Any]:
    """
    Return *story* as a document that JSON can hold.

    A span ``is_late`` if it starts more than a minute after the end of the span with which its
    trace begins, or says of itself (``linq.late``) that it came too late for its backend.

    Args:
        story: The story.
        otel_trace_id: The trace asked for, if one was: its message is told of first.
        message_id: The message asked for, if one was: a trace may hold several.
        stuck_after: As of `find_messages`.
        now_ns: As of `find_messages`.
    """
    spans = story.spans
    messages = find_messages(spans, stuck_after=stuck_after, now_ns=now_ns)
    asked = _find_asked(story, messages, otel_trace_id, message_id)
    return {
        "version": VERSION,
        "start_ns": str(min(span.start_ns for span in spans)),
        "end_ns": str(max(max(span.start_ns, span.end_ns) for span in spans)),
        "message": None if asked is None else message_documents(story, [asked])[0],
        "parts": len(story.parts),
        "traces": [_write_trace(group) for group in story.groups],
        "waits": [{"start_ns": str(start), "end_ns": str(end)} for start, end in find_waits(spans)],
    }


def message_documents(story: Story, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """
    Return messages of *story* as JSON has them, with how each is split where it did not join.
    """
    return [
        {**message.to_document(), "split": None if split is None else split.to_document()}
        for message, split in zip(messages, find_splits(story, messages), strict=True)
    ]


def _find_asked(
    story: Story, messages: Sequence[Message], otel_trace_id: str | None, message_id: str | None
) -> Message | None:
    """
    Return the message asked for, else that of the trace asked for, else the one that began it all.
    """
    named = {message_id.lower()} if message_id else set[str]()
    beside = {
        text.lower()
        for span in story.spans
        if span.otel_trace_id == otel_trace_id and (text := find_text(span, a.MESSAGE_ID))
    }
    for choice in (
        [each for each in messages if (each.message_id or "").lower() in named],
        [each for each in messages if each.otel_trace_id == otel_trace_id],
        [each for each in messages if (each.message_id or "").lower() in beside],
        messages,
    ):
        if choice:
            return choice[-1]
    return None


def _write_trace(group: Group) -> dict[str, Any]:
    first = min((row.span for row in group.rows), key=lambda span: (span.start_ns, span.end_ns))
    late_from = max(first.start_ns, first.end_ns) + _MINUTE_NS
    return {
        "otel_trace_id": group.otel_trace_id,
        "service_names": list(group.service_names),
        "spans": [_write_span(row, late_from) for row in group.rows],
    }


def _write_span(row: Row, late_from: int) -> dict[str, Any]:
    span = row.span
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "depth": row.depth,
        "name": span.name,
        "kind": span.kind,
        "start_ns": str(span.start_ns),
        "end_ns": str(span.end_ns),
        "service_name": span.service_name,
        "scope_name": span.scope_name,
        "status": span.status,
        "attributes": _write_attributes(span),
        "links": [_write_link(link) for link in span.links],
        "remark": row.remark,
        "is_late": span.start_ns > late_from or span.attributes.get(a.LATE) is True,
    }


def _write_link(link: LinkRecord) -> dict[str, Any]:
    return {
        "otel_trace_id": link.otel_trace_id,
        "span_id": link.span_id,
        "attributes": _write_attributes(link),
    }


def _write_attributes(holder: SpanRecord | LinkRecord) -> dict[str, Any]:
    return {key: write_value(value) for key, value in holder.attributes.items()}


def write_value(value: AttributeValue) -> Any:
    """
    Return an attribute's value as JSON can hold it, and JavaScript can read it.

    Bytes become base64; whole numbers past 2**53, and what is no number, become text.
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (tuple, list)):
        return [write_value(each) for each in value]
    if isinstance(value, Mapping):
        return {key: write_value(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        return str(value)
    return value
