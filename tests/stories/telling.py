"""
The spans of messages, as this package draws them; times are milliseconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.span_records import LIFE, MS, START, record


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import AttributeValue, SpanRecord


MESSAGE_ID = "21051baf-8743-4ee8-aa9c-6e3316a85b5c"
CHAT_ID = "1294bf84-e761-4f01-8b26-a6d4db947681"
SHOP = "a" * 32
"""The trace of the app that sends."""
CALL = "b" * 16
ANCHOR = "c" * 16
HOUR = 3_600_000


def now(milliseconds: float) -> int:
    """
    Return the time so long after all began, in nanoseconds.
    """
    return START + int(milliseconds * MS)


def tell(span: SpanRecord, **attributes: AttributeValue) -> SpanRecord:
    """
    Return *span* with attributes: ``message_id`` is ``linq.message.id``; None leaves one out.
    """
    if (is_group := attributes.pop("is_group", None)) is not None:
        span = replace(span, attributes={**span.attributes, "linq.chat.is_group": is_group})
    named: Mapping[str, AttributeValue] = {
        f"linq.{key if key.startswith('trace_') else key.replace('_', '.')}": value
        for key, value in attributes.items()
        if value is not None
    }
    return replace(span, attributes={**span.attributes, **named})


def call(
    start: float = 0,
    end: float = 10,
    *,
    trace: str = SHOP,
    status: str = "UNSET",
    message_id: str | None = MESSAGE_ID,
) -> SpanRecord:
    """
    The app's call that sends a message, linked to its life.
    """
    span = record(
        "linq chats.create",
        start,
        end,
        trace=trace,
        span_id=CALL,
        kind="PRODUCER",
        status=status,
        links=() if status == "ERROR" else ((LIFE, ANCHOR, "lifecycle"),),
    )
    span = replace(span, attributes={"messaging.operation.name": "send"})
    linq_trace_id = None if status == "ERROR" else LIFE
    return tell(span, operation="chats.create", message_id=message_id, trace_id=linq_trace_id)


def anchor(start: float = 0, *, trace: str = LIFE) -> SpanRecord:
    """
    The root of the life.
    """
    span = record(
        "linq message", start, start, trace=trace, span_id=ANCHOR, links=((SHOP, CALL, "send"),)
    )
    return tell(
        span, operation="chats.create", message_id=MESSAGE_ID, chat_id=CHAT_ID, trace_id=LIFE
    )


def stage(
    name: str, start: float, end: float, *, trace: str = LIFE, **more: AttributeValue
) -> SpanRecord:
    """
    One stage of the life.
    """
    span = record(f"message {name}", start, end, trace=trace, parent=ANCHOR, service="hooks")
    facts = {"stage": name, "message_id": MESSAGE_ID, "trace_id": LIFE, "service": "iMessage"}
    return tell(span, **{**facts, **more})


def handler(
    event_type: str,
    start: float,
    *,
    trace: str = LIFE,
    links: tuple[tuple[str, str, str], ...] = (),
    **more: AttributeValue,
) -> SpanRecord:
    """
    The run of a webhook's handler, ten milliseconds long.
    """
    span = record(
        f"process {event_type}", start, start + 10, trace=trace, kind="CONSUMER", service="hooks",
        links=links,
    )  # fmt: skip
    span = replace(span, attributes={"messaging.operation.name": "process"})
    facts = {"event_type": event_type, "message_id": MESSAGE_ID, "trace_id": LIFE}
    return tell(span, **{**facts, **more})


# Sent at once, delivered after a second, read after three hours.
READ = (
    record("POST /orders", 0, 12, trace=SHOP, span_id="e" * 16, kind="SERVER"),
    replace(call(1, 10), parent_span_id="e" * 16),
    anchor(1),
    stage("accepted", 1, 10),
    stage("sent", 10, 500),
    stage("delivered", 500, 1_000),
    stage("read", 1_000, 3 * HOUR),
    handler("message.read", 3 * HOUR + 5, event_id="448ebf57-b150-44ea-aa01-6e65464d30b2"),
)
