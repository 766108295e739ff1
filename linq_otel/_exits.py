"""
What is done before the process ends, however it ends.

Python calls what was given to ``atexit`` when the main program returns. The
children of ``multiprocessing`` and Celery's workers end without it, and so
does what a signal ends. Each of them can be told by other means.
"""

from __future__ import annotations

import _thread
import atexit
import logging
import os
import signal
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from ._forks import call_at_fork, renew_if_changed


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


_logger = logging.getLogger("linq_otel")

_END_SECONDS: Final = 5.0
# After what multiprocessing itself does at the end of a child, as to send what is in its queues.
_LAST: Final = -100
# Under these, signals are the server's: Python's handlers would take the place of its own.
_SIGNALS_OF_SERVERS: Final = ("uwsgi", "mod_wsgi")


def call_at_exit(method: Callable[[], None]) -> None:
    """
    Call a bound method when the process ends, in whichever way, if its object still lives.
    """

    def call(_seconds: float = 0.0) -> None:
        found = find_method()
        if found is not None:
            found()

    def forget(_: object) -> None:
        atexit.unregister(call)
        _ends.remove(call)

    find_method = weakref.WeakMethod(method, forget)
    atexit.register(call)
    _ends.add(call)


def call_without_atexit(function: Callable[[float], object]) -> None:
    """
    Call *function* when the process ends in a way that ``atexit`` is not told of.

    One of them is SIGTERM, unless the app has a handler of its own for it.

    Args:
        function: It is given the seconds it may take.
    """
    _ends.add(function)
    _ends.watch_signal(function)


def forget_end(function: Callable[[float], object]) -> None:
    """
    Do not call *function* at the end.
    """
    _ends.remove(function)


class _Ends:
    """
    What is done at the ends that ``atexit`` is not told of.
    """

    def __init__(self) -> None:
        self._functions: dict[Callable[[float], object], None] = {}
        self._at_signals: set[Callable[[float], object]] = set()
        # The child of `multiprocessing` that was told.
        self._child: int | None = None
        call_at_fork(in_child=self._note_fork)

    def add(self, function: Callable[[float], object]) -> None:
        self._functions[function] = None
        self._watch_celery()
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            self._watch_child()

    def remove(self, function: Callable[[float], object]) -> None:
        self._functions.pop(function, None)
        if function in self._at_signals:
            self._at_signals.remove(function)
            if not self._at_signals:
                _set_handler(self.end_by_signal, signal.SIG_DFL)

    def watch_signal(self, function: Callable[[float], object]) -> None:
        self._at_signals.add(function)
        if not any(name in sys.modules for name in _SIGNALS_OF_SERVERS) and not _is_of_celery():
            _set_handler(signal.SIG_DFL, self.end_by_signal)

    def end(self, *_: object, **__: object) -> None:
        """
        Do all of it, the last given first, for a bounded time.
        """
        renew_if_changed()
        for function in reversed(list(self._functions)):
            try:
                function(_END_SECONDS)
            except Exception as error:  # noqa: PERF203  # One that fails stops none.
                _logger.warning("ending the process: %s", type(error).__name__)

    def end_by_signal(self, number: int, _frame: FrameType | None) -> None:
        # A second signal ends it at once.
        signal.signal(number, signal.SIG_DFL)
        ended = threading.Lock()
        ended.acquire()

        def end() -> None:
            self.end()
            ended.release()
            _die_of(number)

        try:
            # In another thread: the one that was interrupted may hold any lock.
            _thread.start_new_thread(end, ())
            ended.acquire(timeout=_END_SECONDS + 1)
        except RuntimeError:
            # At the very end, Python starts no more threads.
            end()
        except Exception:
            # The hub of gevent must not wait; the green thread ends the process.
            return
        _die_of(number)
        # The first process of a container does not, and goes on.
        signal.signal(number, self.end_by_signal)

    def _note_fork(self) -> None:
        self._watch_celery()
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None:
            # A child of multiprocessing forgets what was to be done at its end, and only then
            # calls this.
            util.register_after_fork(self, _Ends._watch_child)

    def _watch_child(self) -> None:
        if self._child != os.getpid():
            self._child = os.getpid()
            util: Any = sys.modules["multiprocessing.util"]
            util.Finalize(None, self.end, exitpriority=_LAST)

    def _watch_celery(self) -> None:
        signals: Any = sys.modules.get("celery.signals")
        if hasattr(signals, "worker_process_shutdown"):
            # However often it is connected, it is called once.
            signals.worker_process_shutdown.connect(self.end, weak=False, dispatch_uid="linq_otel")


def _die_of(number: int) -> None:
    """
    End the process as signal *number* would have, with the same exit status.
    """
    if os.getpid() != 1:
        os.kill(os.getpid(), number)


def _is_of_celery() -> bool:
    """
    Tell whether this is one of Celery's processes, which must end at once where a task is revoked.
    """
    process: Any = sys.modules.get("billiard.process")
    return process is not None and process.current_process().name != "MainProcess"


def _set_handler(before: Any, handler: Any) -> None:
    """
    Let *handler* take SIGTERM in place of *before*, where that takes it.
    """
    try:
        if signal.getsignal(signal.SIGTERM) == before:
            signal.signal(signal.SIGTERM, handler)
    except ValueError:
        # Not in the main thread, which alone may.
        return


_ends: Final = _Ends()
