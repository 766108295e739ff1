"""
Locks and files that survive a fork.

A web server may fork while one of our threads holds a lock. The thread does
not exist in the child, so nobody would ever release the child's copy.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


def call_at_fork(
    *,
    before: Callable[[], None] | None = None,
    in_parent: Callable[[], None] | None = None,
    in_child: Callable[[], None] | None = None,
) -> None:
    """
    Call methods around every fork, as long as their objects live.

    Args:
        before: A bound method to call before the fork.
        in_parent: A bound method to call in the parent, after it.
        in_child: A bound method to call in the child, after it.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_weak(before), after_in_parent=_weak(in_parent), after_in_child=_weak(in_child)
        )


def _weak(method: Callable[[], None] | None) -> Callable[[], None]:
    if method is None:
        return _nothing
    find_method = weakref.WeakMethod(method)

    def call() -> None:
        found = find_method()
        if found is not None:
            found()

    return call


def _nothing() -> None:
    """
    Stand in for a method that was not given.
    """
