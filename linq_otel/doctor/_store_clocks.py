"""
The clock of a store's server against this host's.

Redis lets keys expire by its own clock; SQL stores by that of whoever writes,
so that a host whose clock is ahead deletes what others still need.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.stores import Store

    from ._findings import Finding


_MOST_OFF: Final = 2.0
_ASKED: Final = {
    "postgresql": "SELECT extract(epoch from clock_timestamp())",
    "mysql": "SELECT unix_timestamp(now(6))",
    "mariadb": "SELECT unix_timestamp(now(6))",
}


def find_of_clock(store: Store, place: str) -> Iterator[Finding]:
    """
    Yield whether the clocks agree, if the server says what its own shows.
    """
    here = time.time()
    there = _read_clock(store)
    if there is None:
        return
    # It was read some time in between.
    offset = (here + time.time()) / 2 - there
    if abs(offset) <= _MOST_OFF:
        yield tell(
            "store.clock", f"the store's clock and this host's differ by {abs(offset):.1f} s"
        )
        return
    yield tell(
        "store.clock.off",
        f"this host's clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} "
        f"that of {place}",
        detail="One of them is wrong; rows may expire early or late by as much.",
        remedy="timedatectl set-ntp true",
    )


def _read_clock(store: Any) -> float | None:
    # A user may not be permitted to ask, and no other operation needs it.
    with suppress(Exception):
        source = getattr(store, "_source", None)
        if source is not None:
            seconds, microseconds = source.get_client().execute_command("TIME")
            return int(seconds) + int(microseconds) / 1_000_000
        database = getattr(store, "_database", None)
        if database is not None:
            asked = _ASKED[database.place.partition(":")[0]]
            return float(database.run(partial(_ask, asked)))
    return None


def _ask(statement: str, connection: Any, _was_tried: object) -> Any:
    return connection.exec_driver_sql(statement).fetchall()[0][0]
