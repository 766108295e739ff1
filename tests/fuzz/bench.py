"""
A process under test: it draws spans, and emits log events, metrics and lines, and all are read.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from fuzz.soundness import check_attributes, check_span, is_sound


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan


# More than anybody's event types, operations, codes and services make together.
_MOST_SERIES: Final = 3_000


class Bench:
    """
    Collects what one input after another makes visible.

    Attributes:
        tracer_provider: Takes its spans.
        meter_provider: Takes its metrics.
        logger_provider: Takes its log events.
        spans: The spans of this input.
        events: The log events of this input.
        lines: The log lines of this input.
    """

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.events: list[ReadWriteLogRecord] = []
        self.lines: list[str] = []
        self._metrics = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(_Spans(self.spans))
        self.meter_provider = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(_Events(self.events))

    def clear(self) -> None:
        """
        Begin the next input.
        """
        for seen in (self.spans, self.events, self.lines):
            seen.clear()

    def check(self, private: Sequence[str], told: str = "") -> None:
        """
        Whatever is visible can be exported and read, and nothing *private* is in it.

        Args:
            private: What must not be seen.
            told: Text that came out by other ways, such as an error's.
        """
        shown = "\n".join((told, *self.lines, *map(_shown, self.spans), *map(_said, self.events)))
        assert [word for word in private if is_in(word, shown)] == []
        for line in self.lines:
            assert len(line) < 300, line
            assert line.isprintable(), line
        for span in self.spans:
            check_span(span)
        for event in self.events:
            record = event.log_record
            assert record.body is None
            assert is_sound(record.event_name), record.event_name
            check_attributes(dict(record.attributes or {}))

    def check_metrics(self) -> None:
        """
        After all inputs, the numbers are counted by few things, and by sound ones.
        """
        data = self._metrics.get_metrics_data()
        series = [
            dict(point.attributes or {})
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]
        assert len(series) < _MOST_SERIES
        for attributes in series:
            check_attributes(attributes)

    def close(self) -> None:
        """
        End all that was begun.
        """
        for provider in (self.tracer_provider, self.meter_provider, self.logger_provider):
            provider.shutdown()


@contextmanager
def open_bench() -> Iterator[Bench]:
    """
    Yield a bench that listens to our logger alone.
    """
    bench, ours = Bench(), logging.getLogger("linq_otel")
    # Of a row's tracestate that is none, OpenTelemetry says so.
    theirs = logging.getLogger("opentelemetry")
    before = [(logger, logger.level, logger.propagate) for logger in (ours, theirs)]
    listener = _Lines(bench.lines)
    ours.setLevel(logging.DEBUG)
    ours.propagate = False
    ours.addHandler(listener)
    theirs.setLevel(logging.CRITICAL)
    try:
        yield bench
    finally:
        ours.removeHandler(listener)
        for logger, level, propagates in before:
            logger.setLevel(level)
            logger.propagate = propagates
        bench.close()


def is_in(word: str, text: str) -> bool:
    """
    Tell whether *word* stands in *text* by itself, and not as digits within some id.
    """
    if not word or word not in text:
        return False
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


class _Spans(SpanProcessor):
    def __init__(self, spans: list[ReadableSpan]) -> None:
        self._spans = spans

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)


class _Events(LogRecordProcessor):
    def __init__(self, events: list[ReadWriteLogRecord]) -> None:
        self._events = events

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._events.append(log_record)

    def shutdown(self) -> None:
        """
        Keep what there is.
        """

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
        # A traceback would quote the payload.
        assert record.exc_info is None


def _shown(span: ReadableSpan) -> str:
    said: list[Any] = [span.name, dict(span.attributes or {}), span.status.description]
    said += [(dict(link.attributes or {}), link.context.trace_state) for link in span.links]
    said += [(event.name, dict(event.attributes or {})) for event in span.events]
    said += [span.context.trace_state, span.parent.trace_state if span.parent else None]
    return str(said)


def _said(event: ReadWriteLogRecord) -> str:
    record = event.log_record
    return f"{record.event_name} {record.body} {dict(record.attributes or {})}"
