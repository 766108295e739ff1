"""
How old a span may be when it arrives, by backend: most lose what is older, and say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from linq_otel._backends import BACKENDS


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


def _list_windows() -> tuple[Window, ...]:
    windows: list[Window] = []
    for backend in BACKENDS.values():
        # A trace that is closed by waiting takes all that an import sends of it at once.
        late = backend.hidden if backend.late_action == "link" else backend.late or backend.hidden
        hours = None if late is None else late.total_seconds() / 3600
        windows.append(Window(backend.name, hours, backend.note))
    return tuple(sorted(windows, key=lambda window: window.hours or 0))


WINDOWS: Final = _list_windows()


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
