"""
The spans of a viewer: written by one thread in batches, read by any.

Whoever adds spans gets a promise and may wait for it; what came meanwhile is written in one
transaction, so that many small exports cost little more than one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel.errors import LinqOtelError

from ._leaving import delete_oldest
from ._message_rows import tell_messages
from ._writing import write_spans


if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from linq_otel._otlp_json import SpanRecord

    from ._database import Database
    from ._limits import Limits


_MOST_WAITING: Final = 256
_SPANS_AT_ONCE: Final = 5_000
_IDLE_SECONDS: Final = 60.0


class BusyError(LinqOtelError):
    """
    More is waiting to be written than is good; to be tried again in a moment.
    """


@dataclass(frozen=True, slots=True)
class Figures:
    """
    How much is there. ``version`` grows with each change.
    """

    version: int
    spans: int
    messages: int


@dataclass(slots=True)
class _Task:
    spans: Sequence[SpanRecord]
    rejected: int | None = None


class Archive:
    """
    Takes spans and keeps the list of messages.

    Args:
        database: Where it is kept; closed with this object.
        limits: What is kept at most.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, database: Database, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[_Task] = deque()
        self._is_closed = False
        self._looked_at = 0.0
        self.figures = self._count(0)
        self._writer = ThreadPoolExecutor(1, "linq-otel-view-db")

    def add(self, spans: Sequence[SpanRecord]) -> Future[int]:
        """
        Have *spans* written; the promise is kept with how many were not taken.

        Raises:
            BusyError: Too much is waiting, or the archive is closed.
        """
        task = _Task(spans)
        with self._lock:
            if self._is_closed or len(self._waiting) >= _MOST_WAITING:
                raise BusyError("more spans come than can be written, or the viewer is closing")
            self._waiting.append(task)
            return self._writer.submit(self._settle, task)

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """
        Read while the block lasts; from any thread.
        """
        if self._clock() - self._looked_at > _IDLE_SECONDS:
            with suppress(BusyError):
                self.add(())  # What is too old leaves, though nothing new comes.
        return self._database.reading()

    def close(self) -> None:
        """
        Write what is waiting, and close the database.
        """
        with self._lock:
            self._is_closed = True
        self._writer.shutdown()
        self._database.close()

    def _settle(self, task: _Task) -> int:
        # Mostly it has been written with one before it. If that failed, it is tried by itself.
        if task.rejected is None:
            tasks = [task, *self._take_waiting(task)]
            for each, rejected in zip(tasks, self._write_all(tasks), strict=True):
                each.rejected = rejected
            self.figures = self._count(self.figures.version + 1)
        return task.rejected or 0

    def _take_waiting(self, first: _Task) -> list[_Task]:
        taken: list[_Task] = []
        with self._lock:
            with suppress(ValueError):  # Taken before, with others, and that failed.
                self._waiting.remove(first)
            room = _SPANS_AT_ONCE - len(first.spans)
            while self._waiting and room > 0:
                taken.append(self._waiting.popleft())
                room -= len(taken[-1].spans)
        return taken

    def _write_all(self, tasks: Sequence[_Task]) -> list[int]:
        now = self._looked_at = self._clock()
        connection = self._database.writer
        connection.execute("BEGIN IMMEDIATE")
        try:
            written = [write_spans(connection, task.spans, self._limits, now) for task in tasks]
            clues = delete_oldest(connection, self._limits, now)
            tell_messages(connection, clues.union(*(each.clues for each in written)))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return [each.rejected for each in written]

    def _count(self, version: int) -> Figures:
        ask = self._database.writer.execute
        (spans,) = ask("SELECT spans FROM totals").fetchone()
        (messages,) = ask("SELECT count(*) FROM messages").fetchone()
        return Figures(version, spans, messages)
