"""
Asks Jaeger, of version 2 or 1, and whatever else speaks its query API.

Traces are fetched by API v3, which hands out OTLP with the links' attributes; where there is none,
by the API of Jaeger's page. Searching goes by the latter alone: as of Jaeger 2.13 the search of v3
disregards ``query.attributes``. It wants a service, so every service is asked.

https://www.jaegertracing.io/docs/2.13/architecture/apis/
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, cast

from linq_otel import _attributes as a
from linq_otel._otlp_fields import get_object, get_objects, get_text
from linq_otel._otlp_json import parse_request
from linq_otel.stories._sources import SourceError
from linq_otel.stories._sources._gathering import QueriedSource
from linq_otel.stories._sources._jaeger_json import parse_traces
from linq_otel.stories._sources._wanted import is_otel_trace_id


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


DEFAULT_URL: Final = "http://127.0.0.1:16686"
_MOST_SERVICES: Final = 40
_MOST_TRACES: Final = 50
_LOOKBACK_SECONDS: Final = 30 * 24 * 3600
# No id is of two kinds, so the first kind that is met is it. Arrays cannot be searched for.
_OF_TRACES: Final = (a.LINQ_TRACE_ID,)
_OF_OTHERS: Final = (a.MESSAGE_ID, a.EVENT_ID, a.CHAT_ID, a.LINQ_TRACE_ID)


class Jaeger(QueriedSource):
    """
    A Jaeger, by its query API.
    """

    __slots__ = ()

    def fetch_trace(self, otel_trace_id: str) -> list[SpanRecord]:
        """
        Return the spans of a trace; none if it is not there.

        Raises:
            SourceError: If it cannot be asked.
        """
        with self.api.reading("trace"):
            answer = self.api.find(f"/api/v3/traces/{otel_trace_id}", raw_traces="true")
            if answer is not None:
                return list(parse_request(get_object(answer, "result")))
            answer = self.api.find(f"/api/traces/{otel_trace_id}", raw="true")
            return parse_traces(answer) if answer is not None else []

    def search(self, wanted: str) -> list[str]:
        """
        Return the traces that hold a span with this id among its attributes.

        Raises:
            SourceError: If it cannot be asked.
        """
        services = self._find_services()
        for key in _OF_TRACES if is_otel_trace_id(wanted) else _OF_OTHERS:
            # Ids are kept in lower case, but for those of Linq's traces.
            spellings = dict.fromkeys((wanted, wanted.lower()))
            found = [
                otel_trace_id
                for service in services
                for spelling in spellings
                for otel_trace_id in self._search_service(service, key, spelling)
            ]
            if found:
                return list(dict.fromkeys(found))
        return []

    def _find_services(self) -> list[str]:
        answer = self.api.find("/api/services")
        if answer is None:
            raise SourceError(f"{self.title} has no services to list; is this its query API?")
        names = answer.get("data")
        if not isinstance(names, list):
            return []
        return [str(name) for name in cast("list[object]", names)[:_MOST_SERVICES]]

    def _search_service(self, service: str, key: str, value: str) -> list[str]:
        now = time.time_ns() // 1_000
        answer = self.api.find(
            "/api/traces",
            service=service,
            tags=json.dumps({key: value}),
            start=now - _LOOKBACK_SECONDS * 1_000_000,
            end=now + 3600 * 1_000_000,
            limit=_MOST_TRACES,
        )
        with self.api.reading("search"):
            traces = get_objects(answer or {}, "data")
            return [get_text(trace, "traceID").zfill(32) for trace in traces]
