"""
A store that cannot hold up, break or slow the app that uses it.

An operation takes a bounded time or is given up; after several that fail in a
row, the store is left alone until it works again, and what was to be saved
meanwhile is saved then. Reading and writing have a circuit each: a full disk
or a read-only replica still answers look-ups.
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ._circuits import Circuit
from ._exits import call_at_exit
from ._forks import renew_if_changed
from ._origins import Origin
from ._shield import is_strict, report, tally, type_name
from ._store_threads import SlowStoreError, StoreThreads
from .errors import StoreError, UnreadableOriginError


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._meters import Meters
    from .stores import Store


T = TypeVar("T")

WAITING_AT_MOST: Final = 1_000
"""Origins kept for a store that does not take them."""

_NOTES_AT_MOST: Final = 10_000
_KEYS_AT_ONCE: Final = 100
_TRIES: Final = 3
_PROBE_SECONDS: Final = 1.0
_EXIT_SECONDS: Final = 1.0
_SHORTEST_REST: Final = 0.001
# No event's: ids of Linq hold no colon.
_PROBE: Final = "linq-otel:probe"
_IS_NEW: Final = True


class StoreGuard:
    """
    The operations of a store that does I/O; none of them raises or takes long.

    Args:
        store: The store.
        meters: Count what it does.
        seconds: How long one operation may take.

    Attributes:
        meters: As given.
        seconds: As given.
        is_in_place: True if operations run where they are asked for.
    """

    def __init__(self, store: Store, meters: Meters, seconds: float) -> None:
        self.store = store
        self.meters = meters
        self.seconds = seconds
        self._threads = StoreThreads(seconds)
        # The app's own functions may need its thread: its connection, its transaction.
        self.is_in_place = getattr(store, "runs_in_place", False)
        # Each with the number of times it was tried.
        self._waiting: deque[tuple[Origin, int]] = deque()
        self._notes: deque[tuple[Origin, int]] = deque(maxlen=_NOTES_AT_MOST)
        # Like ids of Linq, which an app's own columns can be asked for, but none of them.
        ids = tuple(f"{number:032x}" for number in range(getattr(store, "probes", 1)))
        self._probe = Origin("", linq_trace_ids=ids)
        patience = max(seconds, _PROBE_SECONDS)
        self._reads = Circuit("looking up origins", self._probe_read, _nothing, patience)
        self._writes = Circuit("saving origins", self._probe_write, self._save_waiting, patience)
        call_at_exit(self._finish)

    @property
    def silent_seconds(self) -> float:
        """
        For how long the store has not been asked; 0 while it answers.
        """
        return self._reads.open_seconds

    @property
    def working_seconds(self) -> float:
        """
        For how long the store has been asked for all; 0 while it is not.
        """
        return min(self._reads.closed_seconds, self._writes.closed_seconds)

    @property
    def keys_at_once(self) -> int:
        """
        How many keys :meth:`find_all` should be given.
        """
        return _KEYS_AT_ONCE if hasattr(self.store, "find_all") else 1

    def save(self, origin: Origin) -> None:
        """
        Keep *origin*, now or as soon as the store takes it.
        """
        self._run(self._writes, "save", None, self._save_now, (origin,))

    async def asave(self, origin: Origin) -> None:
        """
        Keep *origin* without holding up other coroutines.
        """
        await self._arun(self._writes, "save", None, self._save_now, (origin,))

    def find(self, keys: tuple[str, ...]) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin; None if the store does not say.
        """
        return self._run(self._reads, "find", None, self.store.find, keys)

    async def afind(self, keys: tuple[str, ...]) -> tuple[str, Origin] | None:
        """
        Look up *keys* without holding up other coroutines.
        """
        return await self._arun(self._reads, "find", None, self.store.find, keys)

    def find_all(self, keys: tuple[str, ...]) -> set[str] | None:
        """
        Return those of *keys* that have an origin; None if the store does not say.
        """
        return self._run(self._reads, "find", None, self._find_all, keys)

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen, or if the store does not say.
        """
        return self._run(self._writes, "claim", _IS_NEW, self.store.claim, (event_id,))

    async def aclaim(self, event_id: str) -> bool:
        """
        Claim *event_id* without holding up other coroutines.
        """
        return await self._arun(self._writes, "claim", _IS_NEW, self.store.claim, (event_id,))

    def later(self, function: Callable[..., object], *args: object) -> None:
        """
        Call *function*, which asks the store, in a thread that nobody waits for.
        """
        renew_if_changed()
        if self._writes.is_open or self._reads.is_open:
            self.meters.note_skipped("note")
        else:
            self._threads.start(self._ask_later, function, args)

    def note(self, note: Origin) -> None:
        """
        Keep *note* in the background, as soon as the store takes it.
        """
        renew_if_changed()
        if self._writes.is_open:
            self.meters.note_skipped("note")
            self._notes.append((note, 0))
            self._save_soon()
        else:
            self._threads.start(self._ask_later, self._save_note, (note,))

    def close(self) -> None:
        """
        Stop asking a store that does not work; the store itself stays open.
        """
        self._reads.stop()
        self._writes.stop()

    def _run(
        self,
        circuit: Circuit,
        operation: str,
        default: T,
        function: Callable[..., T],
        args: tuple[object, ...],
    ) -> T:
        renew_if_changed()
        if circuit.is_open:
            self._skip(operation, args)
            return default
        with _Watch(self, circuit, operation):
            if self.is_in_place:
                return function(*args)
            answer: T = self._threads.run(self._timed, circuit, function, args)
            return answer
        return default

    async def _arun(
        self,
        circuit: Circuit,
        operation: str,
        default: T,
        function: Callable[..., T],
        args: tuple[object, ...],
    ) -> T:
        renew_if_changed()
        if circuit.is_open:
            self._skip(operation, args)
            return default
        with _Watch(self, circuit, operation):
            answer: T = await self._threads.arun(self._timed, circuit, function, args)
            return answer
        return default

    def _timed(self, circuit: Circuit, function: Callable[..., T], args: tuple[object, ...]) -> T:
        began = time.perf_counter()
        answer = function(*args)
        if time.perf_counter() - began <= self.seconds:
            # Also if its caller waited too long: for a thread or the processor, not for the store.
            circuit.note_working()
        return answer

    def _finish(self) -> None:
        """
        Let what is being saved be saved before the process ends, for a bounded time.
        """
        deadline = time.monotonic() + _EXIT_SECONDS
        if (self._waiting or self._notes) and not self._writes.is_open:
            self._threads.start(partial(self._save_waiting, is_ending=True))
        while self._threads.is_busy and time.monotonic() < deadline:
            time.sleep(0.005)
        for _ in range(len(self._waiting)):
            self.meters.note_lost()

    def _ask_later(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        with _Watch(self, self._writes, "note"):
            self._timed(self._writes, function, args)

    def _skip(self, operation: str, args: tuple[object, ...]) -> None:
        self.meters.note_skipped(operation)
        if operation == "save":
            self._wait(cast("Origin", args[0]), tries=0)
            self._save_soon()

    def _save_soon(self) -> None:
        if not self._writes.is_open:
            # It has come to work since it was asked whether it does.
            self._writes.ask()

    def note_failure(self, circuit: Circuit, error: Exception, began: float) -> None:
        """
        Count a failure in what *circuit* is for; in all if the store is too slow.
        """
        circuit.note_failure(error, began)
        if isinstance(error, SlowStoreError):
            other = self._reads if circuit is self._writes else self._writes
            other.note_failure(error, began)

    def _save_now(self, origin: Origin) -> None:
        began = time.perf_counter()
        try:
            self.store.save(origin)
        except Exception as error:
            self._wait(origin, tries=1)
            # Whoever saved it may have gone on already.
            self._writes.note_failure(error, began)
            raise

    def _save_note(self, note: Origin) -> None:
        try:
            self.store.save(note)
        except Exception:
            self._notes.append((note, 1))
            raise

    def _find_all(self, *keys: str) -> set[str]:
        find_all = getattr(self.store, "find_all", None)
        if find_all is None:
            return {key for key in keys if self.store.find(key) is not None}
        found: set[str] = find_all(*keys)
        return found

    def _wait(self, origin: Origin, tries: int) -> None:
        if tries >= _TRIES or len(self._waiting) >= WAITING_AT_MOST:
            report("store: origin lost", "an origin was not saved, the store does not take it")
            self.meters.note_lost()
            return
        self._waiting.append((origin, tries))

    def _save_waiting(self, *, is_ending: bool = False) -> None:
        for waiting in (self._waiting, self._notes):
            for _ in range(len(waiting)):
                began = time.perf_counter()
                if not self._save_next(waiting):
                    return
                if is_ending:
                    continue
                # At most half of the time, for the store has calls to answer as well.
                time.sleep(max(time.perf_counter() - began, _SHORTEST_REST))
                if self._writes.is_open:
                    return

    def _save_next(self, waiting: deque[tuple[Origin, int]]) -> bool:
        try:
            origin, tries = waiting.popleft()
        except IndexError:
            # Another thread is at it, too, as when the process ends.
            return True
        began = time.perf_counter()
        try:
            self.store.save(origin)
        except Exception as error:  # It is tried again.
            if waiting is self._waiting:
                self._wait(origin, tries + 1)
            elif tries + 1 < _TRIES:
                waiting.append((origin, tries + 1))
            self._writes.note_failure(error, began)
            return False
        return True

    def _probe_read(self) -> None:
        self.store.find(*self._probe.keys)

    def _probe_write(self) -> None:
        # Both kinds of rows: an engine may take one and refuse the other.
        self.store.save(self._probe)
        self.store.claim(_PROBE)


class _Watch:
    """
    Times one operation, and keeps its failure from the caller.
    """

    __slots__ = ("_began", "_circuit", "_guard", "_operation")

    def __init__(self, guard: StoreGuard, circuit: Circuit, operation: str) -> None:
        self._guard = guard
        self._circuit = circuit
        self._operation = operation
        self._began = time.perf_counter()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        seconds = time.perf_counter() - self._began
        if error is None:
            self._guard.meters.note_store(self._operation, seconds)
            if not self._guard.is_in_place:
                return True
            if seconds <= self._guard.seconds:
                self._circuit.note_working()
            else:
                # Nobody could stop waiting.
                slow = SlowStoreError(self._guard.seconds)
                self._guard.note_failure(self._circuit, slow, self._began)
            return True
        if not isinstance(error, Exception):
            return False
        self._guard.meters.note_store(self._operation, seconds, type_name(error))
        if isinstance(error, UnreadableOriginError):
            report("store: unreadable origin", str(error))
        else:
            tally.add(f"store {self._operation}: {type(error).__name__}")
            self._guard.note_failure(self._circuit, error, self._began)
        # That a store does not work is no fault of this package.
        return isinstance(error, StoreError) or not is_strict()


def _nothing() -> None:
    """
    Do nothing once look-ups work again: nothing was kept for them.
    """
