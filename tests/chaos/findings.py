"""
What the checks come to: deviations, each with all a person needs to debug it, and what was excused.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from chaos.arrivals import Arrival
    from chaos.excuses import Rule
    from chaos.messages import Message
    from chaos.places import Place


@dataclass(frozen=True, slots=True)
class Deviation:
    """
    Something that is not as promised.

    Attributes:
        promise: Which promise is broken.
        text: How.
        message: The message, if it is about one.
        arrivals: The spans that show it.
    """

    promise: str
    text: str
    message: Message | None = None
    arrivals: tuple[Arrival, ...] = ()


@dataclass(slots=True)
class Findings:
    """
    What was found in one run.

    Attributes:
        deviations: What broke a promise.
        kept: How often each promise was kept.
        excused: The ids of the messages each rule excused.
        places: Where something was drawn that a rule excused, and no anchor need be.
    """

    deviations: list[Deviation] = field(default_factory=list[Deviation])
    kept: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))
    excused: dict[Rule, set[str]] = field(
        default_factory=lambda: defaultdict["Rule", set[str]](set)
    )

    places: set[Place] = field(default_factory=set["Place"])

    def judge(
        self,
        promise: str,
        is_kept: bool,  # noqa: FBT001  # The finding itself.
        text: str,
        message: Message | None = None,
        arrivals: tuple[Arrival, ...] = (),
    ) -> None:
        """
        Note that *promise* was kept, or how it was not.
        """
        if is_kept:
            self.kept[promise] += 1
        else:
            self.deviations.append(Deviation(promise, text, message, arrivals))

    def excuse(self, rule: Rule, message: Message, place: Place | None = None) -> None:
        """
        Note that *rule* excuses something of *message*, drawn at *place*.
        """
        self.excused[rule].add(message.accepted.message_id)
        if place is not None:
            self.places.add(place)
