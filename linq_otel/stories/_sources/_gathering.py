"""
Fetches every trace of a story from a backend that hands out one trace at a time.

Links are followed, and messages searched for by their ids, because a link shows only at the span
that has it. Both are bounded: in a long conversation everything hangs together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a
from linq_otel.stories._evidence import find_evidence, find_text, is_forged
from linq_otel.stories._sources import IncompleteError, SourceError
from linq_otel.stories._sources._wanted import is_otel_trace_id


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories._sources._http import QueryApi


MOST_TRACES: Final = 100
"""Traces fetched for one story."""
MOST_STEPS: Final = 4
"""Links followed in a row, from the trace asked for."""
_MOST_MESSAGES = 5
_MOST_SPANS = 50_000


@dataclass(frozen=True, slots=True)
class QueriedSource(ABC):
    """
    A backend behind a query API, asked for whole stories.
    """

    api: QueryApi

    @property
    def title(self) -> str:
        """
        Its name and address.
        """
        return self.api.title

    def find_spans(self, wanted: str) -> list[SpanRecord]:
        """
        Return all spans of the traces that an id leads to; none if the backend does not know it.

        Raises:
            IncompleteError: If it fails after it has handed out some.
            SourceError: If it cannot be asked.
        """
        gathering = _Gathering(self)
        try:
            if is_otel_trace_id(wanted):
                gathering.fetch([wanted.lower()])
            if not gathering.spans:
                gathering.fetch(self.search(wanted))
            gathering.search_messages()
        except SourceError as error:
            if not gathering.spans:
                raise
            raise IncompleteError(str(error), gathering.spans) from error
        return gathering.spans

    @abstractmethod
    def fetch_trace(self, otel_trace_id: str) -> list[SpanRecord]:
        """
        Return the spans of a trace; none if it is not there.

        Raises:
            SourceError: If it cannot be asked.
        """

    @abstractmethod
    def search(self, wanted: str) -> list[str]:
        """
        Return the traces that hold a span with this id, as an attribute or its own.

        Raises:
            SourceError: If it cannot be asked.
        """


class _Gathering:
    def __init__(self, backend: QueriedSource) -> None:
        self.spans: list[SpanRecord] = []
        self._backend = backend
        self._seen: set[str] = set()

    def fetch(self, otel_trace_ids: Sequence[str]) -> None:
        """
        Fetch traces and those they are linked to, the nearest first.
        """
        waiting = deque((each, 0) for each in otel_trace_ids)
        while waiting and len(self._seen) < MOST_TRACES and len(self.spans) < _MOST_SPANS:
            otel_trace_id, steps = waiting.popleft()
            if otel_trace_id in self._seen:
                continue
            self._seen.add(otel_trace_id)
            fetched = self._backend.fetch_trace(otel_trace_id)
            self.spans += fetched
            if steps < MOST_STEPS:
                waiting.extend((each, steps + 1) for each in _find_linked(fetched))

    def search_messages(self) -> None:
        """
        Fetch what else speaks of the messages that were met.
        """
        for message_id in _find_message_ids(self.spans)[:_MOST_MESSAGES]:
            self.fetch(self._backend.search(message_id))


def _find_linked(spans: Sequence[SpanRecord]) -> Iterator[str]:
    for span in spans:
        yield from dict.fromkeys(link.otel_trace_id for link in span.links)


def _find_message_ids(spans: Sequence[SpanRecord]) -> list[str]:
    found = (
        find_text(span, a.MESSAGE_ID)
        for span in spans
        if not is_forged(span) and find_evidence(span) is not None
    )
    return list(dict.fromkeys(each for each in found if each))
