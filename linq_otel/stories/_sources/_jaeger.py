"""
Asks Jaeger, of version 2 or 1, and whatever else speaks its query API.

Traces are fetched by API v3, which hands out OTLP with the links' attributes; where there is none,
by the API of Jaeger's page. Searching goes by the latter where it is there: up to Jaeger 2.18 the
search of v3 disregards ``query.attributes``. After 2.20 there is v3 alone. Both want a service, so
every service is asked.

https://www.jaegertracing.io/docs/latest/architecture/apis/
"""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, cast

from linq_otel import _attributes as a
from linq_otel._otlp_fields import get_object, get_objects, get_text
from linq_otel._otlp_json import parse_request
from linq_otel.stories._sources import SourceError
from linq_otel.stories._sources._gathering import QueriedSource
from linq_otel.stories._sources._jaeger_json import parse_traces
from linq_otel.stories._sources._wanted import is_otel_trace_id


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from linq_otel._otlp_json import SpanRecord

    _Search = Callable[[str, str, str], list[str]]


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
            raw = _spell_both({"rawTraces": "true"})
            answer = self.api.find_if_known(f"/api/v3/traces/{otel_trace_id}", **raw)
            if answer is not None:
                return list(parse_request(get_object(answer, "result")))
            answer = self.api.find_if_known(f"/api/traces/{otel_trace_id}", raw="true")
            return parse_traces(answer) if answer is not None else []

    def search(self, wanted: str) -> list[str]:
        """
        Return the traces that hold a span with this id among its attributes.

        Raises:
            SourceError: If it cannot be asked.
        """
        services, search = self._find_services()
        for key in _OF_TRACES if is_otel_trace_id(wanted) else _OF_OTHERS:
            # Ids are kept in lower case, but for those of Linq's traces.
            spellings = dict.fromkeys((wanted, wanted.lower()))
            found = [
                otel_trace_id
                for service in services
                for spelling in spellings
                for otel_trace_id in search(service, key, spelling)
            ]
            if found:
                return list(dict.fromkeys(found))
        return []

    def _find_services(self) -> tuple[list[str], _Search]:
        """
        Return the services, and the search of the API that has them.
        """
        answer = self.api.find_if_known("/api/services")
        if answer is not None:
            return _list_names(answer, "data"), self._search_page
        answer = self.api.find("/api/v3/services")
        if answer is None:
            raise SourceError(f"{self.title} has no services to list; is this its query API?")
        return _list_names(answer, "services"), self._search_v3

    def _search_page(self, service: str, key: str, value: str) -> list[str]:
        since, until = (at // 1_000 for at in _look_back())
        answer = self.api.find(
            "/api/traces",
            service=service,
            tags=json.dumps({key: value}),
            start=since,
            end=until,
            limit=_MOST_TRACES,
        )
        with self.api.reading("search"):
            traces = get_objects(answer or {}, "data")
            return [get_text(trace, "traceID").zfill(32) for trace in traces]

    def _search_v3(self, service: str, key: str, value: str) -> list[str]:
        since, until = (_spell_time(at) for at in _look_back())
        parameters: dict[str, str | int] = {
            "query.serviceName": service,
            "query.attributes": json.dumps({key: value}),
            "query.startTimeMin": since,
            "query.startTimeMax": until,
            "query.searchDepth": _MOST_TRACES,
            # Its older name.
            "query.num_traces": _MOST_TRACES,
            "query.rawTraces": "true",
        }
        # 404 is an answer: no such trace.
        answer = self.api.find("/api/v3/traces", **_spell_both(parameters))
        with self.api.reading("search"):
            spans = parse_request(get_object(answer or {}, "result"))
            # Whole traces come, and from what disregards the attributes others as well.
            return [span.otel_trace_id for span in spans if span.attributes.get(key) == value]


def _list_names(answer: Mapping[str, object], key: str) -> list[str]:
    names = answer.get(key)
    if not isinstance(names, list):
        return []
    return [str(name) for name in cast("list[object]", names)[:_MOST_SERVICES]]


def _look_back() -> tuple[int, int]:
    """
    Return from when to when is searched, in Unix nanoseconds.
    """
    now = time.time_ns()
    return now - _LOOKBACK_SECONDS * 1_000_000_000, now + 3600 * 1_000_000_000


def _spell_both(parameters: Mapping[str, str | int]) -> dict[str, str | int]:
    """
    Return *parameters* by both of their names: as of Jaeger 2.19 the second ones are deprecated.
    """
    older = {
        re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value
        for name, value in parameters.items()
    }
    return {**older, **parameters}


def _spell_time(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
