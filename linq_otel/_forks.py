"""
Locks and files that survive a fork, and green threads.

A web server may fork while one of our threads holds a lock. The thread does
not exist in the child, so nobody would ever release the child's copy.

Python itself never forgets what was to be called around a fork, so it is told
of three functions once, and these forget what belongs to an object with it.

Some changes of a process call none of them: uWSGI forks in C, and gevent and
eventlet replace threads and locks in an app that is loaded already. A native
lock then stops all green threads at once. So the process is compared with what
it was whenever a call or a webhook begins, and begins anew if it differs.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import MethodType


_logger = logging.getLogger("linq_otel")


def call_at_fork(
    *,
    before: Callable[[], None] | None = None,
    in_parent: Callable[[], None] | None = None,
    in_child: Callable[[], None] | None = None,
    in_unannounced_child: Callable[[], None] | None = None,
) -> None:
    """
    Call methods around every fork, as long as their objects live.

    Args:
        before: A bound method to call before the fork, the last one given first.
        in_parent: A bound method to call in the parent, after it.
        in_child: A bound method to call in the child, after it; also where
            green threads have taken the place of threads.
        in_unannounced_child: A bound method to call after *in_child* in a child
            that was forked without Python's knowledge, for what others renew
            when Python knows.
    """
    for methods, method in (
        (_before, before),
        (_in_parent, in_parent),
        (_in_child, in_child),
        (_in_unannounced_child, in_unannounced_child),
    ):
        if method is not None:
            methods.add(method)


def renew_if_changed() -> None:
    """
    Begin anew if this process was forked by C code, or got green threads, since it was last asked.
    """
    if os.getpid() != _known[0] or threading.Lock is not _known[1]:
        _renew()


def _renew() -> None:
    global _known  # noqa: PLW0603  # The process is one, and so is what is known of it.
    now = (os.getpid(), threading.Lock)
    # A lock made after the change: no thread that is gone, or not green, can hold it.
    with _renewing.setdefault(now, threading.Lock()):
        before = _known
        if before == now:
            return
        try:
            _in_child.call()
            if before[0] != now[0]:
                _in_unannounced_child.call()
        except Exception as error:
            _logger.warning("renewing locks after a fork failed: %s", type(error).__name__)
        finally:
            # Last: other threads must wait until all is renewed.
            _known = now


def _note_child() -> None:
    global _known  # noqa: PLW0603  # As above.
    _known = (os.getpid(), threading.Lock)
    _in_child.call()


class _Methods:
    """
    Bound methods in the order they were given, each as long as its object lives.
    """

    def __init__(self) -> None:
        self._numbers = count()
        # Not as `WeakMethod`s, which complain when the interpreter ends.
        self._methods: dict[int, tuple[weakref.ref[object], Callable[[object], None]]] = {}

    def __len__(self) -> int:
        return len(self._methods)

    def add(self, method: Callable[[], None]) -> None:
        methods, number = self._methods, next(self._numbers)
        bound = cast("MethodType", method)

        def forget(_owner: object) -> None:
            methods.pop(number, None)

        methods[number] = weakref.ref(bound.__self__, forget), bound.__func__

    def call(self) -> None:
        _call_each(reversed(self._living()))

    def call_last_first(self) -> None:
        _call_each(self._living())

    def _living(self) -> list[Callable[[], None]]:
        # Without a lock, which a fork would have to survive: the copy is one step.
        found = [(find(), function) for find, function in list(self._methods.values())]
        return [partial(function, owner) for owner, function in found if owner is not None]


def _call_each(methods: Iterable[Callable[[], None]]) -> None:
    # A stack calls the last first, and every one of them even if one raises.
    with ExitStack() as stack:
        for method in methods:
            stack.callback(method)


_before: Final = _Methods()
_in_parent: Final = _Methods()
_in_child: Final = _Methods()
_in_unannounced_child: Final = _Methods()
# The process and its kind of locks, as they were when ours were made.
_known: tuple[int, Any] = (os.getpid(), threading.Lock)
_renewing: Final[dict[tuple[int, object], threading.Lock]] = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before.call_last_first,
        after_in_parent=_in_parent.call,
        after_in_child=_note_child,
    )
