"""
Linq's integration logs as traces: its calls to GoHighLevel, HubSpot, Salesforce and the rest.

::

    from linq_otel.integration_logs import read, replay

    replay(read("logs/*.ndjson"), endpoint="http://localhost:4318")

The dashboard shows these calls row by row; here they become spans with their own times beside the
live traces, each with a verdict on whether the hand-off was delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ._capture import EntrySink
    from ._entries import Entry
    from ._findings import Rejected, Warned
    from ._options import ReadOptions
    from ._providers import Operation, Provider
    from ._reading import Reading, read
    from ._replay import Replayed, replay
    from ._replay_options import ReplayOptions


__all__ = [
    "Entry",
    "EntrySink",
    "Operation",
    "Provider",
    "ReadOptions",
    "Reading",
    "Rejected",
    "ReplayOptions",
    "Replayed",
    "Warned",
    "read",
    "replay",
]

# Loaded when first asked for: an app that writes rows down needs no reader and no SDK.
_HOMES = {
    "Entry": "_entries",
    "EntrySink": "_capture",
    "Operation": "_providers",
    "Provider": "_providers",
    "ReadOptions": "_options",
    "Reading": "_reading",
    "Rejected": "_findings",
    "ReplayOptions": "_replay_options",
    "Replayed": "_replay",
    "Warned": "_findings",
    "read": "_reading",
    "replay": "_replay",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # Only when a name is asked for.

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
