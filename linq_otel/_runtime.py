"""
The one tracing of this process.

A sender and a receiver in one process must share a store, so both take it from
here: what ``instrument()`` configured, or, where nobody called it, what the
environment says.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import trace

from ._forks import call_at_fork
from ._meters import meters_of
from ._settings import Options, Settings
from ._shield import report, shield
from ._signing_secrets import SECRET_VARIABLE, find_fault
from ._tracing import Tracing
from .environment_variables import OTEL_PYTHON_LINQ_STORE
from .errors import ConfigurationError, StoreError
from .stores import open_store


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .stores import Store


_logger = logging.getLogger("linq_otel")
_TRACER_PROVIDER: Final = "OTEL_PYTHON_TRACER_PROVIDER"
# Keywords that every `instrument()` of OpenTelemetry takes.
_SWITCHES: Final = frozenset({"raise_exception_on_conflict", "skip_dep_check"})


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
            _active.tracing = _start_tracing({})
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
    tracing = _start_tracing(options)
    _active.put(tracing)
    return tracing


def adopt_tracing(options: Options) -> bool:
    """
    Put a tracing with *options* in force if there is none; False if there is one.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    with _active.lock:
        if _active.tracing is None:
            _active.tracing = _start_tracing(options)
            return True
    report_passed_over(options)
    return False


def report_passed_over(options: Mapping[str, object]) -> None:
    """
    Report which of *options* come too late: others are in force.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    given = {k: v for k, v in options.items() if v is not None and k not in _SWITCHES}
    wanted, in_force = Settings.read(cast("Options", given)), get_tracing().settings
    fields = {name: "webhook_secrets" if name == "webhook_secret" else name for name in given}
    report_late(n for n, field in fields.items() if _differ(wanted, in_force, field))


def report_late(names: Iterable[str]) -> None:
    """
    Report the options *names*, which differ from those in force and are passed over.
    """
    if listed := ", ".join(sorted(names)):
        report(
            f"configured: {listed}",
            "options count in the first instrument() alone, until uninstrument(): "
            f"configured already: {listed} passed over",
        )


def forget_tracing() -> None:
    """
    Take the tracing out of force; its store is closed if we opened it.
    """
    _active.put(None)


def _differ(wanted: Settings, in_force: Settings, field: str) -> bool:
    return bool(getattr(wanted, field) != getattr(in_force, field))


def build_tracing(settings: Settings, given: Options | None = None) -> Tracing:
    """
    Build a tracing with the store its settings name.

    A store that cannot be opened is reported, and memory takes its place: the
    app must run, and its sends must still be traced.

    Args:
        settings: The options in force.
        given: Those of them that are keywords; the others are the environment's.

    Raises:
        ConfigurationError: If the URL of a store is wrong, and a keyword.
    """
    is_typed = given is not None and given.get("store") is not None
    try:
        return Tracing(settings, _open_store(settings.store))
    except (StoreError, ConfigurationError) as error:
        if is_typed and isinstance(error, ConfigurationError):
            raise
        where = "" if given is None or is_typed else f"{OTEL_PYTHON_LINQ_STORE}: "
        said = f"{where}{error}; origins stay in this process instead"
        report(f"store: {type(error).__name__}", said)
        return Tracing(settings, open_store("memory:"))


def _start_tracing(options: Options) -> Tracing:
    tracing = build_tracing(Settings.read(options), options)
    with shield("describing the set-up"):
        _logger.info("in force: %s", _describe(tracing))
    return tracing


def _describe(tracing: Tracing) -> str:
    """
    Say in one line what is in force; no URL of it is shown, which may hold a password.
    """
    settings = tracing.settings
    return (
        f"join={settings.join}, store={_place_of(tracing.origins.store)}, "
        f"webhooks={_describe_secrets(settings.webhook_secrets)}, "
        f"provider={_name_provider(settings)}"
    )


def _describe_secrets(secrets: tuple[str, ...]) -> str:
    if any(map(find_fault, secrets)):
        # A wrong keyword is an error: this one is the environment's, and verifies nothing.
        return f"refused, as {SECRET_VARIABLE} is not valid"
    count = len(secrets)
    return f"verified ({count} secret{'s' * (count > 1)})" if secrets else "not verified"


def _name_provider(settings: Settings) -> str:
    provider: object = settings.tracer_provider
    if provider is None:
        # To ask for the global one makes it, where a variable says which.
        if os.environ.get(_TRACER_PROVIDER):
            return f"as {_TRACER_PROVIDER} says"
        provider = trace.get_tracer_provider()
    kind: type[object] = type(provider)
    if kind is trace.ProxyTracerProvider:
        return "none yet"
    return f"{kind.__module__}.{kind.__qualname__}"


def _place_of(store: Store) -> str:
    # Ours name their place without any secret; what another one shows of itself is not known.
    is_ours = type(store).__module__.startswith(f"{__package__}.stores")
    return repr(store) if is_ours else type(store).__qualname__


def _open_store(store: Store | str) -> Store:
    return open_store(store) if isinstance(store, str) else store
