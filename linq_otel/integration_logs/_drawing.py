"""
The span and the log record of a call, made by a provider of their own.

The app's provider samples and has a resource that differs by process; an import must keep every row
and write the same twice. So this one keeps all, and its resource never changes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from linq_otel import _attributes as a
from linq_otel._lifecycle import context_under
from linq_otel._tracer import SCHEMA_URL, DerivedIds, start_span
from linq_otel._version import __version__
from linq_otel.errors import ConfigurationError

from ._span_attributes import is_error, own_attributes, span_attributes


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from ._entries import Entry
    from ._homes import Home


SERVICE: Final = "linq-integrations"
SCOPE: Final = "linq_otel.bridge"
EVENT_NAME: Final = "linq.integration.call"
_ATTRIBUTES_AT_MOST: Final = 128
_SEVERITIES: Final = {
    "delivered": SeverityNumber.INFO,
    "accepted": SeverityNumber.INFO,
    "not_applicable": SeverityNumber.INFO,
    "unconfirmed": SeverityNumber.WARN,
    "throttled": SeverityNumber.WARN,
    "rejected": SeverityNumber.ERROR,
    "partial": SeverityNumber.ERROR,
}
_FLAGS: Final = TraceFlags(TraceFlags.SAMPLED)


class _EndedSpans(SpanProcessor):
    """
    Holds the span that ended last.
    """

    def __init__(self) -> None:
        self.last: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """
        Take *span*.
        """
        self.last = span


class _EmittedRecords(LogRecordProcessor):
    """
    Holds the log record that was emitted last.
    """

    def __init__(self) -> None:
        self.last: Any = None

    def on_emit(self, log_record: Any) -> None:
        """
        Take *log_record*.
        """
        self.last = log_record

    def shutdown(self) -> None:
        """
        Hold nothing any more.
        """
        self.last = None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Tell that nothing waits.
        """
        del timeout_millis
        return True


class Drawer:
    """
    Makes spans and log records.

    Args:
        detail: True adds what is on request.

    Raises:
        ConfigurationError: If ``OTEL_SDK_DISABLED`` is set: nothing would be sent.
    """

    def __init__(self, *, detail: bool = False) -> None:
        self._detail = detail
        resource = Resource({"service.name": SERVICE})
        limits = SpanLimits(max_span_attributes=_ATTRIBUTES_AT_MOST)
        ids: Any = DerivedIds(RandomIdGenerator(), ALWAYS_ON)
        provider = TracerProvider(ALWAYS_ON, resource, False, None, ids, limits)  # noqa: FBT003  # Theirs.
        self._spans = _EndedSpans()
        provider.add_span_processor(self._spans)
        self._tracer = provider.get_tracer(SCOPE, __version__, schema_url=SCHEMA_URL)
        logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._records = _EmittedRecords()
        logs.add_log_record_processor(self._records)
        self._logger = logs.get_logger(SCOPE, __version__, schema_url=SCHEMA_URL)

    def draw(self, entry: Entry, home: Home, span_id: int) -> ReadableSpan:
        """
        Make the span of *entry*.
        """
        is_client = entry.direction == "outbound"
        span = start_span(
            self._tracer,
            entry.title,
            context_under(home.parent, Context()) if home.parent else Context(),
            kind=SpanKind.CLIENT if is_client else SpanKind.SERVER,
            attributes=cast("Any", span_attributes(entry, home, detail=self._detail)),
            links=home.links,
            start_time=entry.moment.unix_ns,
            otel_trace_id=home.otel_trace_id,
            span_id=span_id,
        )
        if is_error(entry):
            span.set_status(Status(StatusCode.ERROR))
        span.end(entry.end_ns)
        drawn: ReadableSpan = self._take(self._spans.last)
        return drawn

    def record(self, entry: Entry, home: Home, span_id: int) -> Any:
        """
        Make the log record of *entry*, in the context of its span.
        """
        context = SpanContext(home.otel_trace_id, span_id, is_remote=False, trace_flags=_FLAGS)
        attributes = own_attributes(entry, home, detail=self._detail)
        if entry.outcome.error_type is not None:
            attributes[a.ERROR_TYPE] = entry.outcome.error_type
        severity = severity_of(entry)
        self._logger.emit(
            LogRecord(
                timestamp=entry.moment.unix_ns,
                observed_timestamp=time.time_ns(),
                context=context_under(context, Context()),
                severity_number=severity,
                severity_text=severity.name,
                body=f"{entry.title} → {entry.status or 'no answer'} {entry.outcome.delivery}",
                attributes=cast("Any", attributes),
                event_name=EVENT_NAME,
            )
        )
        return self._take(self._records.last)

    def _take(self, made: Any) -> Any:
        if made is None:
            raise ConfigurationError("OTEL_SDK_DISABLED is set: nothing would be sent")
        return made


def severity_of(entry: Entry) -> SeverityNumber:
    """
    Return how bad what became of *entry* is.
    """
    if entry.operation == "search" and entry.outcome.delivery == "rejected":
        return SeverityNumber.WARN
    default = SeverityNumber.ERROR if entry.outcome.is_failure else SeverityNumber.INFO
    return _SEVERITIES.get(entry.outcome.delivery, default)
