"""
``linq-otel prune`` and ``linq-otel create-tables``: what a database's keeper does by hand.

Neither is needed: stores make their tables and delete what is old by
themselves. But an app's user may not be permitted to, and a scheduled task is
where some want the work done.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, runtime_checkable

from linq_otel.environment_variables import OTEL_PYTHON_LINQ_STORE
from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.stores import open_store

from ._streams import spell_line
from ._waterfall import build_console


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.stores import Store


_OK = 0
_REFUSED = 1
_TABLES = ("linq_origins", "linq_events")


@runtime_checkable
class _Prunable(Protocol):
    def prune(self) -> int: ...


@runtime_checkable
class _HasTables(Protocol):
    def create_tables(self) -> tuple[str, ...]: ...


def run_prune(url: str | None, out: IO[str], err: IO[str]) -> int:
    """
    Delete all that has expired, a bounded number at once; returns the exit code.

    Args:
        url: The store; without one, that of the environment.
        out: Told how many rows are gone.
        err: Told why, if it could not be done.

    Raises:
        ConfigurationError: If no store is named, or its URL cannot be used.
    """
    return _work(find_url(url), _prune, out, err)


def run_create_tables(url: str | None, out: IO[str], err: IO[str]) -> int:
    """
    Make the tables of a store, unless they are there; returns the exit code.

    Args:
        url: The store; without one, that of the environment.
        out: Told what was made.
        err: Told why, if it could not be done.

    Raises:
        ConfigurationError: If no store is named, or its URL cannot be used.
    """
    known = find_url(url)
    # Asked beforehand: a file is made by opening it.
    made = _TABLES if _is_missing_file(known) else ()
    return _work(known, lambda store: _create_tables(store, made), out, err)


def find_url(given: str | None) -> str:
    """
    Return the URL that was given, or the environment's.

    Raises:
        ConfigurationError: If there is neither.
    """
    url = given or os.environ.get(OTEL_PYTHON_LINQ_STORE)
    if not url:
        raise ConfigurationError(f"name a store: --store URL, or set {OTEL_PYTHON_LINQ_STORE}")
    return url


def _work(url: str, work: Callable[[Store], str], out: IO[str], err: IO[str]) -> int:
    try:
        with closing(open_store(url)) as store:
            told = work(store)
    except StoreError as error:
        err.write(f"linq-otel: {spell_line(error)}\n")
        return _REFUSED
    out.write(f"{told}\n")
    return _OK


def _prune(store: Store) -> str:
    if not isinstance(store, _Prunable):
        return "Nothing to do: this store forgets by itself what has expired."
    deleted = 0
    # Only a terminal shows it.
    with build_console(sys.stderr).status("pruning…"):
        while batch := store.prune():
            deleted += batch
    return f"Deleted {deleted} expired {'row' if deleted == 1 else 'rows'}."


def _create_tables(store: Store, made: tuple[str, ...]) -> str:
    if isinstance(store, _HasTables):
        made = store.create_tables()
    elif not isinstance(store, _Prunable):
        return "Nothing to do: this store has no tables."
    if not made:
        return f"Nothing to do: {' and '.join(_TABLES)} are there."
    return f"Made {' and '.join(made)}."


def _is_missing_file(url: str) -> bool:
    path = url.partition("?")[0].removeprefix("sqlite:///")
    return url.startswith("sqlite:") and not Path(path).exists()
