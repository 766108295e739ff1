"""
Whether two processes share a store: one leaves a mark, the other finds it.

URLs that look alike may lead to two servers, and different ones to the same.
Only a thing that was put there by one and found by the other proves it.
"""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.stores import open_store

from ._findings import tell
from ._store_refusals import is_shared, split_refusal, tell_refusal, with_options
from ._stores import can_be_read, read_only


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.stores import Store

    from ._findings import Finding


_SECONDS: Final = 900.0
_MOST_OFF: Final = 2.0
_COMMAND: Final = "linq-otel doctor --find-mark"


def leave_mark(url: str) -> tuple[str, list[Finding]]:
    """
    Leave a mark in a store for 15 minutes; return its code and what there is to say.

    Args:
        url: The URL of the store.
    """
    code = secrets.token_hex(4)
    now = time.time_ns()
    mark = Origin("00-0-0-00", message_id=_name(code), requested_at=now, accepted_at=now)

    def leave(store: Store) -> Finding:
        store.save(mark)
        return tell(
            "store.mark.left",
            f"a mark was left for {_SECONDS / 60:.0f} minutes",
            detail="Type this where the other process runs, with its environment:",
            remedy=f"{_COMMAND} {code}",
        )

    return code, _work(with_options(url, ttl=_SECONDS), leave)


def find_mark(url: str, code: str) -> list[Finding]:
    """
    Look for the mark that another process has left.

    Args:
        url: The URL of the store.
        code: What the other process printed.
    """

    def look_for(store: Store) -> Finding:
        found = store.find(f"message:{_name(code)}")
        if found is None:
            return _tell_missing(code)
        age = (time.time_ns() - found[1].requested_at) / 1_000_000_000
        seen = f"the mark {code} is here: both processes share this store"
        if age < -_MOST_OFF:
            return tell(
                "store.clock.off",
                f"{seen}, and this host's clock is {-age:.0f} s behind the other's",
                remedy="timedatectl set-ntp true",
            )
        return tell("store.mark.found", f"{seen} (left {max(age, 0.0):.0f} s ago)")

    # Looking makes no file and no table.
    if not can_be_read(url):
        return [_tell_missing(code)]
    return _work(read_only(url), look_for)


def _tell_missing(code: str) -> Finding:
    return tell(
        "store.mark.missing",
        f"the mark {code} is not in this store",
        detail="The two processes have different stores, or 15 minutes have passed.",
        remedy="compare OTEL_PYTHON_LINQ_STORE in both, then linq-otel doctor --leave-mark",
    )


def _name(code: str) -> str:
    return f"linq-otel-mark-{code.strip().lower()}"


def _work(url: str, work: Callable[[Store], Finding]) -> list[Finding]:
    if not is_shared(url):
        return [
            tell(
                "store.mark.missing",
                "no other process can see the memory of this one",
                remedy="export OTEL_PYTHON_LINQ_STORE=sqlite:///linq.db, or redis://…",
            )
        ]
    try:
        with closing(open_store(url)) as store:
            return [work(store)]
    except ConfigurationError as error:
        seen, remedy = split_refusal(str(error))
        return [tell("store.invalid", seen, remedy=remedy)]
    except StoreError as error:
        return [tell_refusal(error)]
