from __future__ import annotations

import time
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from redis import Redis, RedisCluster
from redis.crc import key_slot
from redis.sentinel import Sentinel

from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from linq_otel.errors import StoreError
from linq_otel.stores import open_store
from linq_otel.stores.redis import RedisStore
from support.certificates import make_certificate
from support.origins import accepted, provisional
from support.otlp_processes import LOOPBACK, find_free_ports
from support.redis_groups import (
    SERVICE,
    Moving,
    open_cluster,
    open_watched,
    wait_for_cluster,
    wait_until,
)
from support.redis_servers import open_redis
from support.scripts import run_script
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from linq_otel.stores import Store
    from support.redis_groups import Watched
    from support.redis_servers import RedisServer


NAMES = [f"m{number}" for number in range(40)]
RIGHTS = "+get +mget +set +client|setname +cluster|slots +command +info"
FORK = """
    import os, signal, sys
    from linq_otel._origins import Origin
    from linq_otel.stores import open_store

    def work(who: str) -> int:
        for number in range(100):
            name = f"{who}{number}"
            origin = Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=name)
            store.save(origin)
            if store.find(f"message:{name}", "message:m1") != (f"message:{name}", origin):
                return 0
        return sum(store.claim(f"e{number}") for number in range(100))

    store = open_store(sys.argv[1])
    store.claim("e0")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        claimed = work("child")
        store.close()
        os.write(write, b"%d" % claimed)
        os._exit(0)
    claimed = work("parent")
    os.waitpid(child, 0)
    print(claimed + int(os.read(read, 10)))
    store.close()
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """Yield the nodes of a cluster."""
    with open_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def cluster(nodes: list[RedisServer]) -> Iterator[Store]:
    """Yield a store on the cluster, which is emptied."""
    for node in nodes:
        node.command("FLUSHALL")
    with closing(open_store(f"redis+cluster://{','.join(node.place for node in nodes)}")) as store:
        yield store


def outcomes(store: Store) -> set[str]:
    """
    Look every name up, and return what became of it.
    """
    return {outcome(store, name) for name in NAMES}


def outcome(store: Store, name: str) -> str:
    try:
        found = store.find(f"key:x{name}", f"message:{name}")
    except StoreError as error:
        return str(error)
    return "found" if found == (f"message:{name}", accepted(name)) else "lost"


class TestCluster:
    def test_spreads(self, cluster: Store, nodes: list[RedisServer]) -> None:
        """Origins lie on all nodes, and are found wherever they lie."""
        for name in NAMES:
            cluster.save(accepted(name))
        assert outcomes(cluster) == {"found"}
        sizes = [int(node.command("DBSIZE")) for node in nodes]
        assert (sum(sizes), min(sizes) > 0) == (len(NAMES), True)

    def test_keys_on_many_nodes(self, cluster: Store) -> None:
        """One origin's keys lie on several nodes, and one look-up asks them all."""
        cluster.save(provisional("k1"))
        cluster.save(accepted("m1", trace="t1", key="k1"))
        origin = accepted("m1", trace="t1", key="k1")
        for key in ("message:m1", "trace:t1", "key:k1"):
            assert cluster.find("message:m9", "trace:t9", key) == (key, origin)
        assert [cluster.claim("e1"), cluster.claim("e1")] == [True, False]

    def test_client_of_the_app(self, cluster: Store, nodes: list[RedisServer]) -> None:
        """A cluster's client that the app has works alike, and stays its own."""
        client = RedisCluster(host=LOOPBACK, port=nodes[0].port)
        store = RedisStore(client)
        store.save(accepted("m1", trace="t1"))
        assert cluster.find("message:m1") == ("message:m1", accepted("m1", trace="t1"))
        assert store.find("trace:t1", "message:m1") == ("trace:t1", accepted("m1", trace="t1"))
        store.close()
        assert client.exists("linq:{message:m1}") == 1
        places = ",".join(sorted(node.place for node in nodes))
        assert repr(store) == f"RedisStore({places})"
        client.disconnect_connection_pools()
        client.close()

    def test_slot_that_moves(self, tmp_path: Path) -> None:
        """While keys go from one node to another, each is found where it is."""
        with open_cluster(tmp_path) as nodes:
            moving = Moving(nodes, key_slot(b"linq:{message:m1}"))
            origins = [accepted("m1", trace="t1"), accepted("m2", trace="t2")]
            with closing(open_store(f"redis+cluster://{nodes[0].place}")) as store:
                store.save(origins[0])
                store.save(provisional("k1"))
                moving.begin()
                assert store.find("message:m1") == ("message:m1", origins[0])
                assert store.find("key:k9", "message:m1") == ("message:m1", origins[0])
                moving.move("linq:{message:m1}")
                assert store.find("message:m1") == ("message:m1", origins[0])
                assert store.find("key:k9", "message:m1") == ("message:m1", origins[0])
                store.save(accepted("m1", trace="t9"))
                moving.end()
                assert store.find("message:m1") == ("message:m1", origins[0])
                store.save(origins[1])
                assert store.find("key:k9", "message:m1", "trace:t2") == ("message:m1", origins[0])
                assert store.find("key:k1", "message:m1") == ("key:k1", provisional("k1"))
            assert moving.target.command("EXISTS", "linq:{message:m1}") == "1"

    def test_claims_in_a_slot_that_moves(self, tmp_path: Path) -> None:
        """An event is claimed once, whichever node has it by now."""
        with open_cluster(tmp_path) as nodes:
            moving = Moving(nodes, key_slot(b"linq:event:e1"))
            with closing(open_store(f"redis+cluster://{nodes[0].place}")) as store:
                seen = [store.claim("e1")]
                moving.begin()
                seen.append(store.claim("e1"))
                moving.move("linq:event:e1")
                seen.append(store.claim("e1"))
                moving.end()
                seen.append(store.claim("e1"))
            assert seen == [True, False, False, False]

    def test_node_asked_as_a_server(self, nodes: list[RedisServer]) -> None:
        """A node asked for another's keys says which URL to use."""
        with closing(open_store(nodes[0].url)) as store:
            said = outcomes(store)
        message = f"the Redis store at {nodes[0].place}/0 is a node of a cluster"
        assert said == {"lost", f"{message}; use redis+cluster://"}

    def test_few_rights_are_enough(self, nodes: list[RedisServer]) -> None:
        """The rights that are documented are all that a cluster needs."""
        for node in nodes:
            node.command("ACL", "SETUSER", "linq", "on", ">pw", "~linq:*", *RIGHTS.split())
        with closing(open_store(f"redis+cluster://linq:pw@{nodes[0].place}")) as store:
            for name in NAMES:
                store.save(accepted(name, trace=f"t-{name}"))
            assert store.find("key:k1", "trace:t-m1") == (
                "trace:t-m1",
                accepted("m1", trace="t-m1"),
            )
            store.claim("e1")
            assert not store.claim("e1")

    def test_fork(self, cluster: Store, nodes: list[RedisServer]) -> None:
        """Parent and child work on, each with its own connections."""
        assert run_script(FORK, f"redis+cluster://{nodes[0].place}") == "99\n"

    def test_restarts(self, cluster: Store, nodes: list[RedisServer]) -> None:
        """One node that is gone costs its own keys alone; all gone heals when they are back."""
        for name in NAMES:
            cluster.save(accepted(name))
        nodes[1].kill()
        places = ",".join(node.place for node in nodes)
        gone = (
            f"the Redis store at {places} cannot be reached; "
            "check its address and that it runs (Connection refused)"
        )
        assert outcomes(cluster) == {"found", gone}
        nodes[0].kill()
        nodes[2].kill()
        assert outcomes(cluster) == {gone}
        for node in nodes:
            node.start()
        for node in nodes:
            wait_for_cluster(node)
        assert outcomes(cluster) == {"lost"}
        cluster.save(accepted("m1", trace="t1"))
        assert cluster.find("trace:t1") == ("trace:t1", accepted("m1", trace="t1"))

    def test_node_that_is_gone(
        self, cluster: Store, nodes: list[RedisServer], caplog: pytest.LogCaptureFixture
    ) -> None:
        """While one is gone the store stays paused, and the log is told so once."""
        keeper = OriginKeeper(cluster, Meters(None), 0.05)
        guard = keeper._guard
        assert guard is not None
        nodes[1].kill()
        try:
            slots = {name: key_slot(f"message:{name}".encode()) for name in NAMES}
            lost = [name for name, slot in slots.items() if slot in range(5_461, 10_923)]
            for name in lost[:3]:
                keeper.keep(accepted(name))
                assert keeper.find((f"message:{name}",)) is None
            for circuit in (guard._reads, guard._writes):
                wait_until(lambda circuit=circuit: circuit.is_open, "it was not paused")
            time.sleep(0.6)
            assert (guard._reads.is_open, guard._writes.is_open) == (True, True)
            assert sorted(record.getMessage().partition(",")[0] for record in caplog.records) == [
                "looking up origins is paused",
                "saving origins is paused",
            ]
        finally:
            nodes[1].start()
        for node in nodes:
            wait_for_cluster(node)
        wait_until(lambda: not guard._writes.is_open, "it stayed paused")
        for name in lost[:3]:
            wait_until(partial(is_found, keeper, name), "it was lost")
        keeper.close()

    def test_close_ends_connections(self, nodes: list[RedisServer]) -> None:
        """No connection is left behind on any node."""
        named = "name=linq-otel "
        with closing(open_store(f"redis+cluster://{nodes[0].place}")) as store:
            outcomes(store)
            open_ones = [node.command("CLIENT", "LIST").count(named) for node in nodes]
        closed = [node.command("CLIENT", "LIST").count(named) for node in nodes]
        assert (min(open_ones) > 0, closed) == (True, [0, 0, 0])

    def test_held_node(self, cluster: Store, nodes: list[RedisServer]) -> None:
        """A node that answers nothing costs a bounded time."""
        quickly = "socket_timeout=0.3&socket_connect_timeout=0.3"
        with closing(open_store(f"redis+cluster://{nodes[0].place}?{quickly}")) as store:
            assert {outcome(store, name) for name in NAMES} == {"lost"}
            nodes[2].pause()
            with timed() as timing:
                said = [outcome(store, name) for name in NAMES[:3]]
            nodes[2].resume()
        assert [message for message in said if message.endswith("cut off")] != []
        assert timing.net < 1.5 * len(said)
        for node in nodes:
            wait_for_cluster(node)
        assert cluster.claim("e1")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Yield a primary and a replica, watched by a sentinel that wants a password."""
    with open_watched(tmp_path, password="hushed") as watched:
        yield watched


def is_found(keeper: OriginKeeper, name: str) -> bool:
    return keeper.find((f"message:{name}",)) == (f"message:{name}", accepted(name))


def is_saved(store: Store, name: str) -> bool:
    try:
        store.save(accepted(name))
    except StoreError:
        return False
    return True


class TestSentinel:
    def test_failover(self, watched: Watched) -> None:
        """When the primary dies its replica takes over, and the store goes with it."""
        (nobody,) = find_free_ports(1)
        place = f"{LOOPBACK}:{nobody},{watched.sentinel.place}/{SERVICE}/0"
        url = f"redis+sentinel://{place}?sentinel_password=hushed"
        with closing(open_store(url)) as store:
            assert repr(store) == f"RedisStore({place})"
            store.save(accepted("m1"))
            copied = ("EXISTS", "linq:{message:m1}")
            wait_until(lambda: watched.replica.command(*copied) == "1", "it was not copied")
            watched.primary.kill()
            with pytest.raises(StoreError, match=f"^the Redis store at {place} cannot be reached"):
                store.find("message:m1")
            wait_until(lambda: is_saved(store, "m2"), "the store did not follow")
            assert [store.find("message:m1"), store.find("message:m2")] == [
                ("message:m1", accepted("m1")),
                ("message:m2", accepted("m2")),
            ]
        assert watched.replica.command("EXISTS", "linq:{message:m2}") == "1"

    def test_close_ends_connections(self, watched: Watched) -> None:
        """No connection is left behind, with sentinels neither."""
        url = f"redis+sentinel://{watched.sentinel.place}/{SERVICE}?sentinel_password=hushed"
        clients = ("CLIENT", "LIST", "TYPE", "normal")
        before = watched.sentinel.command(*clients, password="hushed").count("addr=")
        with closing(open_store(url)) as store:
            store.claim("e1")
            during = watched.sentinel.command(*clients, password="hushed").count("addr=")
        after = watched.sentinel.command(*clients, password="hushed").count("addr=")
        assert (during > before, after) == (True, before)
        assert watched.primary.command("CLIENT", "LIST").count("name=linq-otel ") == 0

    def test_primary_that_became_a_replica(self, watched: Watched) -> None:
        """A primary that was put back is left, though its connections live."""
        watching = Sentinel(
            [(LOOPBACK, watched.sentinel.port)], sentinel_kwargs={"password": "hushed"}
        )
        client: Redis = watching.master_for(SERVICE)
        url = f"redis+sentinel://{watched.sentinel.place}/{SERVICE}?sentinel_password=hushed"
        with closing(open_store(url)) as store:
            apps = RedisStore(client)
            assert [store.claim("e0"), apps.claim("e0")] == [True, False]
            wait_until(lambda: watched.ask("FAILOVER", SERVICE) == "OK", "no replica is fit")
            watched.wait_for_primary(watched.replica.port)
            # The sentinel would do so after ten seconds.
            watched.primary.command("REPLICAOF", LOOPBACK, str(watched.replica.port))
            for each, name in ((store, "m1"), (apps, "m2")):
                wait_until(partial(is_saved, each, name), "the store stayed", seconds=2)
        assert watched.replica.command("EXISTS", "linq:{message:m1}", "linq:{message:m2}") == "2"
        assert repr(apps) == f"RedisStore({SERVICE}/0)"
        client.connection_pool.disconnect()
        for each in watching.sentinels:
            each.connection_pool.disconnect()

    @pytest.mark.parametrize("name", ["other?sentinel_password=hushed", SERVICE])
    def test_no_primary(self, watched: Watched, name: str) -> None:
        """A name no sentinel knows, and a sentinel that does not answer us, is told."""
        with (
            closing(open_store(f"redis+sentinel://{watched.sentinel.place}/{name}")) as store,
            pytest.raises(StoreError) as raised,
        ):
            store.find("message:m1")
        place = f"{watched.sentinel.place}/{name.partition('?')[0]}/0"
        assert str(raised.value) == (
            f"the Redis store at {place} has no primary that a sentinel knows; "
            "see `SENTINEL MASTERS`"
        )


@contextmanager
def opened_with_tls(
    folder: Path, *options: str, program: str = "redis-server"
) -> Generator[RedisServer]:
    files = (folder / "tls/server.crt", folder / "tls/server.key", folder / "tls/server.crt")
    names = ("--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file")
    given = [str(word) for pair in zip(names, files, strict=True) for word in pair]
    wanted = (*given, "--tls-auth-clients", "no", *options)
    with open_redis(folder / program, options=wanted, program=program) as server:
        yield server


class TestTls:
    @pytest.fixture
    def trusted(self, tmp_path: Path) -> str:
        """Return the option that trusts the certificate in the folder."""
        return f"ssl_ca_certs={make_certificate(tmp_path / 'tls').path}"

    def test_cluster(self, tmp_path: Path, trusted: str) -> None:
        """A cluster's nodes are all talked to with TLS."""
        options = ("--cluster-enabled", "yes", "--cluster-port", str(find_free_ports(1)[0]))
        with opened_with_tls(tmp_path, *options, "--tls-cluster", "yes") as node:
            node.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            whole = "cluster_state:ok"
            wait_until(lambda: whole in node.command("CLUSTER", "INFO").split(), "no cluster")
            with closing(open_store(f"rediss+cluster://{node.place}?{trusted}")) as store:
                store.save(accepted("m1", trace="t1"))
                assert store.find("trace:t1") == ("trace:t1", accepted("m1", trace="t1"))

    def test_sentinel(self, tmp_path: Path, trusted: str) -> None:
        """Sentinels and the primary they name are both talked to with TLS."""
        with (
            opened_with_tls(tmp_path) as primary,
            opened_with_tls(
                tmp_path, "--tls-replication", "yes", program="redis-sentinel"
            ) as sentinel,
        ):
            sentinel.command("SENTINEL", "MONITOR", SERVICE, LOOPBACK, str(primary.port), "1")
            url = f"rediss+sentinel://{sentinel.place}/{SERVICE}?{trusted}"
            with closing(open_store(url)) as store:
                store.save(accepted("m1", trace="t1"))
                assert store.find("trace:t1") == ("trace:t1", accepted("m1", trace="t1"))
