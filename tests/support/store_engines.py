"""
What the contract test asks of every engine: a store, a way to let it age, and a way to spoil a row.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis import Redis

from linq_otel.stores import open_store
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from support.origins import Clock


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from linq_otel.stores import Store


TTL = 100.0
"""Seconds the stores of the contract test keep what is saved."""


@dataclass(frozen=True, slots=True)
class Engine:
    """
    One engine, empty.

    Attributes:
        url: Where any process finds it; a memory is nowhere else.
        open: Opens a store of it; whoever calls closes.
        age: Lets seconds pass for what the store holds.
        spoil: Puts text under a key that is no origin.
    """

    url: str
    open: Callable[[], Store]
    age: Callable[[float], None]
    spoil: Callable[[str, str], None]


def memory_engine() -> Engine:
    """
    Keep everything in this process.
    """
    clock = Clock()

    def refuse(key: str, text: str) -> None:
        raise AssertionError("a memory holds objects, which cannot be spoilt")

    return Engine(
        "memory:", lambda: MemoryStore(ttl=TTL, clock=clock), age=clock.advance, spoil=refuse
    )


def sqlite_engine(folder: Path) -> Engine:
    """
    Keep everything in a file in *folder*.
    """
    path, clock = str(folder / "linq.db"), Clock()

    def spoil(key: str, text: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE linq_origins SET origin = ? "
                "WHERE id = (SELECT origin_id FROM linq_keys WHERE key = ?)",
                (text, key),
            )

    return Engine(
        f"sqlite:///{path}?ttl={TTL}",
        lambda: SQLiteStore(path, ttl=TTL, clock=clock),
        age=clock.advance,
        spoil=spoil,
    )


def redis_engine(url: str) -> Engine:
    """
    Keep everything in a database of Redis, which is emptied first.

    Its keys are brought nearer to their end; it is Redis that forgets them.
    """
    with Redis.from_url(url) as client:
        client.flushdb()

    def age(seconds: float) -> None:
        with Redis.from_url(url) as client:
            for key in client.scan_iter():
                client.pexpire(key, max(client.pttl(key) - int(seconds * 1000), 0))

    def spoil(key: str, text: str) -> None:
        with Redis.from_url(url) as client:
            client.set(f"linq:{{{key}}}", text, keepttl=True)

    at = f"{url}?ttl={TTL}"
    return Engine(at, lambda: open_store(at), age=age, spoil=spoil)
