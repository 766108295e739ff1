"""
How old a span may be when it arrives, by backend: most lose what is older, and say nothing.

Each figure is from the backend's own documentation, as of 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


_HOUR_NS: Final = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """
    What a backend takes.

    Attributes:
        backend: Its name.
        hours: How old a span may be; None where no limit is documented.
        note: What happens to older ones, or what to set.
    """

    backend: str
    hours: float | None
    note: str


WINDOWS: Final = (
    Window("dynatrace", 1, "older spans are dropped"),
    Window("dash0", 6, "older spans are dropped"),
    Window("datadog", 18, "older spans are dropped"),
    Window("sumologic", 24, "older spans are dropped"),
    Window("jaeger", 72, "kept; with Elasticsearch, --es.max-span-age hides older ones"),
    Window("loki", 168, "log records: reject_old_samples_max_age"),
    Window("tempo", 0.01, "kept, but missing from generated metrics and from searches by time: "
           "look up by trace id"),
    Window("honeycomb", None, "no limit is documented"),
)  # fmt: skip
BACKENDS: Final = tuple(window.backend for window in WINDOWS)


def find_closed(first_ns: int, now_ns: int, backend: str | None = None) -> list[Window]:
    """
    Return the windows that rows as old as *first_ns* do not fit through.

    Args:
        first_ns: The oldest row.
        now_ns: The present.
        backend: The one that is meant; all of them if None.
    """
    hours = (now_ns - first_ns) / _HOUR_NS
    return [
        window
        for window in WINDOWS
        if window.hours is not None and hours > window.hours and backend in (None, window.backend)
    ]
