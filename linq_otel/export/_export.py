"""
What ``configure`` returns: what was chosen, and how to end it.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from linq_otel._exits import call_without_atexit, forget_end
from linq_otel._forks import renew_if_changed
from linq_otel.errors import ConfigurationError

from ._checks import check_all, get_transport
from ._explaining import explain
from ._providers import attach
from ._waiting import call_side_by_side


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import TracerProvider

    from linq_otel._backends import Signal

    from ._answers import CheckResult
    from ._plans import Plan
    from ._providers import Outlet
    from ._targets import Target


__all__ = ["Export"]

_FLUSH_SECONDS: Final = 10.0
_READ_BY_SDK: Final = (
    "OTEL_ATTRIBUTE_",
    "OTEL_BLRP_",
    "OTEL_BSP_",
    "OTEL_EXPORTER_OTLP_",
    "OTEL_LOGRECORD_",
    "OTEL_METRIC",
    "OTEL_SPAN_",
)


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """
    An export under way.

    No text of it holds a key: not :meth:`explain`, not its ``repr``.

    Attributes:
        backend: The name of the backend, ``jaeger`` say.
        is_running: False if nothing of ours exports: all signals are switched
            off, or the app exports them to the same place itself.
    """

    _plan: Plan = field(repr=False)
    _outlets: tuple[Outlet, ...] = field(repr=False)
    _resource: Resource = field(repr=False)
    backend: str = ""
    is_running: bool = False
    _ended: Event = field(default_factory=Event, repr=False)

    @property
    def tracer_provider(self) -> TracerProvider | None:
        """
        Where spans are recorded for this export; None if traces are not exported.

        Pass it to ``instrument(tracer_provider=…)`` where :meth:`explain` calls
        it private; else that finds it by itself.
        """
        provider: TracerProvider | None = self._find_provider("traces")
        return provider

    @property
    def meter_provider(self) -> MeterProvider | None:
        """
        The same for metrics.
        """
        provider: MeterProvider | None = self._find_provider("metrics")
        return provider

    @property
    def logger_provider(self) -> LoggerProvider | None:
        """
        The same for logs.
        """
        provider: LoggerProvider | None = self._find_provider("logs")
        return provider

    def explain(self) -> str:
        """
        Say what was chosen and why, and which variables would say the same, in a few lines.
        """
        return explain(self._plan, self._outlets, self._resource)

    def check(self, timeout: float = 5.0) -> tuple[CheckResult, ...]:
        """
        Send each signal's endpoint an export of nothing.

        Args:
            timeout: Seconds after which no answer is one, for all together.
        """
        return check_all([outlet.target for outlet in self._outlets], timeout)

    def flush(self, timeout: float = _FLUSH_SECONDS) -> bool:
        """
        Export what is held back; blocks, so call it from no event loop.

        Args:
            timeout: Seconds for all signals together.

        Returns:
            True if all of it was taken in time.
        """
        renew_if_changed()
        parts = [outlet for outlet in self._outlets if outlet.part is not None]
        before = _count_failures(parts)
        # Not the provider's: what the app exports elsewhere is its own business.
        flushes = [partial(o.part.force_flush, timeout_millis=round(timeout * 1000)) for o in parts]
        is_done = call_side_by_side(flushes, timeout) == [True] * len(flushes)
        return is_done and _count_failures(parts) == before

    def shutdown(self, timeout: float = _FLUSH_SECONDS) -> None:
        """
        Export what is held back and end, once; called by itself when the process ends.

        An app's own provider is left running; it ends our part with itself.

        Args:
            timeout: Seconds for all signals together; what has not left by
                then is lost.
        """
        if self._ended.is_set():
            return
        self._ended.set()
        renew_if_changed()
        atexit.unregister(self.shutdown)
        forget_end(self.flush)
        ends = [end for outlet in self._outlets if (end := _find_end(outlet)) is not None]
        call_side_by_side(ends, timeout)

    def _find_provider(self, signal: Signal) -> Any:
        return next((o.provider for o in self._outlets if o.target.signal == signal), None)


def open_export(plan: Plan, given: Mapping[Signal, Any], resource: Resource) -> Export:
    """
    Begin to export as *plan* says, until the process ends.

    Raises:
        ConfigurationError: If the exporters of a protocol are not installed, or the
            SDK refuses a variable of its own.
    """
    # All of them before any, so that an error leaves nothing half made.
    for target in plan.targets:
        get_transport(target.protocol)
    outlets = tuple(_attach(target, given.get(target.signal), resource) for target in plan.targets)
    is_running = any(outlet.part is not None for outlet in outlets)
    export = Export(plan, outlets, resource, plan.backend.name, is_running=is_running)
    if is_running:
        atexit.register(export.shutdown)
        # Not its shutdown: who sends a signal may not mean the end.
        call_without_atexit(export.flush)
    return export


def _attach(target: Target, given: Any | None, resource: Resource) -> Outlet:
    try:
        return attach(target, given, resource)
    except ValueError as error:
        # The SDK reads variables of its own, and says of few which one it means.
        read = sorted(name for name in os.environ if name.startswith(_READ_BY_SDK))
        said = " ".join(str(error).split()).rstrip(".")
        raise ConfigurationError(
            f"OpenTelemetry cannot export {target.signal}, as {said}: correct {' or '.join(read)}"
        ) from None


def _find_end(outlet: Outlet) -> Callable[[], object] | None:
    # A provider knows its own readers, but not one that was added later.
    is_late = outlet.how == "added" and outlet.target.signal == "metrics"
    if not outlet.is_ours and not is_late:
        return None
    end: Callable[[], object] = (outlet.part if is_late else outlet.provider).shutdown
    return end


def _count_failures(outlets: Sequence[Outlet]) -> int:
    return sum(outlet.exporter.failures for outlet in outlets if outlet.exporter is not None)
