"""
The one tracing of this process.

A sender and a receiver in one process must share a store, so both take it from
here: what ``instrument()`` configured, or, where nobody called it, what the
environment says.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ._forks import call_at_fork
from ._meters import meters_of
from ._settings import Options, Settings
from ._shield import report
from ._tracing import Tracing
from .errors import ConfigurationError, StoreError
from .stores import open_store


if TYPE_CHECKING:
    from .stores import Store


class _Active:
    """
    Holds the tracing in force.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tracing: Tracing | None = None
        call_at_fork(in_child=self._renew_lock)

    def put(self, tracing: Tracing | None) -> None:
        """
        Put *tracing* in force; the store of the one before is closed if we opened it.
        """
        with self.lock:
            before, self.tracing = self.tracing, tracing
        if before is None:
            return
        before.close()
        if isinstance(before.settings.store, str):
            before.origins.store.close()

    def _renew_lock(self) -> None:
        self.lock = threading.Lock()


_active = _Active()


def get_tracing() -> Tracing:
    """
    Return the tracing in force, made from the environment if there is none.
    """
    with _active.lock:
        if _active.tracing is None:
            _active.tracing = build_tracing(Settings.read({}))
        return _active.tracing


def find_tracing() -> Tracing | None:
    """
    Return the tracing in force; None if there is none yet.
    """
    return _active.tracing


def begin_counters() -> None:
    """
    Have the process's counters at zero from when they are read, though no tracing is there yet.
    """
    if _active.tracing is None:
        meters_of(None)


def configure_tracing(options: Options) -> Tracing:
    """
    Put a tracing with *options* in force, in place of the one before.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    tracing = build_tracing(Settings.read(options))
    _active.put(tracing)
    return tracing


def adopt_tracing(options: Options) -> bool:
    """
    Put a tracing with *options* in force if there is none; False if there is one.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    settings = Settings.read(options)
    with _active.lock:
        if _active.tracing is not None:
            return False
        _active.tracing = build_tracing(settings)
        return True


def forget_tracing() -> None:
    """
    Take the tracing out of force; its store is closed if we opened it.
    """
    _active.put(None)


def build_tracing(settings: Settings) -> Tracing:
    """
    Build a tracing with the store its settings name.

    A store that cannot be opened is reported, and memory takes its place: the
    app must run, and its sends must still be traced.
    """
    return Tracing(settings, _open_store(settings.store))


def _open_store(store: Store | str) -> Store:
    if not isinstance(store, str):
        return store
    try:
        return open_store(store)
    except (StoreError, ConfigurationError) as error:
        report(f"store: {type(error).__name__}", f"{error}; origins stay in this process instead")
        return open_store("memory:")
