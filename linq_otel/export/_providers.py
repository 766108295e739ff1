"""
Puts an export beside what the app has: a processor more on its provider, or a provider if none.

A provider that is there is never replaced: the app's own exports go on, and
its spans and ours stay one trace, under one sampler. A provider of another
vendor, which takes no processor, is left alone; ours is then a private one,
for whoever passes it on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs import export as log_parts
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics import export as metric_parts
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace import export as span_parts

from linq_otel._forks import call_at_fork, renew_if_changed

from ._checks import get_transport
from ._destinations import exports_to
from ._variables import TEMPORALITY, find_variable
from ._watching import Watched


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Span

    from linq_otel._backends import Signal

    from ._targets import Target


__all__ = ["Outlet", "attach"]

How = Literal["global", "added", "private", "there"]
"""A provider of ours made the global one; one added to; a private one; exported already."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """
    How one signal leaves: the provider, and our part of it.

    Attributes:
        provider: Where the signal is recorded.
        part: Our span or log processor, or our metric reader; None if the
            provider exports to the same place already.
        exporter: What `part` exports with.
        how: Whose the provider is.
    """

    target: Target
    provider: Any
    how: How
    part: Any = None
    exporter: Watched | None = None

    @property
    def is_ours(self) -> bool:
        """
        True if the provider is of our making, and nobody else's to shut down.
        """
        return self.how in {"global", "private"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """
    What differs from signal to signal.
    """

    api: str
    find_global: Callable[[], Any]
    set_global: Callable[[Any], None]
    add: str
    make_part: Callable[[Any], Any]
    make_provider: Callable[[Any, Resource], Any]


class _Renewed:
    """
    Starts the SDK's thread anew in a child that was forked without Python's knowledge.

    Without it a worker of uWSGI exports no metrics, and waits at its end for a
    thread that only its parent has.
    """

    def __init__(self, exporter: Any) -> None:
        super().__init__(exporter)  # type: ignore[call-arg]  # The SDK's, which comes next.
        call_at_fork(in_unannounced_child=self._start_anew)

    def _start_anew(self) -> None:
        # Neither name is public. What is not there any more is not called.
        part: Any = getattr(self, "_batch_processor", self)
        start = getattr(part, "_at_fork_reinit", None)
        if start is not None and getattr(part, "_pid", None) != os.getpid():
            start()


# Under the names of the SDK's own, by which the doctor and others know them.
class BatchSpanProcessor(_Renewed, span_parts.BatchSpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        # The first sign of traffic in a new process, whosever span it is.
        renew_if_changed()
        super().on_start(span, parent_context)


class PeriodicExportingMetricReader(_Renewed, metric_parts.PeriodicExportingMetricReader):
    pass


class BatchLogRecordProcessor(_Renewed, log_parts.BatchLogRecordProcessor):
    pass


def _make_tracer_provider(part: Any, resource: Resource) -> TracerProvider:
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(part)
    return provider


def _make_meter_provider(part: Any, resource: Resource) -> MeterProvider:
    return MeterProvider(metric_readers=[part], resource=resource, shutdown_on_exit=False)


def _make_logger_provider(part: Any, resource: Resource) -> LoggerProvider:
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(part)
    return provider


_KINDS: Final[Mapping[Signal, _Kind]] = {
    "traces": _Kind(
        api="opentelemetry.trace",
        find_global=trace.get_tracer_provider,
        set_global=trace.set_tracer_provider,
        add="add_span_processor",
        make_part=BatchSpanProcessor,
        make_provider=_make_tracer_provider,
    ),
    "metrics": _Kind(
        api="opentelemetry.metrics",
        find_global=metrics.get_meter_provider,
        set_global=metrics.set_meter_provider,
        add="add_metric_reader",
        make_part=PeriodicExportingMetricReader,
        make_provider=_make_meter_provider,
    ),
    "logs": _Kind(
        api="opentelemetry._logs",
        find_global=_logs.get_logger_provider,
        set_global=_logs.set_logger_provider,
        add="add_log_record_processor",
        make_part=BatchLogRecordProcessor,
        make_provider=_make_logger_provider,
    ),
}
# Counts of a process that ends soon say more as changes; what goes up and down does not.
_DELTA: Final = dict.fromkeys((Counter, ObservableCounter, Histogram), AggregationTemporality.DELTA)


def attach(target: Target, given: Any | None, resource: Resource) -> Outlet:
    """
    Make *target* an outlet of the provider that is there, or of a new one.

    Args:
        target: Where to.
        given: The provider to use; the global one if None.
        resource: What a new provider says of this process.

    Raises:
        ConfigurationError: If the exporters of its protocol are not installed.
    """
    kind = _KINDS[target.signal]
    provider = given if given is not None else kind.find_global()
    is_unset = given is None and _is_unset(provider, kind)
    if not is_unset and exports_to(provider, target.url):
        return Outlet(target, provider, "there")
    exporter = _make_exporter(target)
    part = kind.make_part(exporter)
    add = None if is_unset else getattr(provider, kind.add, None)
    if add is not None:
        add(part)
        return Outlet(target, provider, "added", part, exporter)
    made = kind.make_provider(part, resource)
    if is_unset:
        kind.set_global(made)
    how: How = "global" if kind.find_global() is made else "private"
    return Outlet(target, made, how, part, exporter)


def _is_unset(provider: object, kind: _Kind) -> bool:
    # What the API puts in a provider's place until there is one.
    return type(provider).__module__.startswith(kind.api)


def _make_exporter(target: Target) -> Watched:
    options: dict[str, Any] = {}
    is_said = find_variable(os.environ, TEMPORALITY) is not None
    if target.signal == "metrics" and target.backend.delta and not is_said:
        options["preferred_temporality"] = _DELTA
    return Watched(get_transport(target.protocol).make_exporter(target, **options), target)
