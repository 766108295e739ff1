"""
The store of many hosts: Redis, alone, in a cluster, or watched by sentinels.

Redis forgets by itself what is too old, and every command touches one key slot,
so that a cluster needs nothing special. There is no script and no transaction:
any server that speaks its protocol will do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError, MissingExtraError, UnreadableOriginError

from . import DEFAULT_TTL
from ._redis_urls import parse_redis_url


try:
    from ._redis_clients import ClientSource, source_of_app
    from ._redis_exchanges import exchange
    from ._redis_opening import source_of_target
except ImportError as error:
    raise MissingExtraError("the Redis store", "redis") from error


if TYPE_CHECKING:
    from redis import Redis, RedisCluster


__all__ = ["RedisStore", "open_redis_store"]

_Row = tuple["bytes | None", "bytes | None"]
# Redis counts them in 64 bits, from 1970.
_MOST_MILLISECONDS = 2**53


class RedisStore:
    """
    Origins in Redis, shared by any number of hosts.

    ======================================= ============ ===========================
    key                                     value        what
    ======================================= ============ ===========================
    ``linq:{message:0c96…}``                JSON         origin of an accepted call
    ``linq:{key:9f86…}:early``              JSON         of one not answered yet
    ``linq:event:8a91…``                    random       a claimed event
    ======================================= ============ ===========================

    Every key expires by itself. Of ACL rules a user needs ``+get +mget +set
    +client|setname ~linq:*``, ``+select`` for a database but 0, and in a cluster
    ``+cluster|slots``, ``+command`` and ``+info``.

    Args:
        client: A client the app already has, which stays its own. Give it a
            ``socket_timeout``: an operation lasts as long as the client waits.
        ttl: Seconds an origin or a claimed event is kept.
        prefix: What the keys begin with, to part apps that share a database.

    Raises:
        ConfigurationError: If *client* is no synchronous client of redis-py, or
            another argument cannot be used.
    """

    is_shared = True

    def __init__(
        self,
        client: Redis | RedisCluster | ClientSource,
        ttl: float = DEFAULT_TTL,
        prefix: str = "linq",
    ) -> None:
        if not 0 < ttl < float("inf"):
            raise ConfigurationError("ttl must be a number of seconds above 0")
        if not prefix or "{" in prefix or "}" in prefix:
            raise ConfigurationError("prefix must be text without braces")
        self._source = client if isinstance(client, ClientSource) else source_of_app(client)
        self._milliseconds = min(max(int(ttl * 1000), 1), _MOST_MILLISECONDS)
        self._prefix = prefix

    def __repr__(self) -> str:
        """
        Name the place, without any secret.
        """
        return f"RedisStore({self._source.place})"

    @property
    def probes(self) -> int:
        """
        How many keys must be asked for to ask every server.

        Of trace ids that are numbers, 64 lie in the slots of each of up to 32 like nodes.
        """
        return 64 if self._source.is_cluster else 1

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* under each of its keys, unless an accepted one is there.

        Raises:
            StoreError: If Redis refuses, or cannot be reached.
        """
        text = origin.to_json().encode()
        write = self._write_accepted if origin.is_accepted else self._write_early
        exchange(self._source, [write(key, text) for key in origin.keys])

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Return the first of *keys* that has an origin, with that origin.

        Raises:
            StoreError: If Redis refuses, or cannot be reached.
            UnreadableOriginError: If what it holds there is no origin.
        """
        for key, (accepted, early) in zip(keys, self._fetch(keys), strict=True):
            row = accepted if accepted is not None else early
            if row is not None:
                return key, self._read(row)
        return None

    def find_all(self, *keys: str) -> set[str]:
        """
        Return those of *keys* that have an origin.

        Raises:
            StoreError: If Redis refuses, or cannot be reached.
        """
        rows = zip(keys, self._fetch(keys), strict=True)
        return {key for key, row in rows if any(each is not None for each in row)}

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time *event_id* is seen by any process.

        Raises:
            StoreError: If Redis refuses, or cannot be reached.
        """
        key = _encode(f"{self._prefix}:event:{event_id}")
        mark = os.urandom(8).hex().encode()
        if exchange(self._source, [("SET", key, mark, "NX", "PX", self._milliseconds)]) != [None]:
            return True
        # A connection that broke after the command had arrived makes the driver send it
        # again, and then the claim that is in the way is this one.
        return exchange(self._source, [("GET", key)]) == [mark]

    def close(self) -> None:
        """
        Close the connections, except those of a client that is the app's.
        """
        self._source.close()

    def _accepted(self, key: str) -> bytes:
        # In a cluster, what stands in braces decides the slot: it is one for both.
        return _encode(f"{self._prefix}:{{{key}}}")

    def _early(self, key: str) -> bytes:
        return _encode(f"{self._prefix}:{{{key}}}:early")

    def _fetch(self, keys: tuple[str, ...]) -> list[_Row]:
        names = [(self._accepted(key), self._early(key)) for key in keys]
        if not self._source.is_cluster:
            return exchange(self._source, [("MGET", *pair) for pair in names])
        # While a slot is moved to another node, a command for two keys of which only one
        # has moved, or only one exists, is told to try again later.
        rows = iter(exchange(self._source, [("GET", name) for pair in names for name in pair]))
        return list(zip(rows, rows, strict=True))

    def _write_accepted(self, key: str, text: bytes) -> tuple[object, ...]:
        return ("SET", self._accepted(key), text, "NX", "PX", self._milliseconds)

    def _write_early(self, key: str, text: bytes) -> tuple[object, ...]:
        return ("SET", self._early(key), text, "PX", self._milliseconds)

    def _read(self, row: bytes) -> Origin:
        try:
            return Origin.from_json(row.decode(errors="replace"))
        except UnreadableOriginError as error:
            raise UnreadableOriginError(f"Redis at {self._source.place}: {error}") from error


def open_redis_store(url: str, options: dict[str, str], ttl: float) -> RedisStore:
    """
    Open the store at *url*; its servers are not asked yet.

    * ``redis://user:password@host:6379/0``, and ``rediss://`` with TLS
    * ``redis+unix:///run/redis.sock``
    * ``redis+cluster://host1:6379,host2:6379``, ``rediss+cluster://``
    * ``redis+sentinel://user:password@host1:26379,host2:26379/NAME/0``,
      ``rediss+sentinel://``; the sentinels' own ``sentinel_username`` and
      ``sentinel_password`` are options

    Args:
        url: The URL without its query.
        options: The query: ``prefix``, and options of redis-py, as
            ``socket_timeout`` in seconds (1 by default, to connect as well) or
            ``ssl_ca_certs``, the path of a file.
        ttl: Seconds an origin or a claimed event is kept.

    Raises:
        ConfigurationError: If the URL or an option cannot be used.
    """
    target = parse_redis_url(url, options)
    return RedisStore(source_of_target(target), ttl, target.prefix)


def _encode(key: str) -> bytes:
    # Ids come from JSON, which knows halves of characters.
    return key.encode("utf-8", "surrogatepass")
