"""
Clients of our own, made as a URL says.

They give up early and try again once: an answer that comes after seconds joins
nothing any more, but a server that was restarted leaves connections behind that
are dead, and each of them would cost an operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

from linq_otel.errors import ConfigurationError

from ._redis_clients import ClientSource


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._redis_clients import Client
    from ._redis_urls import RedisTarget


_SECONDS = 1.0
_OLDEST_WITH_ONE_RETRY_OBJECT = 6


def source_of_target(target: RedisTarget) -> ClientSource:
    """
    Hand out a client of our own for *target*; nothing is connected yet.

    Raises:
        ConfigurationError: If redis-py does not take its options.
    """
    openers: dict[str, Callable[[RedisTarget], Client]] = {
        "cluster": _open_cluster,
        "sentinel": _open_sentinel,
    }
    opener = openers.get(target.kind, _open_server)
    _check_options(target)
    is_cluster = target.kind == "cluster"
    return ClientSource(target.place, lambda: opener(target), _disconnect, is_cluster=is_cluster)


def _check_options(target: RedisTarget) -> None:
    """
    Make a connection that does not connect: redis-py reads most options there.
    """
    try:
        pool = redis.Redis(**_arguments(target)).connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError, redis.RedisError) as error:
        raise ConfigurationError(
            f"redis-py {redis.__version__} does not take these options of the store "
            f"({type(error).__name__}): {', '.join(target.options)}"
        ) from None


def _arguments(target: RedisTarget) -> dict[str, Any]:
    tls = {"ssl": True, "ssl_check_hostname": target.options.get("ssl_cert_reqs") != "none"}
    return {
        "socket_timeout": _SECONDS,
        "socket_connect_timeout": _SECONDS,
        "socket_keepalive": True,
        "client_name": "linq-otel",
        # The elder protocol: proxies and servers that look like Redis know it, and no version
        # of the driver switches anything on that only the newer one can do.
        "protocol": 2,
        "retry": Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        "retry_on_error": [redis.ConnectionError],
        **(tls if target.is_secret else {}),
        **target.options,
    }


def _open_server(target: RedisTarget) -> Client:
    arguments = _arguments(target)
    if target.path:
        # Of TCP alone.
        del arguments["socket_keepalive"]
        return cast("Client", redis.Redis(unix_socket_path=target.path, **arguments))
    host, port = target.hosts[0]
    return cast("Client", redis.Redis(host=host, port=port, **arguments))


def _open_cluster(target: RedisTarget) -> Client:
    arguments = _arguments(target)
    nodes = [ClusterNode(host, port) for host, port in target.hosts]
    for name in ("db", "retry_on_error"):
        del arguments[name]
    if int(redis.__version__.partition(".")[0]) < _OLDEST_WITH_ONE_RETRY_OBJECT:
        arguments["cluster_error_retry_attempts"] = 1
    return cast("Client", redis.RedisCluster(startup_nodes=nodes, **arguments))


def _open_sentinel(target: RedisTarget) -> Client:
    arguments = _arguments(target)
    # Half the time for each, of whom some may be gone.
    seconds = {"socket_timeout": _SECONDS / 2, "socket_connect_timeout": _SECONDS / 2}
    theirs = {k: v for k, v in arguments.items() if k.startswith("ssl") or k == "protocol"}
    theirs |= seconds | target.sentinel_options
    watching: Any = Sentinel(
        list(target.hosts),
        sentinel_kwargs={**theirs, "retry": Retry(NoBackoff(), 0)},
        **arguments,
    )
    return cast("Client", watching.master_for(target.service))


def _disconnect(client: Client) -> None:
    if isinstance(client, redis.RedisCluster):
        client.disconnect_connection_pools()
        client.close()
        return
    pool = cast("redis.Redis", client).connection_pool
    watching: Sentinel | None = getattr(pool, "sentinel_manager", None)
    sentinels = [] if watching is None else watching.sentinels
    for each in (pool, *(one.connection_pool for one in sentinels)):
        each.disconnect()
