"""
OpenTelemetry ids that are the same in every run: 1, 2, 3.
"""

from __future__ import annotations

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator


class CountedIds(IdGenerator):
    """
    Counts trace ids and span ids from 1, in the order in which spans start.

    Ids that Linq gives and ids that are derived stay what they are. Where several threads start
    spans, who comes first is not settled by this.
    """

    def __init__(self) -> None:
        self._otel_trace_ids = itertools.count(1)
        self._span_ids = itertools.count(1)

    def generate_trace_id(self) -> int:
        """
        Return the next trace id.
        """
        return next(self._otel_trace_ids)

    def generate_span_id(self) -> int:
        """
        Return the next span id.
        """
        return next(self._span_ids)

    def is_trace_id_random(self) -> bool:
        """
        Return False, so that the W3C random flag is not set.
        """
        return False

    @staticmethod
    def otel_trace_id(number: int) -> str:
        """
        Write the trace id of that number, from 1, as a backend shows it.
        """
        return f"{number:032x}"

    @staticmethod
    def span_id(number: int) -> str:
        """
        Write the span id of that number, from 1, as a backend shows it.
        """
        return f"{number:016x}"


class SwitchedIds(IdGenerator):
    """
    Takes a provider's ids from where it took them before, or from ``counted`` while that is set.

    A tracer keeps the generator it was made with, so it is this one that has to change its mind.
    """

    def __init__(self, usual: IdGenerator) -> None:
        self.counted: CountedIds | None = None
        self._usual = usual

    def generate_trace_id(self) -> int:
        """
        Return the next trace id.
        """
        return (self.counted or self._usual).generate_trace_id()

    def generate_span_id(self) -> int:
        """
        Return the next span id.
        """
        return (self.counted or self._usual).generate_span_id()

    def is_trace_id_random(self) -> bool:
        """
        Tell whether trace ids are random; older generators do not know.
        """
        is_random = getattr(self.counted or self._usual, "is_trace_id_random", None)
        return bool(is_random and is_random())
