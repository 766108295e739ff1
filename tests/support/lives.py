"""
What a life must be, by the published recipe of its ids.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from support.readings import pick
from support.scripted_linq import MESSAGE_ID, nth_trace_id
from support.spans import by_name


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel._origins import Origin


CALL = "linq chats.messages.send"
REQUEST = "POST /v3/chats/{chat_id}/messages"
FIRST = nth_trace_id(1)


def hashed(size: int, kind: str, *parts: str) -> str:
    """
    Return a derived id by the published recipe, in hex.
    """
    seed = "\0".join(("linq_otel/1", kind, *parts)).encode()
    return sha256(seed).hexdigest()[: 2 * size]


OF_MESSAGE = hashed(16, "trace", MESSAGE_ID)


def ids(span: ReadableSpan) -> tuple[str, str]:
    """
    Return the trace id and the span id of `span` in hex.
    """
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    """
    Return the span id of its parent in hex.
    """
    return f"{span.parent.span_id:016x}" if span.parent else None


def get_origin(store: Any, key: str) -> Origin:
    """
    Return what `store` holds under `key`.
    """
    found = store.find(key)
    assert found is not None
    origin: Origin = found[1]
    return origin


def life(trace_id: str, anchor_id: str, linq_trace_id: str | None = FIRST) -> tuple[Any, ...]:
    """
    Return the anchor and the accepted stage of a life as they must be.
    """
    stage_id = hashed(8, "stage", trace_id, anchor_id, "accepted")
    return (trace_id, anchor_id, linq_trace_id), (trace_id, stage_id, linq_trace_id, anchor_id)


def seen(spans: tuple[ReadableSpan, ...]) -> tuple[Any, ...]:
    """
    Return the anchor and the accepted stage of a life as they are.
    """
    anchor, stage = by_name(spans, "linq message"), by_name(spans, "message accepted")
    return (
        (*ids(anchor), *pick(anchor, "linq.trace_id")),
        (*ids(stage), *pick(stage, "linq.trace_id"), parent_of(stage)),
    )
