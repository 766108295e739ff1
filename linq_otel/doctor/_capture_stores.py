"""
The sends of recorded webhooks, looked up where the app keeps its origins.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.stores import open_store

from ._samples import Send
from ._store_refusals import is_shared
from ._stores import can_be_read, read_only


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel.stores import Store


_SECONDS: Final = 2.0


def find_sends(store: Store | str, message_ids: Sequence[str]) -> list[Send]:
    """
    Return the sends of *message_ids* that *store* knows, as far as it gets within two seconds.

    A store that does not work knows none; examining it says why.
    """
    if not message_ids or not is_shared(store):
        return []
    try:
        if not isinstance(store, str):
            return list(_ask(store, message_ids))
        if not can_be_read(store):
            return []
        with closing(open_store(read_only(store))) as opened:
            return list(_ask(opened, message_ids))
    except (ConfigurationError, StoreError):
        return []


def _ask(store: Store, message_ids: Sequence[str]) -> Iterator[Send]:
    deadline = time.monotonic() + _SECONDS
    for message_id in message_ids:
        if time.monotonic() > deadline:
            return
        found = store.find(f"message:{message_id}")
        if found is not None and found[1].linq_trace_ids:
            ids = tuple(each.lower() for each in found[1].linq_trace_ids)
            yield Send("the store", message_id, ids)
