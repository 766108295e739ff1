"""
OpenTelemetry tracing for the Linq messaging API: one message, one trace.

::

    from linq_otel import instrument

    instrument()

The other doors are :mod:`linq_otel.webhooks` with an adapter for each framework
under it, :mod:`linq_otel.links`, :mod:`linq_otel.propagation` and
:mod:`linq_otel.origins` for apps that are traced already,
:mod:`linq_otel.stores` and :mod:`linq_otel.testing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__


if TYPE_CHECKING:
    from ._events import Event
    from ._everything import instrument, uninstrument
    from ._settings import Options
    from .instrumentor import LinqInstrumentor


__all__ = ["Event", "LinqInstrumentor", "Options", "__version__", "instrument", "uninstrument"]

# Loaded when first asked for: importing a module must not cost an app that
# only wants another one of our doors.
_HOMES = {
    "Event": "_events",
    "LinqInstrumentor": "instrumentor",
    "Options": "_settings",
    "instrument": "_everything",
    "uninstrument": "_everything",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # Only when a name is asked for.

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
