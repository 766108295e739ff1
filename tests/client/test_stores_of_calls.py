"""
What a call does with the store, be it up or down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._origins import hash_key
from linq_otel._shield import tally
from linq_otel.errors import StoreError
from linq_otel.stores import open_store
from support.lives import (
    CALL,
    get_origin,
    hashed,
    life,
    seen,
)
from support.scripted_linq import CHAT_ID, MESSAGE_ID, nth_trace_id
from support.sending import asend, send, text_message
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel.stores.memory import MemoryStore

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


class _BrokenStore:
    """
    A store whose engine is down.
    """

    is_shared = False

    def _refuse(self, *_: object) -> Any:
        raise StoreError("down")

    save = find = claim = _refuse

    def close(self) -> None:
        """Nothing to close."""


class _BrokenSharedStore(_BrokenStore):
    is_shared = True


class TestStore:
    @pytest.mark.parametrize(
        ("store", "counts"),
        [
            (
                _BrokenStore(),
                {"saving an origin: StoreError": 4, "looking up an origin: StoreError": 2},
            ),
            # Left alone after three failures in a row.
            (_BrokenSharedStore(), {"store save: StoreError": 3, "store find: StoreError": 3}),
        ],
        ids=["own", "shared"],
    )
    def test_down(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        aconnect: Callable[..., AsyncLinqAPIV3],
        finished: Finished,
        shielded: Callable[[], Any],
        store: Any,
        counts: dict[str, int],
    ) -> None:
        """A store that is down costs the join, never the call, sync or async."""

        async def run() -> Any:
            async with aconnect() as other:
                return await asend(other, idempotency_key="k")

        start(store=store)
        with shielded():
            assert send(client, idempotency_key="k").message.id == MESSAGE_ID
            assert asyncio.run(run()).message.id == MESSAGE_ID
        assert [s.name for s in finished()].count(CALL) == 2
        found = tally.counts()
        assert found.keys() == counts.keys()
        # What is saved again in the background may be, or may not be yet.
        assert all(found[kind] <= most for kind, most in counts.items())
        assert found == counts or store.is_shared

    def test_shared(
        self, start: Start, aconnect: Callable[..., AsyncLinqAPIV3], tmp_path: Path
    ) -> None:
        """An async call keeps its origin in a store that other processes share."""
        url = f"sqlite:///{tmp_path}/linq.db"
        start(store=url)

        async def run() -> None:
            async with aconnect() as client:
                await asend(client, idempotency_key="k")

        asyncio.run(run())
        other = open_store(url)
        try:
            assert get_origin(other, f"message:{MESSAGE_ID}").chat_id == CHAT_ID
            assert get_origin(other, f"key:{hash_key('k')}").message_id == MESSAGE_ID
        finally:
            other.close()

    def test_no_threads_left(
        self,
        start: Start,
        aconnect: Callable[..., AsyncLinqAPIV3],
        finished: Finished,
        tmp_path: Path,
        shielded: Callable[[], Any],
    ) -> None:
        """In a process that is ending a shared store cannot be asked; the call works still."""
        start(store=f"sqlite:///{tmp_path}/linq.db")

        async def run() -> Any:
            async with aconnect() as client:
                await client.chats.mark_as_read(CHAT_ID)  # The SDK needs a thread the first time.
                await asyncio.get_running_loop().shutdown_default_executor()
                return await asend(client, idempotency_key="k")

        second = nth_trace_id(2)
        with shielded():
            assert asyncio.run(run()).message.id == MESSAGE_ID
        assert by_name(finished(), CALL).status.status_code.name == "UNSET"
        assert seen(finished()) == life(second, hashed(8, "anchor", second), second)

    def test_under_way(self, start: Start, client: LinqAPIV3, store: MemoryStore) -> None:
        """A send counts as under way while its request is, and no longer."""
        from linq_otel._runtime import get_tracing  # noqa: PLC0415  # Only here.

        start()
        sizes: list[int] = []
        client._client.event_hooks["request"].append(
            lambda _request: sizes.append(len(get_tracing().origins.sends_under_way))
        )
        client.chats.messages.send(CHAT_ID, message=text_message())
        client.chats.mark_as_read(CHAT_ID)
        assert (sizes, get_tracing().origins.sends_under_way) == ([1, 0], set())
