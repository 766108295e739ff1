"""
What went wrong with a Redis store, in a line that a log may hold.

The driver's own words are not passed on: a server that does not know AUTH
repeats the password, and a pipeline's error repeats the whole command.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import redis
from redis import exceptions, sentinel

from linq_otel.errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Iterator


# Not every error of redis-py is a RedisError, and it looks nodes up in lists and dictionaries.
FAILURES = (
    redis.RedisError,
    exceptions.RedisClusterException,
    exceptions.ChildDeadlockedError,
    OSError,
    LookupError,
)
_CODE = re.compile(r"(?:^|caused error: )([A-Z]+)(?: |$)")
_LOGIN = "refused the user or the password; check those of the store"
_LOST_PRIMARY = "has lost its primary; see `INFO replication`"
_CLUSTER_DOWN = "is a cluster that is down; see `CLUSTER INFO`"
_NODE = "is a node of a cluster; use redis+cluster://"
# The first that fits: a class stands before those it derives from.
_BY_KIND: tuple[tuple[type[Exception], str], ...] = (
    (redis.TimeoutError, "did not answer in time; see whether it is overloaded or cut off"),
    (exceptions.OutOfMemoryError, "is full; raise its maxmemory, or let it evict volatile-ttl"),
    (exceptions.ReadOnlyError, "is a read-only replica; name the primary or its sentinels"),
    (exceptions.BusyLoadingError, "is still loading its data; it works once it has"),
    (redis.AuthenticationError, _LOGIN),
    (exceptions.AuthorizationError, _LOGIN),
    (
        exceptions.NoPermissionError,
        "does not permit this user a command or a key; see the ACL rules that RedisStore needs",
    ),
    (exceptions.MasterDownError, _LOST_PRIMARY),
    (exceptions.ClusterDownError, _CLUSTER_DOWN),
    (exceptions.MovedError, _NODE),
    (sentinel.MasterNotFoundError, "has no primary that a sentinel knows; see `SENTINEL MASTERS`"),
    (
        exceptions.MaxConnectionsError,
        "was not asked, all connections are in use; raise max_connections",
    ),
)
# Those that redis-py has no class for, not in every version at least.
_BY_CODE = {
    "MISCONF": "cannot write its disk and takes no more data; give the disk room",
    "NOREPLICAS": "takes no data without its replicas; see min-replicas-to-write",
    "MASTERDOWN": _LOST_PRIMARY,
    "CLUSTERDOWN": _CLUSTER_DOWN,
    "MOVED": _NODE,
}
_UNREACHABLE = "cannot be reached; check its address and that it runs"


def refusal(place: str, error: BaseException) -> StoreError:
    """
    Say what Redis, or the way to it, refused at *place*, and what to do.
    """
    return StoreError(f"the Redis store at {place} {_explain(error)}")


def is_at_wrong_place(error: BaseException) -> bool:
    """
    Answer whether a client that connects anew may do better.

    A name may lead to another server since the primary behind it changed, and a
    cluster's client may have lost sight of all its nodes.
    """
    kinds = (exceptions.RedisClusterException, exceptions.ReadOnlyError)
    return any(isinstance(each, kinds) for each in _causes(error))


def _explain(error: BaseException) -> str:
    chain = list(_causes(error))
    for kind, text in _BY_KIND:
        if any(isinstance(each, kind) for each in chain):
            return text
    if isinstance(error, redis.ResponseError):
        code = _CODE.search(str(error))
        named = code[1] if code else type(error).__name__
        return _BY_CODE.get(named, f"answered with an error ({named}); see its version and its log")
    return _explain_connection(chain)


def _explain_connection(chain: list[BaseException]) -> str:
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"has a certificate that is not trusted ({each.verify_message}); see ssl_ca_certs"
            )
        if isinstance(each, ssl.SSLError):
            return f"cannot be talked to with TLS ({each.reason}); check rediss:// and its port"
    reasons = [each.strerror for each in chain if isinstance(each, OSError) and each.strerror]
    if not reasons and isinstance(chain[0], (exceptions.RedisClusterException, LookupError)):
        return "is no cluster, or not all of it runs; see `CLUSTER INFO`"
    return f"{_UNREACHABLE} ({reasons[0] if reasons else type(chain[0]).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
