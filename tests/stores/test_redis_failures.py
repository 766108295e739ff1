from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
import redis

from linq_otel.errors import StoreError
from linq_otel.stores import open_store
from support.certificates import make_certificate
from support.origins import accepted
from support.otlp_processes import LOOPBACK, find_free_ports
from support.redis_groups import wait_until
from support.redis_servers import open_redis


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from linq_otel.stores import Store
    from support.redis_servers import RedisServer


SECRET = "hushed-up"
RIGHTS = (
    "--user",
    "linq",
    "on",
    f">{SECRET}",
    "~linq:*",
    "+get",
    "+mget",
    "+set",
    "+client|setname",
)
REFUSED = "refused the user or the password; check those of the store"
NOT_PERMITTED = (
    "does not permit this user a command or a key; see the ACL rules that RedisStore needs"
)
NO_CLUSTER = "is no cluster, or not all of it runs; see `CLUSTER INFO`"
IS_OLD_DRIVER = int(redis.__version__.partition(".")[0]) < 6
TRIES = {
    "save": lambda store: store.save(accepted("m1")),
    "save many": lambda store: store.save(accepted("m1", trace="t1", key="k1")),
    "find": lambda store: store.find("message:m1"),
    "find many": lambda store: store.find("message:m1", "key:k1"),
    "claim": lambda store: store.claim("e1"),
}
WRITES = ("save", "save many", "claim")


@contextmanager
def open_at(server: RedisServer, login: str = "", query: str = "") -> Generator[Store, None, None]:
    url = server.url.replace("//", f"//{login}")
    with closing(open_store(f"{url}{query}")) as store:
        yield store


def refusals(store: Store, tries: Sequence[str] = tuple(TRIES)) -> set[str]:
    """
    Try, and return what was said; nothing of it may be caused by what repeats a secret.
    """
    said: set[str] = set()
    for name in tries:
        with pytest.raises(StoreError) as raised:
            TRIES[name](store)
        assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
        assert SECRET not in str(raised.value)
        said.add(str(raised.value))
    return said


def told(server: RedisServer, what: str) -> set[str]:
    return {f"the Redis store at {server.place}/0 {what}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Yield a server that wants a password, and knows a user of few rights."""
    folder = tmp_path_factory.mktemp("logins")
    with open_redis(folder, options=("--requirepass", "other", *RIGHTS)) as server:
        yield server


class TestLogins:
    @pytest.mark.parametrize("login", ["", f":{SECRET}@", f"linq:{SECRET}x@", f"nobody:{SECRET}@"])
    def test_refused(self, server: RedisServer, login: str) -> None:
        """No password and a wrong one are told alike, and neither is repeated."""
        with open_at(server, login) as store:
            assert refusals(store) == told(server, REFUSED)

    def test_few_rights_are_enough(self, server: RedisServer) -> None:
        """The rights that are documented are all that is needed."""
        with open_at(server, f"linq:{SECRET}@") as store:
            store.save(accepted("m1", trace="t1"))
            assert store.find("key:k1", "trace:t1") == ("trace:t1", accepted("m1", trace="t1"))
            assert [store.claim("e1"), store.claim("e1")] == [True, False]

    def test_keys_of_others(self, server: RedisServer) -> None:
        """Keys the user may not touch are told so."""
        with open_at(server, f"linq:{SECRET}@", "?prefix=shop") as store:
            assert refusals(store) == told(server, NOT_PERMITTED)

    def test_command_not_permitted(self, server: RedisServer) -> None:
        """A database but 0 needs one more right."""
        with closing(open_store(f"redis://linq:{SECRET}@{server.place}/1")) as store:
            said = {message.replace("/1 ", "/0 ") for message in refusals(store)}
            assert said == told(server, NOT_PERMITTED)

    def test_server_that_repeats_the_password(self, tmp_path: Path) -> None:
        """A server that does not know AUTH says what it was told; the error does not."""
        with (
            open_redis(tmp_path, options=("--rename-command", "AUTH", "")) as server,
            open_at(server, f":{SECRET}@") as store,
        ):
            what = "answered with an error (ResponseError); see its version and its log"
            assert refusals(store) == told(server, what)


class TestServersThatTakeNothing:
    def test_full(self, tmp_path: Path) -> None:
        """A server out of memory still answers look-ups."""
        with (
            open_redis(tmp_path, options=("--maxmemory", "100kb")) as server,
            open_at(server) as store,
        ):
            what = "is full; raise its maxmemory, or let it evict volatile-ttl"
            assert refusals(store, WRITES) == told(server, what)
            assert store.find("message:m1") is None
            server.command("CONFIG", "SET", "maxmemory", "100mb")
            assert store.claim("e1")

    def test_read_only_replica(self, tmp_path: Path) -> None:
        """A replica answers look-ups, and says whom to ask instead."""
        with open_redis(tmp_path / "primary") as primary:
            options = ("--replicaof", LOOPBACK, str(primary.port))
            with (
                open_redis(tmp_path / "replica", options=options) as replica,
                open_at(replica) as store,
            ):
                what = "is a read-only replica; name the primary or its sentinels"
                assert refusals(store, WRITES) == told(replica, what)
                assert store.find("message:m1") is None

    def test_primary_that_became_a_replica(self, tmp_path: Path) -> None:
        """Its name may lead elsewhere by now: its connections are not used again."""
        named = "name=linq-otel "
        with open_redis(tmp_path) as server, open_at(server) as store:
            store.claim("e0")
            assert server.command("CLIENT", "LIST").count(named) == 1
            server.command("REPLICAOF", LOOPBACK, str(find_free_ports(1)[0]))
            assert len(refusals(store, ["claim"])) == 1
            assert server.command("CLIENT", "LIST").count(named) == 0
            server.command("REPLICAOF", "NO", "ONE")
            assert store.claim("e1")

    def test_replica_that_lost_its_primary(self, tmp_path: Path) -> None:
        """A replica may be told to answer nothing without its primary."""
        (port,) = find_free_ports(1)
        options = ("--replicaof", LOOPBACK, str(port), "--replica-serve-stale-data", "no")
        with open_redis(tmp_path, options=options) as server, open_at(server) as store:
            what = "has lost its primary; see `INFO replication`"
            assert refusals(store, ["find", "find many"]) == told(server, what)

    def test_too_few_replicas(self, tmp_path: Path) -> None:
        """A primary may be told to take nothing without replicas."""
        options = ("--min-replicas-to-write", "1")
        with open_redis(tmp_path, options=options) as server, open_at(server) as store:
            what = "takes no data without its replicas; see min-replicas-to-write"
            assert refusals(store, WRITES) == told(server, what)
            assert store.find("message:m1") is None

    def test_full_disk(self, tmp_path: Path) -> None:
        """A server that cannot write its snapshot takes nothing more."""
        snapshots = tmp_path / "snapshots"
        snapshots.mkdir()
        options = ("--save", "3600 1", "--dir", str(snapshots))
        with open_redis(tmp_path / "server", options=options) as server, open_at(server) as store:
            store.save(accepted("m1"))
            snapshots.rmdir()
            server.command("BGSAVE")
            failed = "rdb_last_bgsave_status:err"
            wait_until(lambda: failed in server.command("INFO", "persistence"), "it was saved")
            what = "cannot write its disk and takes no more data; give the disk room"
            assert refusals(store, WRITES) == told(server, what)
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_loading(self, tmp_path: Path) -> None:
        """A server that starts with much data says so until it has read it."""
        slowly = ("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
        with (
            open_redis(tmp_path, options=("--dbfilename", "d.rdb", *slowly)) as server,
            open_at(server) as store,
        ):
            for number in range(60):
                store.save(accepted(f"m{number}"))
            server.command("SAVE")
            server.kill()
            starting = threading.Thread(target=server.start)
            starting.start()
            what = "is still loading its data; it works once it has"
            said: set[str] = set()
            while starting.is_alive():  # For 10 seconds at most.
                said.add(find_out(store))
            assert told(server, what) <= said
            assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_node_of_a_cluster(self, tmp_path: Path) -> None:
        """A cluster that has not been put together takes nothing."""
        options = ("--cluster-enabled", "yes", "--cluster-port", str(find_free_ports(1)[0]))
        with open_redis(tmp_path, options=options) as server, open_at(server) as store:
            assert refusals(store) == told(server, "is a cluster that is down; see `CLUSTER INFO`")
            with closing(open_store(f"redis+cluster://{server.place}")) as cluster:
                (said,) = refusals(cluster)
            assert said == f"the Redis store at {server.place} {NO_CLUSTER}"

    def test_server_asked_as_a_cluster(self, redis_server: RedisServer) -> None:
        """A server that stands alone is no cluster."""
        with closing(open_store(f"redis+cluster://{redis_server.place}")) as store:
            (said,) = refusals(store)
        assert said == f"the Redis store at {redis_server.place} {NO_CLUSTER}"

    def test_all_connections_in_use(self, tmp_path: Path) -> None:
        """Who sets a bound on connections is told when it is met."""
        with open_redis(tmp_path) as server, open_at(server, query="?max_connections=1") as store:
            store.claim("e0")
            server.pause()
            waiting = threading.Thread(target=find_out, args=(store,))
            waiting.start()
            time.sleep(0.2)
            said = refusals(store, ["claim"])
            waiting.join(10)
            server.resume()
            what = "was not asked, all connections are in use; raise max_connections"
            if IS_OLD_DRIVER:
                what = "cannot be reached; check its address and that it runs (ConnectionError)"
            assert said == told(server, what)


def find_out(store: Store) -> str:
    time.sleep(0.01)
    try:
        store.find("message:m1")
    except StoreError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where certificates are."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder / "good")
    make_certificate(folder / "misnamed", names="DNS:elsewhere.example")
    return folder


@contextmanager
def serve(folder: Path, which: str, *options: str) -> Generator[RedisServer, None, None]:
    files = folder / which
    wanted = (
        *("--tls-cert-file", str(files / "server.crt")),
        *("--tls-key-file", str(files / "server.key")),
        *("--tls-ca-cert-file", str(files / "server.crt"), "--tls-auth-clients", "no"),
    )
    with open_redis(folder / f"{which}-server", options=(*wanted, *options)) as server:
        yield server


class TestTls:
    @pytest.mark.parametrize(
        "query",
        [
            "?ssl_ca_certs={crt}",
            "?ssl_ca_certs={crt}&ssl_cert_reqs=required&ssl_check_hostname=true",
            "?ssl_ca_certs={crt}&ssl_certfile={crt}&ssl_keyfile={key}",
            "?ssl_cert_reqs=none",
        ],
    )
    def test_works(self, folder: Path, query: str) -> None:
        """Options of redis-py say whom to trust and who one is."""
        files = {"crt": folder / "good/server.crt", "key": folder / "good/server.key"}
        with serve(folder, "good") as server:
            url = f"rediss://{server.place}/0{query.format(**files)}"
            with closing(open_store(url)) as store:
                store.save(accepted("m1", trace="t1"))
                assert store.find("message:m1") == ("message:m1", accepted("m1", trace="t1"))
                assert [store.claim("e1"), store.claim("e1")] == [True, False]

    def test_not_trusted(self, folder: Path) -> None:
        """A certificate nobody vouches for is refused."""
        with (
            serve(folder, "good") as server,
            closing(open_store(f"rediss://{server.place}")) as store,
        ):
            (said,) = refusals(store)
        assert said.replace("self signed", "self-signed") == (
            f"the Redis store at {server.place}/0 has a certificate that is not trusted "
            "(self-signed certificate); see ssl_ca_certs"
        )

    def test_wrong_name(self, folder: Path) -> None:
        """A certificate of another host is refused, in every version of the driver."""
        query = f"?ssl_ca_certs={folder}/misnamed/server.crt"
        with (
            serve(folder, "misnamed") as server,
            closing(open_store(f"rediss://{server.place}/0{query}")) as store,
        ):
            (said,) = refusals(store)
        assert said == (
            f"the Redis store at {server.place}/0 has a certificate that is not trusted "
            "(IP address mismatch, certificate is not valid for '127.0.0.1'.); see ssl_ca_certs"
        )

    def test_without_tls(self, folder: Path) -> None:
        """A server that wants TLS hangs up on who talks without."""
        with serve(folder, "good") as server, open_at(server) as store:
            (said,) = refusals(store)
        assert said.startswith(f"the Redis store at {server.place}/0 cannot be reached; check its")

    @pytest.mark.skipif(IS_OLD_DRIVER, reason="it does not know the option")
    def test_older_version(self, folder: Path) -> None:
        """A server whose TLS is too old is told apart from one with a bad certificate."""
        query = f"?ssl_ca_certs={folder}/good/server.crt&ssl_min_version=772"
        with (
            serve(folder, "good", "--tls-protocols", "TLSv1.2") as server,
            closing(open_store(f"rediss://{server.place}{query}")) as store,
        ):
            (said,) = refusals(store)
        assert said == (
            f"the Redis store at {server.place}/0 cannot be talked to with TLS "
            "(TLSV1_ALERT_PROTOCOL_VERSION); check rediss:// and its port"
        )

    def test_against_a_plain_server(self, redis_server: RedisServer) -> None:
        """A server without TLS waits for more, and we wait no longer than ever."""
        url = f"rediss://{redis_server.place}?socket_connect_timeout=0.2&socket_timeout=0.2"
        with closing(open_store(url)) as store:
            what = "did not answer in time; see whether it is overloaded or cut off"
            assert refusals(store, ["find"]) == told(redis_server, what)
