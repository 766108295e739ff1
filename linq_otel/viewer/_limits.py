"""
How much a database may hold: it runs beside somebody's work, for days, and is fed by strangers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What is kept at most.

    Attributes:
        spans: Spans in all; beyond them the oldest whole traces leave.
        seconds: Age of a trace nothing was added to.
        size: Bytes of spans in all; beyond them, as above.
        trace_spans: Spans of one trace; more are not taken.
        trace_size: Bytes of the spans of one trace; more are not taken.
    """

    spans: int = 100_000
    seconds: float = 7 * 86_400.0
    size: int = 512 * 2**20
    trace_spans: int = 10_000
    trace_size: int = 64 * 2**20
