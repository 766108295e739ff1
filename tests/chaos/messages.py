"""
One message Linq took on, with all that befell it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from chaos.balancer import Forward
    from chaos.orders import Outcome
    from chaos.places import Place
    from chaos.plan import Planned
    from linq_otel.testing import Accepted, ReceivedRequest


@dataclass(slots=True)
class Told:
    """
    One event, and every time a receiver was told of it.
    """

    event_id: str
    event_type: str
    linq_trace_id: str
    forwards: list[Forward] = field(default_factory=list["Forward"])

    @property
    def stage(self) -> str:
        """
        The stage it reports.
        """
        return self.event_type.partition(".")[2]


@dataclass(slots=True)
class Message:
    """
    One message Linq took on.

    Attributes:
        planned: The order for it.
        accepted: What Linq says of it.
        answered: The request whose answer told of it first; None if the sender never heard.
        outcome: What the sender heard.
        home: Where its life must be drawn; None if the sender could not begin it.
        repeats: What the sender heard when it sent it again, and where a life would then be drawn
            if it did not know of the first.
        told: Its events, by id.
    """

    planned: Planned
    accepted: Accepted
    answered: ReceivedRequest | None = None
    outcome: Outcome | None = None
    home: Place | None = None
    repeats: list[tuple[Outcome, Place]] = field(default_factory=list[tuple["Outcome", "Place"]])
    told: dict[str, Told] = field(default_factory=dict[str, Told])
