"""
What of some spans goes into a single file: the messages, and each one's story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from linq_otel.errors import ConfigurationError
from linq_otel.stories import (
    STUCK_AFTER,
    complete_id,
    find_messages,
    find_trace,
    join_traces,
    message_documents,
    story_document,
)

from ._single_file import write_page


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories import Story


_MOST_SPANS: Final = 50_000


def export_page(
    spans: Sequence[SpanRecord], wanted: str | None = None, *, stuck_after: float = STUCK_AFTER
) -> str:
    """
    Return the page as one HTML document that needs no server and no network.

    Args:
        spans: Spans of any number of traces, in any order.
        wanted: An id of Linq's or OpenTelemetry's: only the story it leads to goes in.
        stuck_after: Seconds without news after which a message is stuck.

    Raises:
        ConfigurationError: No span knows *wanted*.
    """
    stories = join_traces(spans) if wanted is None else [_get_story(spans, wanted)]
    messages: list[dict[str, Any]] = []
    documents: dict[str, Any] = {}
    for story in stories:
        found = find_messages(story.spans, stuck_after=stuck_after)
        messages += message_documents(story, found)
        homes = [message.otel_trace_id for message in found] or [story.groups[0].otel_trace_id]
        for home in _choose(homes, len(story.spans)):
            documents[home] = story_document(story, home, stuck_after=stuck_after)
    messages.sort(key=lambda message: -int(message["started_ns"]))
    return write_page(messages, documents)


def _get_story(spans: Sequence[SpanRecord], wanted: str) -> Story:
    place = find_trace(spans, wanted) or find_trace(spans, complete_id(spans, wanted) or "")
    if place is None:
        raise ConfigurationError(f"no span knows the id {wanted}; look at the list without --id")
    return join_traces(spans, place.otel_trace_id)[0]


def _choose(homes: Sequence[str], size: int) -> list[str]:
    """
    Return the traces to write a document for: one story of many messages is written so often only.

    The page finds the others in it all the same.
    """
    different = list(dict.fromkeys(homes))
    return different[: max(1, _MOST_SPANS // max(1, size))]
