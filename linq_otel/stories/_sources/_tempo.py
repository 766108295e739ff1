"""
Asks Grafana Tempo: TraceQL for the search, and one trace at a time by its id.

A hosted Tempo is asked through its query URL, which ends in ``/tempo``, with credentials in a
header. https://grafana.com/docs/tempo/latest/api_docs/
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a
from linq_otel._otlp_fields import find_field, get_object, get_objects, get_text
from linq_otel._otlp_json import parse_request
from linq_otel.stories._sources._gathering import QueriedSource
from linq_otel.stories._sources._wanted import is_span_id


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import SpanRecord


_MOST_TRACES: Final = 50
# `query_frontend.search.max_duration` is 168 hours unless configured otherwise.
_LOOKBACK_SECONDS: Final = 168 * 3600 - 60
_KEYS: Final = (a.MESSAGE_ID, a.LINQ_TRACE_ID, a.LINQ_TRACE_IDS, a.EVENT_ID, a.CHAT_ID)


class Tempo(QueriedSource):
    """
    A Tempo, by its query API.
    """

    __slots__ = ()

    def fetch_trace(self, otel_trace_id: str) -> list[SpanRecord]:
        """
        Return the spans of a trace; none if it is not there.

        Raises:
            SourceError: If it cannot be asked.
        """
        with self.api.reading("trace"):
            answer = self.api.find(f"/api/v2/traces/{otel_trace_id}")
            if answer is not None:
                return list(parse_request(_name_as_otlp(get_object(answer, "trace"))))
            # Before version 2.7 there was the first API alone.
            answer = self.api.find(f"/api/traces/{otel_trace_id}")
            return list(parse_request(_name_as_otlp(answer or {})))

    def search(self, wanted: str) -> list[str]:
        """
        Return the traces that hold a span with this id, as an attribute or its own.

        Raises:
            SourceError: If it cannot be asked.
        """
        now = int(time.time())
        answer = self.api.find(
            "/api/search",
            q=write_query(wanted),
            start=now - _LOOKBACK_SECONDS,
            end=now + 60,
            limit=_MOST_TRACES,
        )
        with self.api.reading("search"):
            traces = get_objects(answer or {}, "traces")
            # Leading zeros are left out.
            return [get_text(trace, "traceID").zfill(32) for trace in traces]


def write_query(wanted: str) -> str:
    """
    Return the TraceQL that finds the spans with an id among their attributes.
    """
    spellings = dict.fromkeys((wanted, wanted.lower()))
    terms = [f"span.{key} = {_quote(each)}" for key in _KEYS for each in spellings]
    if is_span_id(wanted):
        terms = [f"span:id = {_quote(wanted.lower())}"]
    return "{ " + " || ".join(terms) + " }"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _name_as_otlp(trace: Mapping[str, object]) -> Mapping[str, object]:
    spans = find_field(trace, "resourceSpans") or find_field(trace, "batches")
    return {"resourceSpans": spans or []}
