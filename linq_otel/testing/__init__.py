"""
A local Linq: sending and its webhooks, without a phone, an account or a network.

:class:`LinqSimulator` speaks the Partner API V3 over real HTTP on loopback, and what becomes of
each message is written down in a :class:`Scenario`. Nothing here knows OpenTelemetry or Linq's SDK:
what it proves about either, it proves from outside.
"""

from __future__ import annotations

from linq_otel.testing._simulator import LinqSimulator
from linq_otel.testing._state._records import (
    Accepted,
    Delivery,
    Inbound,
    ReceivedRequest,
    Subscription,
)
from linq_otel.testing._state._scenario import SCENARIOS, Answer, Scenario, Step
from linq_otel.testing._webhooks._events import EVENT_TYPES


__all__ = [
    "EVENT_TYPES",
    "SCENARIOS",
    "Accepted",
    "Answer",
    "Delivery",
    "Inbound",
    "LinqSimulator",
    "ReceivedRequest",
    "Scenario",
    "Step",
    "Subscription",
]
