"""
Which join mode is safe for the account the samples are of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._capture_lives import is_trace_id
from ._findings import tell
from ._store_refusals import is_shared
from ._words import number


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel._settings import Settings

    from ._capture_lives import Life
    from ._findings import Finding
    from ._samples import Delivery


_VARIABLE: Final = "OTEL_PYTHON_LINQ_JOIN"
_RECORD: Final = "linq-otel doctor --listen --count 20, and send a few messages"


def judge_join(
    lives: Sequence[Life], deliveries: Sequence[Delivery], settings: Settings
) -> Finding:
    """
    Say which join mode is safe, and why.
    """
    join = settings.join
    if join in {"app", "message"}:
        return _judge_by_message(lives, deliveries, settings)
    torn = [life for life in lives if _is_torn(life)]
    if not torn and not any(life.is_telling or life.sent_ids for life in lives):
        return tell(
            "capture.join.unknown",
            "too few samples: no message has two events, or an event and its send",
            detail=f"join={join} is safe if Linq keeps to its documentation.",
            remedy=_RECORD,
        )
    if not torn:
        reason = f"trace ids are equal ({number(len(lives), 'message')})"
        return tell("capture.join", f"join={join} is safe: {reason}")
    if is_shared(settings.store) and all(life.sent_ids for life in torn):
        return tell(
            "capture.join",
            f"join={join} is safe with this store: trace ids differ, and it repairs them",
        )
    return tell(
        "capture.join.unsafe",
        f"join={join} tears {len(torn)} of {number(len(lives), 'message')}: their trace ids differ",
        detail="A trace made of the message's id is the same for all of them; a shared store that "
        "the sender writes to mends it too, and join=app with it is one trace with the app's.",
        remedy=f"export {_VARIABLE}=message",
    )


def _judge_by_message(
    lives: Sequence[Life], deliveries: Sequence[Delivery], settings: Settings
) -> Finding:
    nameless = [
        d for d in deliveries if d.event.event_type == "message.failed" and not d.event.message_id
    ]
    if settings.join == "message":
        if nameless and any(_is_torn(life) for life in lives):
            return tell(
                "capture.join.unsafe",
                f"join=message loses {number(len(nameless), 'failure')}: no message is named, "
                "and trace ids differ",
                remedy="export OTEL_PYTHON_LINQ_STORE=redis://…, shared by sender and receiver",
            )
        return tell("capture.join", "join=message is safe: every event names its message")
    if is_shared(settings.store) or settings.carrier == "idempotency_key":
        return tell("capture.join", "join=app is safe: the store or the carrier has the sender")
    return tell(
        "capture.join.unsafe",
        "join=app needs a shared store or the carrier, and has neither",
        remedy=f"export {_VARIABLE}={'message' if any(map(_is_torn, lives)) else 'linq'}, "
        "or OTEL_PYTHON_LINQ_STORE=redis://…",
    )


def _is_torn(life: Life) -> bool:
    """
    True if join=linq would draw its events in several traces, or not in its send's.
    """
    # What is malformed falls back to the message's id, in every event alike.
    traces = {i if is_trace_id(i) else life.message_id for i in life.linq_trace_ids}
    sent = {i if is_trace_id(i) else life.message_id for i in life.sent_ids}
    return len(traces) > 1 or bool(sent and not traces <= sent)
