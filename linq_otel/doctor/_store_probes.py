"""
Whether a store keeps what it is given, and how fast.

What is written to find that out expires within a second.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from linq_otel._origins import Origin

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.stores import Store

    from ._findings import Finding


PROBE_SECONDS: Final = 1.0
"""How long it stays: the ``ttl`` of the store that is probed."""
_VARIABLE: Final = "OTEL_PYTHON_LINQ_STORE"


@runtime_checkable
class _Prunable(Protocol):
    def prune(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How long a store took, in seconds: to open, and the slowest operation after that.
    """

    opening: float
    slowest: float
    is_right: bool


def probe(store: Store) -> Timing:
    """
    Save, find and claim what nobody else knows; the store's ``ttl`` is `PROBE_SECONDS`.

    Raises:
        StoreError: If the store refuses.
    """
    began = time.perf_counter()
    store.find("message:linq-otel-doctor")
    opening = time.perf_counter() - began
    name = f"linq-otel-doctor-{uuid.uuid4().hex}"
    now = time.time_ns()
    # An invalid context, which joins nothing should anybody meet it.
    origin = Origin("00-0-0-00", message_id=name, requested_at=now, accepted_at=now)
    seconds: list[float] = []
    answers: list[object] = []
    operations: tuple[Callable[[], object], ...] = (
        lambda: store.save(origin),
        lambda: store.find(*origin.keys),
        lambda: store.claim(name),
        lambda: store.claim(name),
    )
    for operate in operations:
        started = time.perf_counter()
        answers.append(operate())
        seconds.append(time.perf_counter() - started)
    is_right = answers[1:] == [(origin.keys[0], origin), True, False]
    # What took longer than the probe lives has expired, and says nothing.
    return Timing(opening, max(seconds), is_right or sum(seconds) >= PROBE_SECONDS)


def judge(place: str, timing: Timing, patience: float) -> Finding:
    """
    Tell what the store at *place* took, a call waiting *patience* seconds for it.
    """
    slowest = f"{timing.slowest * 1000:.1f} ms"
    if not timing.is_right:
        return tell(
            "store.forgets",
            f"{place} does not keep what it was given",
            detail="A saved origin was not found, or an event could be claimed twice: "
            "a replica, a cache in between, or two servers behind one name.",
            remedy=f"export {_VARIABLE} with the address of the primary",
        )
    if timing.slowest > patience:
        return tell(
            "store.slow",
            f"{place} took {slowest}; a call waits {patience * 1000:.0f} ms for it",
            detail="What takes longer goes on without it, and joins late or not at all.",
            remedy=f"export OTEL_PYTHON_LINQ_STORE_TIMEOUT={int(timing.slowest * 2000) + 1}",
        )
    return tell(
        "store",
        f"{place} saves, finds and claims in {slowest} at most (opened in "
        f"{timing.opening * 1000:.0f} ms)",
    )


def tidy(store: Store) -> None:
    """
    Delete what was written, where the store deletes only now and then by itself.
    """
    if isinstance(store, _Prunable):
        time.sleep(PROBE_SECONDS)
        store.prune()
