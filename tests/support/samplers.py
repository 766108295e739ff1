"""
Samplers as apps configure them, and the ids each must take, counted by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.util.types import Attributes


RATIOS: Final = (1.0, 0.1, 0.01)


class _Root(Sampler):
    """
    A sampler of the app's own, of which only the decision differs.
    """

    def should_sample(  # noqa: PLR0917  # The SDK's signature.
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Attributes = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """
        Answer with the attributes that were given, as a sampler of the SDK must.
        """
        takes = self.takes(trace_id, dict(attributes or {}))
        decision = Decision.RECORD_AND_SAMPLE if takes else Decision.DROP
        return SamplingResult(decision, attributes)

    def takes(self, otel_trace_id: int, attributes: Mapping[str, Any]) -> bool:
        """
        Decide.
        """
        raise NotImplementedError

    def get_description(self) -> str:
        """
        Return its name.
        """
        return type(self).__name__


class EndOfId(_Root):
    """
    Decides by the end of the trace id, in a way of its own.
    """

    def __init__(self, ratio: float) -> None:
        self._below = round(ratio * 1000)

    def takes(self, otel_trace_id: int, attributes: Mapping[str, Any]) -> bool:
        """
        Take the ids that end low.
        """
        return otel_trace_id % 1000 < self._below


class ByMessage(_Root):
    """
    Decides by an attribute: takes the messages whose ids begin with these digits.
    """

    def __init__(self, *digits: str) -> None:
        self._digits = digits

    def takes(self, otel_trace_id: int, attributes: Mapping[str, Any]) -> bool:
        """
        Take what is about these messages.
        """
        return str(attributes.get("linq.message.id", "-")).startswith(self._digits)


class EveryThird(_Root):
    """
    Decides by how often it was asked, as a rate limiter does.
    """

    def __init__(self) -> None:
        self.asked = 0

    def takes(self, otel_trace_id: int, attributes: Mapping[str, Any]) -> bool:
        """
        Take the first, the fourth, the seventh asked about.
        """
        self.asked += 1
        return self.asked % 3 == 1


class Silent(_Root):
    """
    Takes all, and says nothing of the attributes: the SDK takes that for none.
    """

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        """
        Answer with no attributes.
        """
        return SamplingResult(Decision.RECORD_AND_SAMPLE)


def consistent(ratio: float) -> Sampler:
    """
    Return the SDK's consistent probability sampler (experimental in 1.45).
    """
    ratio_based = composable_traceid_ratio_based(ratio)
    return composite_sampler(composable_parent_threshold(ratio_based))


def parent_based(ratio: float) -> Sampler:
    """
    Return ``OTEL_TRACES_SAMPLER=parentbased_traceidratio``.
    """
    return ParentBased(TraceIdRatioBased(ratio))


def own_root(ratio: float) -> Sampler:
    """
    Return a sampler of the app's own for roots, which its children follow.
    """
    return ParentBased(EndOfId(ratio))


def takes_low(ratio: float, otel_trace_id: int) -> bool:
    """
    Tell what ``TraceIdRatioBased`` must answer: by the low 64 bits, the lower part.
    """
    return otel_trace_id % 2**64 < ratio * 2**64


def takes_high(ratio: float, otel_trace_id: int) -> bool:
    """
    Tell what a consistent sampler must answer: by the low 56 bits, the upper part.
    """
    return otel_trace_id % 2**56 >= round((1 - ratio) * 2**56)


def takes_end(ratio: float, otel_trace_id: int) -> bool:
    """
    Tell what `EndOfId` must answer.
    """
    return otel_trace_id % 1000 < ratio * 1000


SAMPLERS: Final[dict[str, tuple[Callable[[float], Sampler], Callable[[float, int], bool]]]] = {
    "parentbased_traceidratio": (parent_based, takes_low),
    "traceidratio": (TraceIdRatioBased, takes_low),
    "consistent": (consistent, takes_high),
    "own root": (own_root, takes_end),
}
