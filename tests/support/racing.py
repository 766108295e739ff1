"""
Webhooks that overtake the answer naming their ids.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from linq_otel.stores.memory import MemoryStore
from support import payloads as p
from support.scripted_linq import Reply, Request, ScriptedLinq
from support.timing import TELLS_WAITS, Timing, find_wait, read_waits, timed
from support.webhook_desk import Desk, Life


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linq_otel._origins import Origin
    from linq_otel.stores import Store


WAIT = 0.25


# What a delivery may take beside its wait: less than to wait once more.
SLACK = 0.2


class GatedLinq(ScriptedLinq):
    """
    A Linq that has accepted a message, and whose answer is still under way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def take(self, request: Request) -> tuple[Reply, str | None]:
        """
        Hold every answer back until the gate opens.
        """
        taken = super().take(request)
        self.gate.wait(5)
        return taken


class Shared(MemoryStore):
    """
    A store other processes see, which counts how often it was asked.
    """

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.finds = 0
        self.threads: set[int] = set()

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Count, and look.
        """
        self.finds += 1
        self.threads.add(threading.get_ident())
        return super().find(*keys)

    def claim(self, event_id: str) -> bool:
        """
        Note who asks, and claim.
        """
        self.threads.add(threading.get_ident())
        return super().claim(event_id)

    def save(self, origin: Origin) -> None:
        """
        Note who asks, and save.
        """
        self.threads.add(threading.get_ident())
        super().save(origin)


class Ticks:
    """
    Measures the longest time the event loop did not run.

    Attributes:
        count: How often it ran.
        longest: That time in seconds, less what a thread waited for a processor meanwhile.
        timing: What the control lost; complete once `run` has ended.
    """

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0.0
        self.timing = Timing()

    @property
    def net(self) -> float:
        """
        What is left of the longest time without the loss; for upper bounds.
        """
        return self.longest - (0.0 if TELLS_WAITS else self.timing.longest_loss)

    async def run(self) -> None:
        """
        Tick until cancelled.
        """
        with timed() as self.timing:
            while True:
                waits, began = read_waits(), time.perf_counter()
                await asyncio.sleep(0.005)
                seconds = time.perf_counter() - began
                self.longest = max(self.longest, seconds - find_wait(waits))
                self.count += 1


def now(offset: float = 0.0) -> str:
    return datetime.fromtimestamp(time.time() + offset, tz=timezone.utc).isoformat()


def fresh(stage: str = "sent", *, created_at: object = None, **more: Any) -> bytes:
    """
    Return an event Linq made just now, under a trace id nobody has seen.
    """
    return p.encode(
        p.envelope(
            f"message.{stage}",
            p.message_data(stage, **more),
            linq_trace_id=p.OTHER_LINQ_TRACE_ID,
            created_at=created_at or now(),
        )
    )


@contextmanager
def later(seconds: float, do: Any) -> Iterator[None]:
    """
    Do something in another thread while the block runs.
    """
    timer = threading.Timer(seconds, do)
    timer.start()
    try:
        yield
    finally:
        timer.join(5)


def time_delivery(desk: Desk, body: bytes, headers: Mapping[str, str] | None = None) -> Timing:
    """
    Deliver *body*, and return what that took.
    """
    with timed() as timing:
        desk.deliver(body, headers=headers or {})
    return timing


def shared_desk(desk: Desk, store: Store | None = None) -> Desk:
    return Desk(desk.provider, desk.exporter, store=store or Shared())


ANCHOR = Life.by_linq_trace_id().anchor


DERIVED = Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID).anchor
