"""
What is known of a run once it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.arrivals import Arrival
    from chaos.balancer import Forward
    from chaos.disturbances import Disturbance, Outage
    from chaos.fleet import Host
    from chaos.orders import Outcome
    from chaos.plan import Plan
    from linq_otel.testing import Accepted, ReceivedRequest


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What a run is given.

    Attributes:
        messages: How many orders there are.
        seed: Of every choice.
        senders: Processes that send.
        receivers: Processes that are told.
        store: What they share; see `chaos.engines.ENGINES`.
        join: Which trace a life is drawn in.
        rate: Messages a second.
        rounds: How often each disturbance happens.
        speed: How much faster than real the simulated waits are.
        carrier: Whether idempotency keys carry the sender's context.
        traced: False leaves the instrumentation out, to see what the apps do without.
    """

    messages: int = 2000
    seed: int = 7
    senders: int = 3
    receivers: int = 3
    store: str = "sqlite"
    join: str = "linq"
    rate: float = 25.0
    rounds: int = 2
    speed: float = 1.0
    carrier: bool = False
    traced: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    All that Linq, the load balancer, the senders and the OTLP receiver saw.

    Attributes:
        settings: What the run was given.
        plan: What was to happen.
        outcomes: What the senders heard.
        accepted: What Linq took on.
        requests: What Linq was asked.
        forwards: What the receivers were told, and answered.
        forged: The signatures that were not Linq's.
        outages: When the store was away.
        happened: Which disturbances there were.
        hosts: The processes.
        arrivals: What the OTLP receiver got.
        epoch: When the monotonic clock was zero, in seconds since 1970.
        began: When the traffic began, by the monotonic clock.
        ended: When the last webhook was through.
    """

    settings: Settings
    plan: Plan
    outcomes: Sequence[Outcome]
    accepted: Sequence[Accepted]
    requests: Sequence[ReceivedRequest]
    forwards: Sequence[Forward]
    forged: frozenset[str]
    outages: Sequence[Outage]
    happened: Sequence[Disturbance]
    hosts: Sequence[Host]
    arrivals: Sequence[Arrival]
    epoch: float
    began: float
    ended: float
