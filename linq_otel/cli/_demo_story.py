"""
What the demo is asked for, what its processes are told, and what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from pathlib import Path

    from linq_otel._otlp_json import SpanRecord


# Variables of the environment, by which the demo's processes are told of it.
SPANS_FILE: Final = "LINQ_DEMO_SPANS"
STORE: Final = "LINQ_DEMO_STORE"
JOIN: Final = "LINQ_DEMO_JOIN"
AGO: Final = "LINQ_DEMO_AGO"
"""How many seconds ago it all began, for the clocks of the processes."""

STORES: Final = {
    "shared": "an SQLite file that sender and receiver both open",
    "none": "sender and receiver each remember their own, and nothing of the other",
}

SENDER: Final = "shop"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """
    What the command line says.
    """

    scenario: str
    join: str
    endpoint: str | None
    output: Path
    seed: int | None
    as_json: bool
    store: str = "shared"


@dataclass(frozen=True, slots=True)
class Story:
    """
    What happened while the demo ran.

    Attributes:
        told: What the sender says of its call.
        webhooks: The event types delivered, in order, each with the app's answer.
        spans: What the two processes recorded.
    """

    told: dict[str, str]
    webhooks: tuple[tuple[str, int | None], ...]
    spans: tuple[SpanRecord, ...] = ()
