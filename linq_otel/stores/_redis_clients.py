"""
The client of a Redis store: the app's own, or one that is opened on first use.

Nothing is connected before that, no connection crosses a fork, and what an app
has opened stays open.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import redis

from linq_otel._forks import call_at_fork
from linq_otel.errors import ConfigurationError, StoreError

from ._redis_errors import FAILURES, refusal
from ._redis_urls import format_host


if TYPE_CHECKING:
    from collections.abc import Callable


class Client(Protocol):
    """
    What a store asks of redis-py's clients.
    """

    def execute_command(self, *args: object, **options: object) -> Any:
        """
        Send one command.
        """
        ...

    def pipeline(self, *, transaction: bool) -> Any:
        """
        Begin to collect commands that are sent together.
        """
        ...


class ClientSource:
    """
    Hands out the client of a store.

    Args:
        place: Where its servers are, without any secret.
        open_client: Makes the client, or returns the app's.
        close_client: Closes it, where it is ours.
        is_cluster: True if it is the client of a cluster.

    Attributes:
        place: As given.
        is_cluster: As given.
    """

    def __init__(
        self,
        place: str,
        open_client: Callable[[], Client],
        close_client: Callable[[Client], None],
        *,
        is_cluster: bool,
    ) -> None:
        self.place = place
        self.is_cluster = is_cluster
        self._open = open_client
        self._close = close_client
        self._client: Client | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        call_at_fork(in_child=self._renew)

    def get_client(self) -> Client:
        """
        Return the client; the first call opens it.

        Raises:
            StoreError: If the store is closed, or the client cannot be opened.
        """
        client = self._client
        if client is None:
            with self._lock:
                self.check_open()
                client = self._client = self._client or self._open_client()
        return client

    def check_open(self) -> None:
        """
        Do nothing unless the store is closed.

        Raises:
            StoreError: If it is.
        """
        if self._is_closed:
            raise StoreError(f"the Redis store at {self.place} is closed; open it again") from None

    def is_current(self, client: Client) -> bool:
        """
        Answer whether *client* is the one handed out now.
        """
        return client is self._client

    def forget_client(self, client: Client | None) -> None:
        """
        Open another client next time: what *client* is connected to is of no use any more.
        """
        with self._lock:
            # Another thread may have been first.
            if client is None or not self.is_current(client):
                return
            self._client = None
        self._close(client)

    def close(self) -> None:
        """
        Close the client for good, if it is ours.
        """
        self._is_closed = True
        self.forget_client(self._client)

    def _open_client(self) -> Client:
        try:
            return self._open()
        except FAILURES as error:
            raise refusal(self.place, error) from None

    def _renew(self) -> None:
        # A thread that is not in the child may have held a lock, of ours or of the client.
        self._lock = threading.Lock()
        if self._client is not None:
            _crossed_a_fork.append(self._client)
            self._client = None


# What a child inherits is never used and never closed there: the connections are its parent's.
_crossed_a_fork: list[Client] = []


def source_of_app(client: object) -> ClientSource:
    """
    Hand out the app's own client, which it closes itself.

    Raises:
        ConfigurationError: If *client* is none that threads can call.
    """
    if not isinstance(client, (redis.Redis, redis.RedisCluster)):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise ConfigurationError(
            f"RedisStore needs a redis.Redis or redis.RedisCluster, not {kind}: "
            "its threads cannot await, and async apps never wait for them"
        )
    return ClientSource(
        _find_place(client),
        lambda: cast("Client", client),
        _leave_open,
        is_cluster=isinstance(client, redis.RedisCluster),
    )


def _leave_open(_client: Client) -> None:
    """
    Leave the app's client as it is.
    """


def _find_place(client: redis.Redis | redis.RedisCluster) -> str:
    if isinstance(client, redis.RedisCluster):
        return ",".join(sorted(node.name for node in client.get_nodes()))
    known = client.connection_pool.connection_kwargs
    service = getattr(client.connection_pool, "service_name", None)
    server = format_host(known.get("host", "localhost"), known.get("port", 6379))
    return f"{service or known.get('path') or server}/{known.get('db', 0)}"
