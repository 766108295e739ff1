"""
Which spans a backend can walk between: those of one trace, and those that links tie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable

    from linq_otel.testing._spans._facts import SpanFacts


MESSAGE_ID = "linq.message.id"


def group_joined(spans: Iterable[SpanFacts]) -> list[list[SpanFacts]]:
    """
    Return the groups that nothing joins, each in the order given.

    Spans are joined if they are of one trace, or if a link of one names the trace of the other.
    """
    known = list(spans)
    leaders = {span.key[0]: span.key[0] for span in known}

    def find(otel_trace_id: int) -> int:
        while leaders[otel_trace_id] != otel_trace_id:
            otel_trace_id = leaders[otel_trace_id]
        return otel_trace_id

    for span in known:
        for _, (target, _span_id) in span.links:
            if target in leaders:
                leaders[find(target)] = find(span.key[0])
    groups: dict[int, list[SpanFacts]] = {}
    for span in known:
        groups.setdefault(find(span.key[0]), []).append(span)
    return list(groups.values())


def select_message(spans: Iterable[SpanFacts], message_id: str) -> list[SpanFacts]:
    """
    Return all that is joined to a span that names the message.
    """
    return [
        span
        for group in group_joined(spans)
        if any(one.attributes.get(MESSAGE_ID) == message_id for one in group)
        for span in group
    ]
