"""
The store: whether it opens, keeps and finds, how fast, and who shares it.

What is written to find that out expires within a second and is deleted where
a store deletes by itself only now and then. A file or a table that is not
there yet is not made: that is the app's to do, in the app's folder.
"""

from __future__ import annotations

import os.path
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.stores import DEFAULT_TTL, open_store

from ._findings import tell
from ._places import is_near
from ._store_clocks import find_of_clock
from ._store_probes import PROBE_SECONDS, judge, probe, tidy
from ._store_refusals import is_shared, split_refusal, tell_refusal, with_options


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.stores import Store

    from ._findings import Finding


__all__ = ["ask_store", "can_be_read", "read_only"]

_DAY: Final = 24 * 3600.0
_VARIABLE: Final = "OTEL_PYTHON_LINQ_STORE"
_SHARED: Final = f"export {_VARIABLE}=sqlite:///linq.db, or redis://… for several hosts"
_SQL: Final = ("postgresql", "postgres", "mysql", "mariadb")


def ask_store(store: Store | str, patience: float) -> list[Finding]:
    """
    Examine *store*.

    Args:
        store: The URL of one, or the app's own.
        patience: Seconds a call waits for it.
    """
    if not is_shared(store):
        return [
            tell(
                "store.memory",
                "origins stay in the memory of one process",
                detail="Enough if webhooks repeat the trace id of the send, as Linq documents.",
                remedy=_SHARED,
            )
        ]
    if not isinstance(store, str):
        return [_ask_object(store)]
    try:
        return list(_ask_url(store, patience))
    except ConfigurationError as error:
        seen, remedy = split_refusal(str(error))
        return [
            tell("store.invalid", seen, remedy=remedy or f"export {_VARIABLE}=sqlite:///linq.db")
        ]
    except StoreError as error:
        return [tell_refusal(error)]


def _find_sqlite_path(url: str) -> str | None:
    """
    Answer the file of a SQLite store; None for another one.
    """
    path = url.partition("?")[0].removeprefix("sqlite:///")
    return path if url.startswith("sqlite:///") and path else None


def can_be_read(url: str) -> bool:
    """
    False if opening the store would make its file.
    """
    path = _find_sqlite_path(url)
    return path is None or os.path.exists(path)  # noqa: PTH110  # A path is text in a store's URL.


def read_only(url: str) -> str:
    """
    Return the URL with which no tables are made: that is the app's to do.
    """
    is_sql = url.partition(":")[0].partition("+")[0] in _SQL
    return with_options(url, create="false") if is_sql else url


def _ask_url(url: str, patience: float) -> Iterator[Finding]:
    path = _find_sqlite_path(url)
    if path is not None:
        yield from _find_of_file(path)
        if not os.path.exists(path):  # noqa: PTH110  # As above.
            return
    yield from _find_of_ttl(url)
    with closing(open_store(with_options(read_only(url), ttl=PROBE_SECONDS))) as store:
        place = path or _place_of(store)
        timing = probe(store)
        yield judge(place, timing, patience)
        if path is None and is_near(place):
            yield tell(
                "store.loopback",
                f"{place} is another server on every other host",
                detail="Right if sender and receiver run here; else name the host all of them see.",
            )
        yield from find_of_clock(store, place)
        tidy(store)


def _find_of_file(path: str) -> Iterator[Finding]:
    absolute = os.path.abspath(path)  # noqa: PTH100  # As above.
    if path != absolute:
        yield tell(
            "store.relative",
            f"the store's file is {path} in whatever folder a process is in; here {absolute}",
            detail="A sender and a receiver in different folders have different stores.",
            remedy=f"export {_VARIABLE}=sqlite:///{absolute}",
        )
    folder = os.path.dirname(absolute)  # noqa: PTH120  # As above.
    if os.path.exists(path):  # noqa: PTH110  # As above.
        return
    if not os.access(folder, os.W_OK):
        raise StoreError(f"the store {path} cannot be made in {folder}; mkdir -p {folder}")
    yield tell(
        "store.absent",
        f"the store {path} is not there yet",
        detail="The first process that needs it makes it.",
        remedy="linq-otel create-tables, to make it now",
    )


def _find_of_ttl(url: str) -> Iterator[Finding]:
    given = dict(parse_qsl(url.partition("?")[2])).get("ttl", "")
    try:
        ttl = float(given or DEFAULT_TTL)
    except ValueError:
        # Opening the store says what is wrong with it.
        open_store(url).close()
        return
    if 0 < ttl < _DAY:
        yield tell(
            "store.ttl",
            f"the store forgets after {ttl:.0f} s",
            detail="A message that is read later joins without its origin.",
            remedy=f"leave ttl out of {_VARIABLE}: a week is its default",
        )


def _ask_object(store: Store) -> Finding:
    kind = type(store).__qualname__
    try:
        began = time.perf_counter()
        store.find("message:linq-otel-doctor")
    except Exception as error:  # Whatever it raises, it does not work.
        if isinstance(error, StoreError):
            return tell_refusal(error)
        return tell(
            "store.unreachable",
            f"the app's {kind} raised {type(error).__name__} when it was asked for a key",
            remedy="see the traceback of the app's own function",
        )
    seconds = time.perf_counter() - began
    return tell(
        "store.own",
        f"the app's own {kind} answered in {seconds * 1000:.1f} ms",
        detail="It was asked for a key that is not there, and nothing was written.",
    )


def _place_of(store: Store) -> str:
    # Without any secret: that is what its `repr` is for.
    return repr(store).partition("(")[2].rstrip(")")
