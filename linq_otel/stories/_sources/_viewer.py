"""
Asks a viewer (``linq-otel view``) that runs on this host.

It hands out stories as documents, which are read back into spans here, so that a viewer is a source
like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote

from linq_otel._otlp_fields import get_id, get_object, get_objects, get_text, get_time
from linq_otel._otlp_json import LinkRecord, SpanRecord
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import AttributeValue
    from linq_otel.stories._sources._http import QueryApi


DEFAULT_URL: Final = "http://127.0.0.1:4318"
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class RunningViewer:
    """
    A viewer, by the API of its page.
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
        Return all spans of the story that an id leads to.

        Raises:
            SourceError: If it cannot be asked.
            ConfigurationError: If several ids begin with *wanted*.
        """
        place = self.api.find("/api/find", id=wanted)
        if place is None:
            return []
        if several := get_text(place, "several"):
            raise ConfigurationError(several)
        with self.api.reading("story"):
            path = f"/api/stories/{quote(get_text(place, 'otel_trace_id'))}"
            story = self.api.find(path, message=get_text(place, "message_id"))
            return [] if story is None else read_document(story)


def read_document(document: Mapping[str, object]) -> list[SpanRecord]:
    """
    Read a story's document back into spans.

    Raises:
        ValueError: If it is none.
    """
    return [
        _read_span(span, get_id(trace, "otel_trace_id", _TRACE_ID_BYTES))
        for trace in get_objects(document, "traces")
        for span in get_objects(trace, "spans")
    ]


def _read_span(span: Mapping[str, object], otel_trace_id: str) -> SpanRecord:
    parent = get_text(span, "parent_span_id")
    return SpanRecord(
        otel_trace_id=otel_trace_id,
        span_id=get_id(span, "span_id", _SPAN_ID_BYTES),
        parent_span_id=parent or None,
        name=get_text(span, "name"),
        kind=get_text(span, "kind"),
        start_ns=get_time(span, "start_ns"),
        end_ns=get_time(span, "end_ns"),
        attributes=_read_attributes(span),
        links=tuple(_read_link(link) for link in get_objects(span, "links")),
        status=get_text(span, "status"),
        service_name=get_text(span, "service_name"),
        scope_name=get_text(span, "scope_name"),
    )


def _read_link(link: Mapping[str, object]) -> LinkRecord:
    return LinkRecord(
        get_id(link, "otel_trace_id", _TRACE_ID_BYTES),
        get_id(link, "span_id", _SPAN_ID_BYTES),
        _read_attributes(link),
    )


def _read_attributes(holder: Mapping[str, object]) -> dict[str, AttributeValue]:
    return {key: _read_value(value) for key, value in get_object(holder, "attributes").items()}


def _read_value(value: object) -> AttributeValue:
    if isinstance(value, list):
        return tuple(_read_value(each) for each in cast("list[object]", value))
    return cast("AttributeValue", value)
