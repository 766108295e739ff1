"""
Redis servers that belong together: three primaries of a cluster, or two that a sentinel watches.
"""

from __future__ import annotations

import subprocess
import time
from bisect import bisect
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, find_free_ports
from support.redis_servers import RedisMissingError, RedisServer, open_redis


if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


SERVICE = "linq"
"""The name under which the sentinel watches."""

_SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Watched:
    """
    A primary, its replica, and the sentinel that puts one in the other's place.
    """

    primary: RedisServer
    replica: RedisServer
    sentinel: RedisServer
    password: str = ""

    def ask(self, *words: str) -> str:
        """
        Send the sentinel one command about its service.
        """
        return self.sentinel.command("SENTINEL", *words, password=self.password)

    def wait_for_primary(self, port: int) -> None:
        """
        Wait until the sentinel names the server at *port* the primary, and that is one.
        """
        wait_until(lambda: self._names(port), "the sentinel did not change the primary")

    def _names(self, port: int) -> bool:
        named = self.ask("GET-MASTER-ADDR-BY-NAME", SERVICE)
        try:
            is_replica = self.replica.command("ROLE").startswith("slave")
        except subprocess.CalledProcessError:
            # The sentinel ends every connection of a replica that it promotes, this one as well.
            return False
        return named.split() == [LOOPBACK, str(port)] and (
            port != self.replica.port or not is_replica
        )


def wait_until(is_so: Callable[[], bool], complaint: str, seconds: float = _SECONDS) -> None:
    """
    Wait a bounded time.

    Raises:
        RedisMissingError: It did not come true.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RedisMissingError(complaint)
        time.sleep(0.02)


@contextmanager
def open_cluster(folder: Path) -> Generator[list[RedisServer], None, None]:
    """
    Run a cluster of three primaries in *folder* while the block lasts.
    """
    with ExitStack() as stack:
        buses = [str(port) for port in find_free_ports(3)]
        nodes = [
            stack.enter_context(
                open_redis(
                    folder / f"node{number}",
                    options=(
                        *("--cluster-enabled", "yes", "--cluster-port", bus),
                        *("--cluster-node-timeout", "5000"),
                    ),
                )
            )
            for number, bus in enumerate(buses)
        ]
        _join(nodes, buses)
        yield nodes


def _join(nodes: list[RedisServer], buses: list[str]) -> None:
    for number, (node, slots) in enumerate(zip(nodes, _SLOTS, strict=True)):
        node.command("CLUSTER", "ADDSLOTSRANGE", *map(str, slots))
        node.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for node, bus in zip(nodes[1:], buses[1:], strict=True):
        nodes[0].command("CLUSTER", "MEET", LOOPBACK, str(node.port), bus)
    for node in nodes:
        wait_for_cluster(node)


@dataclass(frozen=True, slots=True)
class Moving:
    """
    A slot on its way from one node of a cluster to another.
    """

    nodes: list[RedisServer]
    slot: int

    @property
    def source(self) -> RedisServer:
        """
        The node that had the slot when the cluster was made.
        """
        first_slots = [first for first, _ in _SLOTS]
        return self.nodes[bisect(first_slots, self.slot) - 1]

    @property
    def target(self) -> RedisServer:
        """
        The next node.
        """
        return self.nodes[(self.nodes.index(self.source) + 1) % len(self.nodes)]

    def begin(self) -> None:
        """
        Let both know; keys may lie on either from now on.
        """
        self._set(self.target, "IMPORTING", self.source)
        self._set(self.source, "MIGRATING", self.target)

    def move(self, key: str) -> None:
        """
        Move one key.
        """
        self.source.command("MIGRATE", LOOPBACK, str(self.target.port), key, "0", "5000")

    def end(self) -> None:
        """
        Let all know that the slot is the other's.
        """
        others = [node for node in self.nodes if node is not self.target]
        for node in (self.target, *others):
            self._set(node, "NODE", self.target)

    def _set(self, node: RedisServer, how: str, other: RedisServer) -> None:
        name = other.command("CLUSTER", "MYID")
        said = node.command("CLUSTER", "SETSLOT", str(self.slot), how, name)
        assert said == "OK", said


def wait_for_cluster(node: RedisServer) -> None:
    """
    Wait until *node* knows of all slots.
    """
    whole = {"cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"}
    wait_until(
        lambda: whole <= set(node.command("CLUSTER", "INFO").split()), "the cluster did not come up"
    )


@contextmanager
def open_watched(folder: Path, *, password: str = "") -> Generator[Watched, None, None]:
    """
    Run a primary, a replica and a sentinel in *folder* while the block lasts.

    Args:
        folder: Where they run.
        password: What the sentinel wants from clients; the servers want none.
    """
    with ExitStack() as stack:
        quickly = ("--repl-diskless-sync-delay", "0")
        primary = stack.enter_context(open_redis(folder / "primary", options=quickly))
        replica = stack.enter_context(
            open_redis(
                folder / "replica", options=(*quickly, "--replicaof", LOOPBACK, str(primary.port))
            )
        )
        wait_until(lambda: "connected" in replica.command("ROLE").split(), "no replica")
        wanted = ("--requirepass", password) if password else ()
        sentinel = stack.enter_context(
            open_redis(folder / "sentinel", options=wanted, program="redis-sentinel")
        )
        watched = Watched(primary, replica, sentinel, password)
        _watch(watched)
        yield watched


def _watch(watched: Watched) -> None:
    watched.ask("MONITOR", SERVICE, LOOPBACK, str(watched.primary.port), "1")
    watched.ask("SET", SERVICE, "down-after-milliseconds", "300")
    watched.ask("SET", SERVICE, "failover-timeout", "2000")
    wait_until(
        lambda: str(watched.replica.port) in watched.ask("REPLICAS", SERVICE),
        "the sentinel did not find the replica",
    )
