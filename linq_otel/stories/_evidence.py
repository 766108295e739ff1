"""
What single spans tell of a message: which one it is, and how far it has come.

Stage spans say it best. But where none are drawn (``stages=False``) the handlers' spans are all
there is, so both are read into one shape here, and nobody else looks at attributes to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel._otlp_json import SpanRecord


UNSENT: Final = "unsent"
"""A call that failed. Linq may have accepted the message all the same: any other word is better."""
# In the order of a life; a message that failed may be delivered later.
STAGES: Final = (UNSENT, "accepted", "sent", "failed", "delivered", "read")
_EVENT_STAGES: Final = {
    f"{family}.{stage}": stage
    for family in ("message", "poll")
    for stage in ("sent", "failed", "delivered", "read")
}
_INBOUND: Final = frozenset({"message.received", "poll.received"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What one span tells of a message.

    Attributes:
        span: The span.
        weight: How surely its trace is the one the message's life is drawn in; less is surer.
        stage: The stage it shows the message to have come to, if one.
        is_inbound: True if it shows that the message came to us.
    """

    span: SpanRecord
    weight: int
    stage: str | None = None
    is_inbound: bool = False

    @property
    def linq_trace_ids(self) -> tuple[str, ...]:
        """
        The Linq trace ids it names, as Linq wrote them.
        """
        several = self.span.attributes.get(a.LINQ_TRACE_IDS)
        ids = [str(each) for each in several] if isinstance(several, (list, tuple)) else []
        one = find_text(self.span, a.LINQ_TRACE_ID)
        return tuple(dict.fromkeys([*ids, *([one] if one else [])]))


def find_text(span: SpanRecord, key: str) -> str | None:
    """
    Return an attribute as text; None if it is missing or empty.
    """
    value = span.attributes.get(key)
    return None if value is None or value == "" else str(value)


def is_forged(span: SpanRecord) -> bool:
    """
    True for a delivery that did not verify: a stranger wrote what it says.
    """
    return span.attributes.get(a.VERIFIED) is False


def find_evidence(span: SpanRecord) -> Evidence | None:
    """
    Return what *span* tells of a message; None if it begins or moves none.
    """
    if is_forged(span):
        return None
    return next((found for found in _interpret(span) if found is not None), None)


def _interpret(span: SpanRecord) -> Iterator[Evidence | None]:
    yield Evidence(span, 0, "accepted") if _is_anchor(span) else None
    stage = span.attributes.get(a.STAGE_NAME)
    # Drawn in its webhook's own trace, where the life takes no more spans.
    weight = 3 if span.attributes.get(a.LATE) is True else 1
    yield Evidence(span, weight, str(stage)) if stage in STAGES else None
    did = span.attributes.get(a.MESSAGING_OPERATION_NAME)
    if did == "process":
        yield _interpret_handler(span)
    elif did == "send" and a.OPERATION in span.attributes:
        yield Evidence(span, 3, UNSENT if span.status == "ERROR" else "accepted")


def _is_anchor(span: SpanRecord) -> bool:
    return span.name == a.ANCHOR and a.OPERATION in span.attributes


def _interpret_handler(span: SpanRecord) -> Evidence | None:
    event_type = str(span.attributes.get(a.EVENT_TYPE))
    if event_type in _INBOUND:
        return Evidence(span, 0, is_inbound=True)
    stage = _EVENT_STAGES.get(event_type)
    is_home = find_text(span, a.LINQ_TRACE_ID) == span.otel_trace_id
    return Evidence(span, 2 if is_home else 4, stage) if stage else None
