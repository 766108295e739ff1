"""
What goes wrong for all at once: the store is away, a receiver dies.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal


if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.engines import Engine
    from chaos.evidence import Settings
    from chaos.fleet import Host
    from linq_otel.testing import LinqSimulator


Kind = Literal["store paused", "store killed", "receiver killed", "events made up"]
_ROUND: tuple[Kind, ...] = (
    "events made up",
    "store paused",
    "receiver killed",
    "store killed",
    "receiver killed",
)
# What a forger would have us believe of the last message.
_LIES = ("message.delivered", "message.read", "message.failed", "message.received")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """
    One of them.

    Attributes:
        kind: What happens.
        after: How many messages must have been accepted before.
        seconds: How long it lasts.
        who: Which receiver it hits.
    """

    kind: Kind
    after: int
    seconds: float
    who: int


@dataclass(frozen=True, slots=True)
class Outage:
    """
    A time without the store, by the monotonic clock.
    """

    kind: Kind
    began: float
    ended: float


def draw_disturbances(settings: Settings) -> tuple[Disturbance, ...]:
    """
    Draw rounds of each kind, spread over the messages.
    """
    chance = random.Random(f"disturbances/{settings.seed}")
    kinds = _ROUND * settings.rounds
    # The first is early and the last late, and both have traffic around them.
    return tuple(
        Disturbance(
            kind,
            after=int(settings.messages * (place + chance.uniform(0.6, 1.2)) / (len(kinds) + 1)),
            seconds=round(chance.uniform(0.8, 2.4) / settings.speed, 2),
            who=chance.randrange(settings.receivers),
        )
        for place, kind in enumerate(kinds)
    )


@dataclass(slots=True)
class Disturber:
    """
    Lets disturbances happen while messages are sent.

    Attributes:
        disturbances: What is to happen.
        linq: Takes messages on, and tells of them.
        engine: The store, or None.
        receivers: The receivers.
        outages: When the store was away.
        happened: What did happen.
        over: Set once nothing more is to happen.
    """

    disturbances: Sequence[Disturbance]
    linq: LinqSimulator
    engine: Engine | None
    receivers: Sequence[Host]
    outages: list[Outage] = field(default_factory=list[Outage])
    happened: list[Disturbance] = field(default_factory=list[Disturbance])
    over: threading.Event = field(default_factory=threading.Event)
    _is_whole: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """
        Let each happen in turn, until all have or the messages are sent.

        A receiver takes seconds to start, and the next thing does not wait for it.
        """
        restarts: list[threading.Thread] = []
        for disturbance in self.disturbances:
            while len(self.linq.accepted) < disturbance.after and not self.over.wait(0.02):
                pass
            if self.over.is_set():
                break
            if disturbance.kind == "events made up":
                self._make_up(disturbance)
            elif disturbance.kind == "receiver killed":
                restarts.append(threading.Thread(target=self._kill_receiver, args=(disturbance,)))
                restarts[-1].start()
            elif self.engine is not None:
                self._take_store_away(disturbance, self.engine)
        for restart in restarts:
            restart.join()

    def _make_up(self, disturbance: Disturbance) -> None:
        for lie in _LIES:
            self.linq.forge(event_type=lie)
        self.happened.append(disturbance)

    def _kill_receiver(self, disturbance: Disturbance) -> None:
        """
        Kill one and start it again, once no other is down.
        """
        with self._is_whole:
            host = self.receivers[disturbance.who]
            host.kill()
            self.happened.append(disturbance)
            time.sleep(disturbance.seconds)
            host.start()
            host.wait_until_it_listens()

    def _take_store_away(self, disturbance: Disturbance, engine: Engine) -> None:
        is_killed = disturbance.kind == "store killed"
        away, back = (engine.kill, engine.start) if is_killed else (engine.pause, engine.resume)
        began = time.monotonic()
        away()
        time.sleep(disturbance.seconds)
        back()
        self.outages.append(Outage(disturbance.kind, began, time.monotonic()))
        self.happened.append(disturbance)
