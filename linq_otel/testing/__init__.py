"""
A local Linq: sending and its webhooks, without a phone, an account or a network.

:class:`LinqSimulator` speaks the Partner API V3 over real HTTP on loopback, and what becomes of
each message is written down in a :class:`Scenario`. Nothing here knows OpenTelemetry or Linq's SDK:
what it proves about either, it proves from outside. What looks at spans is beside it:
:mod:`linq_otel.testing.spans`, and :mod:`linq_otel.testing.kit` for both together.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from linq_otel.testing._signed_events import EventFactory, SignedEvent
    from linq_otel.testing._simulator import LinqSimulator
    from linq_otel.testing._state._records import (
        Accepted,
        Delivery,
        Inbound,
        ReceivedRequest,
        Subscription,
    )
    from linq_otel.testing._state._scenario import SCENARIOS, Answer, Scenario, Step
    from linq_otel.testing._ticking_clock import TickingClock
    from linq_otel.testing._webhooks._events import EVENT_TYPES


__all__ = [
    "EVENT_TYPES",
    "SCENARIOS",
    "Accepted",
    "Answer",
    "Delivery",
    "EventFactory",
    "Inbound",
    "LinqSimulator",
    "ReceivedRequest",
    "Scenario",
    "SignedEvent",
    "Step",
    "Subscription",
    "TickingClock",
]

# Loaded when first asked for: pytest imports the plugin in this package wherever it is installed.
_HOMES = {
    "EVENT_TYPES": "_webhooks._events",
    "SCENARIOS": "_state._scenario",
    "Accepted": "_state._records",
    "Answer": "_state._scenario",
    "Delivery": "_state._records",
    "EventFactory": "_signed_events",
    "Inbound": "_state._records",
    "LinqSimulator": "_simulator",
    "ReceivedRequest": "_state._records",
    "Scenario": "_state._scenario",
    "SignedEvent": "_signed_events",
    "Step": "_state._scenario",
    "Subscription": "_state._records",
    "TickingClock": "_ticking_clock",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
