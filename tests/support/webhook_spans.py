"""
What the spans of one message must be, whoever draws them.
"""

from __future__ import annotations

from typing import Any

from support import payloads as p
from support.webhook_desk import ACCEPTED_AT, Life


LIFE = Life.by_linq_trace_id()


MICROSECOND = 1_000


STAGES = ("sent", "delivered", "read")


IDENTITY = {
    "linq.event.id": p.EVENT_ID,
    "linq.trace_id": p.LINQ_TRACE_ID,
    "linq.message.id": p.MESSAGE_ID,
    "linq.chat.id": p.CHAT_ID,
    "linq.service": "iMessage",
}


def stage_span(
    stage: str, start: int, end: int, life: Life = LIFE, **more: object
) -> dict[str, Any]:
    """
    Return the outline of a stage span as it must be.
    """
    return {
        "name": f"message {stage}",
        "kind": "INTERNAL",
        "id": f"{life.otel_trace_id}-{life.stage_id(stage)}",
        "parent": life.anchor,
        "times": (start, end),
        "attributes": {**IDENTITY, "linq.event.type": f"message.{stage}", "linq.stage": stage},
        "links": [],
        "status": "UNSET",
        "description": None,
        "events": [],
        **more,
    }


TIMES = {
    "sent": (ACCEPTED_AT, p.at_ns(2)),
    "delivered": (p.at_ns(2), p.at_ns(5.5)),
    "read": (p.at_ns(5.5), p.at_ns(3600.25)),
}
