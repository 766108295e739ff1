"""
Where origins wait for the webhooks that follow.

A store keeps one small fact under each id of a sent message, for days, and
lets one process claim each webhook event. Which engine holds it is a URL:
``memory:`` for one process, ``sqlite:///linq.db`` for one host, ``redis://…``
or ``postgresql://…`` for many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import parse_qsl

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._origins import Origin


__all__ = ["DEFAULT_TTL", "Store", "open_store"]

DEFAULT_TTL = 7 * 24 * 3600.0
"""Seconds an origin is kept: a message may be read days after it was sent."""


@runtime_checkable
class Store(Protocol):
    """
    What any engine implements: three primitives, synchronous and thread-safe.

    Attributes:
        is_shared: True if other processes see what this one saves. Its calls
            are then I/O, which async adapters move off the event loop, and an
            origin that is not there yet may still come.
    """

    @property
    def is_shared(self) -> bool:
        """
        True if other processes see what this one saves.
        """
        ...

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys.

        An origin that is accepted is never replaced: a repeated idempotency
        key answers with a message whose life began earlier.

        Raises:
            StoreError: If the engine refuses.
        """
        ...

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.

        Raises:
            StoreError: If the engine refuses.
        """
        ...

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen, on any host.

        Raises:
            StoreError: If the engine refuses.
        """
        ...

    def close(self) -> None:
        """
        Let go of files and connections; a closed store is not used again.
        """
        ...


def open_store(url: str) -> Store:
    """
    Open the store that *url* names.

    * ``memory:`` keeps origins in this process, at most ``size`` keys of them
      (default 100,000): ``memory:?size=5000&ttl=3600``.
    * ``sqlite:///linq.db`` (relative) or ``sqlite:////var/lib/linq.db``
      (absolute) shares them between the processes of one host.
    * ``redis://host:6379/0``, and ``rediss://`` with TLS; ``redis+cluster://``
      for a cluster and ``redis+sentinel://`` for one that sentinels watch
      (:mod:`linq_otel.stores.redis`).
    * ``postgresql://user@host/database`` and ``mysql://…``
      (:mod:`linq_otel.stores.sql`).

    ``ttl`` is the age in seconds at which an origin is forgotten, a week by
    default. Other options in the query are the engine's own. Servers are not
    asked before the first origin is saved or looked up.

    Args:
        url: The URL of the store.

    Raises:
        ConfigurationError: If no engine has this scheme, an option is wrong, or
            the engine's driver is not installed.
        StoreError: If the engine cannot be opened.
    """
    scheme, _, rest = url.partition(":")
    engine = _ENGINES.get(scheme.partition("+")[0])
    if engine is None:
        raise ConfigurationError(
            f"no store at {scheme + ':'!r}: use memory:, sqlite:///path/to/file, "
            "redis://host, postgresql://host/database or mysql://host/database"
        )
    location, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    ttl = _number(options.pop("ttl", DEFAULT_TTL), "ttl")
    return engine(f"{scheme}:{location}", options, ttl)


def _number(value: str | float, name: str) -> float:
    """
    Read the store option *name*, a number above 0.

    Raises:
        ConfigurationError: If *value* is none.
    """
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ConfigurationError(f"store option {name} must be a number above 0")
    return number


# Each engine loads its driver alone.
# ruff: noqa: PLC0415


def _open_memory(url: str, options: dict[str, str], ttl: float) -> Store:
    from .memory import MemoryStore

    size = _number(options.pop("size", MemoryStore.DEFAULT_SIZE), "size")
    if size != int(size):
        raise ConfigurationError("store option size must be a whole number")
    _refuse_unknown(options, "ttl or size")
    if url not in {"memory:", "memory://"}:
        raise ConfigurationError("a store in memory has no place: use memory:")
    return MemoryStore(size=int(size), ttl=ttl)


def _open_sqlite(url: str, options: dict[str, str], ttl: float) -> Store:
    from .sqlite import SQLiteStore

    _refuse_unknown(options, "ttl")
    path = url.removeprefix("sqlite:///")
    if path in {url, ""}:
        raise ConfigurationError("no store at 'sqlite:': use sqlite:///path/to/file")
    return SQLiteStore(path, ttl=ttl)


def _open_redis(url: str, options: dict[str, str], ttl: float) -> Store:
    from .redis import open_redis_store

    return open_redis_store(url, options, ttl)


def _open_sql(url: str, options: dict[str, str], ttl: float) -> Store:
    from .sql import open_sql_store

    return open_sql_store(url, options, ttl)


def _refuse_unknown(options: dict[str, str], known: str) -> None:
    if options:
        raise ConfigurationError(f"unknown store option {min(options)!r}: use {known}")


_ENGINES: dict[str, Callable[[str, dict[str, str], float], Store]] = {
    "memory": _open_memory,
    "sqlite": _open_sqlite,
    "redis": _open_redis,
    "rediss": _open_redis,
    "postgresql": _open_sql,
    "postgres": _open_sql,
    "mysql": _open_sql,
    "mariadb": _open_sql,
}
