"""
What a store refused, and what to do about it; and the URL of one with other options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from ._findings import tell


if TYPE_CHECKING:
    from linq_otel.errors import StoreError
    from linq_otel.stores import Store

    from ._findings import Finding


def is_shared(store: Store | str) -> bool:
    """
    True if other processes see what this one saves.
    """
    if isinstance(store, str):
        return not store.startswith("memory:")
    return store.is_shared


def tell_refusal(error: StoreError) -> Finding:
    """
    Tell what a store refused, and what to do about it.
    """
    seen, remedy = split_refusal(str(error))
    if "has no tables" in seen:
        return tell(
            "store.absent",
            seen,
            detail="Its first operation makes them, if its user may.",
            remedy="linq-otel create-tables",
        )
    return tell("store.unreachable", seen, remedy=remedy or "see its log")


def split_refusal(message: str) -> tuple[str, str]:
    """
    Part what was refused from what to do about it.
    """
    mark = "; " if "; " in message else ": "
    seen, _, remedy = message.rpartition(mark)
    return (seen, remedy) if seen else (message, "")


def with_options(url: str, **options: object) -> str:
    """
    Return the URL of a store with *options* in place of its own.
    """
    base, _, query = url.partition("?")
    given: dict[str, object] = dict(parse_qsl(query, keep_blank_values=True))
    return f"{base}?{urlencode(given | options)}"
