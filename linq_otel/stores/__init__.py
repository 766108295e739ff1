"""
Where origins wait for the webhooks that follow.

A store keeps one small fact under each id of a sent message, for days, and
lets one process claim each webhook event. Which engine holds it is a URL:
``memory:`` for one process, ``sqlite:///linq.db`` for one host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import parse_qsl

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
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

    ``ttl`` is the age in seconds at which an origin is forgotten, a week by
    default.

    Args:
        url: The URL of the store.

    Raises:
        ConfigurationError: If no engine has this scheme, or an option is wrong.
        StoreError: If the engine cannot be opened.
    """
    scheme, _, rest = url.partition(":")
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    ttl = _number(options.pop("ttl", DEFAULT_TTL), "ttl")
    if scheme == "memory":
        from .memory import MemoryStore  # noqa: PLC0415  # Each engine loads its driver alone.

        size = int(_number(options.pop("size", MemoryStore.DEFAULT_SIZE), "size"))
        store: Store = MemoryStore(size=size, ttl=ttl)
    elif scheme == "sqlite" and path.startswith("///") and path != "///":
        from .sqlite import SQLiteStore  # noqa: PLC0415  # As above.

        store = SQLiteStore(path[3:], ttl=ttl)
    else:
        raise ConfigurationError(
            f"no store at {scheme + ':'!r}: use memory: or sqlite:///path/to/file"
        )
    if options:
        store.close()
        raise ConfigurationError(f"unknown store option {min(options)!r}: use ttl or size")
    return store


def _number(value: str | float, name: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ConfigurationError(f"store option {name} must be a number above 0")
    return number
