"""
Looks over everything this package says while the tests run, for what it must never say.

Every test is such a test: whatever it sends and receives, no signal of ours may hold a phone
number, an address, a text or a secret, unless the test is marked as one that discloses.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from opentelemetry.sdk._logs import export as log_export
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Iterator

# Its name before OpenTelemetry 1.39.
LogExporter: Any = getattr(
    log_export, "InMemoryLogRecordExporter", getattr(log_export, "InMemoryLogExporter", None)
)
SCOPE = "linq_otel"
FORBIDDEN = re.compile(
    # Not within a UUID of the tests, which are rich in fives.
    rf"(?<![0-9A-Fa-f-])\+?1? ?555[ -]?\d{{4,7}}\b|{re.escape(p.TEXT)}"
    r"|whsec_[A-Za-z0-9+/=]{8}|secret-token"
    r"|[A-Za-z0-9._]+@[a-z]+\.(?:com|test|org)",
)


class Watch:
    """
    What was said that must not be said: where, and the words around it.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def look_at(self, where: str, *said: object) -> None:
        """
        Note each forbidden thing in *said*.
        """
        for text in map(str, said):
            match = FORBIDDEN.search(text)
            if match is not None:
                self.found.append(f"{where}: {text[max(0, match.start() - 30) : match.end() + 10]}")

    def look_at_spans(self, spans: Any) -> None:
        """
        Look over the spans of ours among *spans*.
        """
        for span in spans:
            if span.instrumentation_scope.name != SCOPE:
                continue
            links = [dict(link.attributes or {}) for link in span.links]
            events = [(event.name, dict(event.attributes or {})) for event in span.events]
            said = (dict(span.attributes or {}), links, events, span.status.description)
            self.look_at(f"span {span.name}", span.name, *said)

    def look_at_records(self, batch: Any) -> None:
        """
        Look over the log events of ours in *batch*.
        """
        for each in batch:
            if each.instrumentation_scope.name == SCOPE:
                record = each.log_record
                self.look_at("log event", record.body, dict(record.attributes or {}))

    def look_at_metrics(self, data: Any) -> None:
        """
        Look over the metrics of ours in *data*.
        """
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics]
        for scope in scopes:
            if scope.scope.name == SCOPE:
                for metric in scope.metrics:
                    points = [dict(point.attributes) for point in metric.data.data_points]
                    self.look_at(f"metric {metric.name}", points)


class _Listener(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        """
        Look over the line and its traceback.
        """
        self._watch.look_at("log line", record.getMessage(), record.exc_info or "")


@contextmanager
def watching() -> Iterator[Watch]:
    """
    Look over all signals of ours that are collected while the block lasts.
    """
    watch = Watch()
    listener = _Listener(watch)
    logger = logging.getLogger(SCOPE)
    logger.addHandler(listener)
    try:
        with (
            _looking(InMemorySpanExporter, "export", watch.look_at_spans),
            _looking(LogExporter, "export", watch.look_at_records),
            _looking(InMemoryMetricReader, "_receive_metrics", watch.look_at_metrics),
        ):
            yield watch
    finally:
        logger.removeHandler(listener)


def _looking(owner: type, name: str, look: Any) -> Any:
    original = getattr(owner, name)

    def looking(self: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        look(data)
        return original(self, data, *args, **kwargs)

    return patch.object(owner, name, looking)
