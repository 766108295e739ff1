"""
The stores that hosts share, and how each is made to fail.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from support.redis_servers import open_redis
from support.sql_servers import open_postgres


if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Engine(Protocol):
    """
    A store's server, or what stands for one.
    """

    @property
    def url(self) -> str:
        """
        Where it is.
        """
        ...

    def kill(self) -> None:
        """
        End it as the kernel does.
        """
        ...

    def start(self) -> None:
        """
        Run it again, with all it held.
        """
        ...

    def pause(self) -> None:
        """
        Let it answer nothing.
        """
        ...

    def resume(self) -> None:
        """
        Let it answer again.
        """
        ...


class LockedFile:
    """
    A SQLite file; what is closest to a dead server is a process that holds its lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"
        self._holder: sqlite3.Connection | None = None

    def pause(self) -> None:
        """
        Take the lock: nobody else can write.
        """
        self._holder = sqlite3.connect(
            self._path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._holder.execute("BEGIN IMMEDIATE")

    def resume(self) -> None:
        """
        Let go of it.
        """
        assert self._holder is not None
        self._holder.execute("ROLLBACK")
        self._holder.close()
        self._holder = None

    kill, start = pause, resume


@contextmanager
def open_file(folder: Path) -> Generator[LockedFile, None, None]:
    """
    Open a file in *folder*.
    """
    folder.mkdir()
    yield LockedFile(folder / "linq.db")


@contextmanager
def _open_redis(folder: Path) -> Generator[Engine, None, None]:
    # On disk before it is answered, so that a killed server has lost nothing.
    with open_redis(folder, options=("--appendonly", "yes", "--appendfsync", "always")) as server:
        yield server


ENGINES: dict[str, Callable[[Path], AbstractContextManager[Engine]] | None] = {
    "none": None,
    "sqlite": open_file,
    "redis": _open_redis,
    "postgresql": open_postgres,
}
"""By the name of the store; ``none`` is each process's own memory."""
