"""
The line between our failures and the user's.

Whatever goes wrong in our own statements on a user's request is swallowed
here, counted, and logged once per kind; it is never wrapped around the user's
call. The log line names the place and the type alone, because the text of an
exception may quote a payload.
"""

from __future__ import annotations

import logging
import os.path
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ._forks import call_at_fork


if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType


_logger = logging.getLogger("linq_otel")

_MOST_KINDS: Final = 200
_OTHERS: Final = "other kinds"


class Tally:
    """
    Counts what went wrong, and says when a kind is seen for the first time.

    Kinds are words of ours and types of exceptions; more than 200 are one kind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        call_at_fork(in_child=self._renew_lock)

    def add(self, kind: str) -> bool:
        """
        Count one *kind*; True the first time.
        """
        with self._lock:
            if len(self._counts) >= _MOST_KINDS and kind not in self._counts:
                kind = _OTHERS
            self._counts[kind] += 1
            return self._counts[kind] == 1

    def counts(self) -> dict[str, int]:
        """
        Return how often each kind was counted.
        """
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """
        Forget all counts; the next of each kind is logged again.
        """
        with self._lock:
            self._counts.clear()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


tally: Final = Tally()
_strict = False


def report(kind: str, message: str) -> None:
    """
    Count *kind*, and log *message* at WARNING the first time, at DEBUG later.
    """
    level = logging.WARNING if tally.add(kind) else logging.DEBUG
    _logger.log(level, "%s (logged once)" if level == logging.WARNING else "%s", message)


class shield:  # noqa: N801  # Reads as a statement: `with shield("saving the origin"):`
    """
    Keep an ``Exception`` of our own statements from the user.

    ``BaseException`` (cancellation, ``KeyboardInterrupt``) always passes.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception) or _strict:
            return False
        swallow(self._doing, error)
        return True


def swallow(doing: str, error: Exception) -> None:
    """
    Count and log an *error* of our own statements, which were *doing* something.

    ``except Exception as error: swallow("opening a call", error)`` is what
    :class:`shield` does, where every call of an app passes: a ``with`` takes a
    microsecond there, and a ``try`` nothing.

    Raises:
        Exception: The *error* itself, if our failures are to be let out.
    """
    if _strict:
        raise error
    kind, trace = type(error).__name__, error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else _place(trace)
    report(f"{doing}: {kind}", f"{doing} failed: {kind}{place}")


def _place(trace: TracebackType) -> str:
    return f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119  # No Path on the hot path.


def is_strict() -> bool:
    """
    Tell whether our own failures are let out.
    """
    return _strict


@contextmanager
def strict() -> Generator[None]:
    """
    Let our own failures out, for tests.
    """
    global _strict  # noqa: PLW0603  # One process-wide switch, as its readers are.
    before, _strict = _strict, True
    try:
        yield
    finally:
        _strict = before


def type_name(error: BaseException) -> str:
    """
    Return the qualified name of *error*'s type: ``httpx.ReadTimeout``.
    """
    kind = type(error)
    prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{prefix}{kind.__qualname__}"
