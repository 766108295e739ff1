"""
What a meter provider has measured, in a form a test can write down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric, Sum


@dataclass
class Meterage:
    """
    A meter provider, and what has been measured with it so far.

    Attributes:
        provider: Goes to ``instrument(meter_provider=…)``.
    """

    _reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    provider: MeterProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = MeterProvider([self._reader])

    @property
    def metrics(self) -> dict[str, Metric]:
        """
        Return the metrics that have points, by name.
        """
        data = self._reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def counts(self, name: str) -> dict[tuple[object, ...], int]:
        """
        Return the points of *name*: the values of their attributes, sorted by key, and how many.

        What a counter has not counted is left out: most of its series begin at zero.
        """
        is_counter = is_sum(self.metrics.get(name))
        return {
            _values(point): _count(point)
            for point in self._points(name)
            if _count(point) or not is_counter
        }

    def sums(self, name: str) -> dict[tuple[object, ...], float]:
        """
        Return the same for a histogram, with the sum of what was recorded.
        """
        return {_values(point): round(point.sum, 6) for point in self._points(name)}

    def _points(self, name: str) -> list[Any]:
        metric = self.metrics.get(name)
        return list(metric.data.data_points) if metric else []


def is_sum(metric: Metric | None) -> bool:
    """
    Return True if *metric* is what a counter makes.
    """
    return metric is not None and isinstance(metric.data, Sum)


def _values(point: Any) -> tuple[object, ...]:
    return tuple(value for _, value in sorted(point.attributes.items()))


def _count(point: Any) -> int:
    found: int = getattr(point, "count", None) or getattr(point, "value", 0)
    return found
