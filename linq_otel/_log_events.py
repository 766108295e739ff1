"""
What is said as log events: failures, and stages if an app wants them.

Exceptions on spans are deprecated in favour of log events
(https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/). The
type alone is told: the text of an exception and its stack may quote a phone
number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

from . import _attributes as a
from ._shield import shield, type_name
from ._version import __version__


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.context import Context


SEND_EXCEPTION: Final = "messaging.send.exception"
"""A call that sends a message failed, after its retries; WARN."""
CALL_EXCEPTION: Final = "linq.client.operation.exception"
"""Another call of the API failed, after its retries; WARN."""
PROCESS_EXCEPTION: Final = "messaging.process.exception"
"""A webhook's handler raised; ERROR."""


class LogEvents:
    """
    Emits log events of this package.

    Args:
        provider: Where they go; the global one if None.
    """

    def __init__(self, provider: LoggerProvider | None) -> None:
        self._logger = get_logger("linq_otel", __version__, provider)

    def note_exception(
        self, name: str, error: BaseException, facts: Mapping[str, Any], context: Context
    ) -> None:
        """
        Say that what the span in *context* stands for ended in *error*.
        """
        severity = SeverityNumber.ERROR if name == PROCESS_EXCEPTION else SeverityNumber.WARN
        self._emit(name, severity, {**facts, a.EXCEPTION_TYPE: type_name(error)}, context, None)

    def note_stage(self, stage: str, at: int, facts: Mapping[str, Any], context: Context) -> None:
        """
        Say that a message came to *stage* at *at*, Unix nanoseconds.
        """
        failed = stage == "failed"
        severity = SeverityNumber.WARN if failed else SeverityNumber.INFO
        self._emit(a.STAGE_EVENT.format(stage=stage), severity, facts, context, at)

    def _emit(
        self,
        name: str,
        severity: SeverityNumber,
        facts: Mapping[str, Any],
        context: Context,
        at: int | None,
    ) -> None:
        with shield("emitting a log event"):
            try:
                record = LogRecord(
                    timestamp=at,
                    context=context,
                    severity_number=severity,
                    severity_text=severity.name,
                    attributes=dict(facts),
                    event_name=name,
                )
            except TypeError:
                # Before OpenTelemetry 1.35 a record had no name, and would be no event.
                return
            self._logger.emit(record)
