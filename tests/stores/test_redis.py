from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.crc import key_slot

from linq_otel.errors import ConfigurationError, StoreError, UnreadableOriginError
from linq_otel.stores import Store, open_store
from linq_otel.stores.redis import RedisStore
from support.origins import accepted, provisional
from support.otlp_processes import LOOPBACK
from support.redis_proxy import open_lossy_proxy
from support.redis_servers import open_redis
from support.scripts import run_script
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.redis_servers import RedisServer


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
WEEK = 7 * 24 * 3600


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    """Yield a client of the app, on an empty database."""
    with Redis.from_url(redis_server.url) as client:
        client.flushdb()
        yield client


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a server that a test may kill."""
    with open_redis(tmp_path / "own") as server:
        yield server


class TestKeys:
    def test_layout(self, redis_server: RedisServer, client: Redis) -> None:
        """Each key holds one origin, notes apart from answers, and all of them expire."""
        with closing(open_store(f"{redis_server.url}?ttl=500")) as store:
            store.save(provisional("k1"))
            store.save(accepted("m1", trace="T1", key="k1"))
            store.claim("e1")
        origin = accepted("m1", trace="T1", key="k1").to_json().encode()
        assert {key: client.get(key) for key in client.scan_iter() if b"event" not in key} == {
            b"linq:{message:m1}": origin,
            b"linq:{trace:t1}": origin,
            b"linq:{key:k1}": origin,
            b"linq:{key:k1}:early": provisional("k1").to_json().encode(),
        }
        assert client.exists("linq:event:e1")
        assert {0 < client.ttl(key) <= 500 for key in client.scan_iter()} == {True}

    def test_one_slot(self, client: Redis) -> None:
        """What one command reads lies in one slot, whatever stands in an id."""
        with closing(RedisStore(client)) as store:
            for key in ("message:m1", "message:a{b}c", "trace:}x", "key:{"):
                assert key_slot(store._accepted(key)) == key_slot(store._early(key))

    def test_default_age(self, client: Redis) -> None:
        """A week, unless told otherwise."""
        with closing(RedisStore(client)) as store:
            store.save(accepted("m1"))
        assert WEEK - 20 < client.ttl("linq:{message:m1}") <= WEEK

    @pytest.mark.parametrize("ttl", [0.0001, 1e300])
    def test_extreme_age(self, client: Redis, ttl: float) -> None:
        """Any age above 0 is one that Redis takes."""
        with closing(RedisStore(client, ttl=ttl)) as store:
            store.save(accepted("m1"))
            assert store.claim("e1")

    def test_prefix(self, redis_server: RedisServer, client: Redis) -> None:
        """Two apps share a database by prefixes of their own."""
        with (
            closing(open_store(f"{redis_server.url}?prefix=shop")) as shop,
            closing(RedisStore(client, prefix="desk")) as desk,
        ):
            shop.save(accepted("m1"))
            assert desk.find("message:m1") is None
            assert [shop.claim("e1"), desk.claim("e1")] == [True, True]
        assert sorted(client.scan_iter()) == [
            b"desk:event:e1",
            b"shop:event:e1",
            b"shop:{message:m1}",
        ]

    def test_lone_surrogate(self, client: Redis) -> None:
        """Half a character, which JSON can hold, is part of an id like any other."""
        with closing(RedisStore(client)) as store:
            store.save(accepted("a\ud83d"))
            assert store.find("message:a\ud83d") == ("message:a\ud83d", accepted("a\ud83d"))
            assert [store.claim("\ud83d"), store.claim("\ud83d")] == [True, False]

    def test_undecodable_row(self, redis_server: RedisServer) -> None:
        """Bytes that are no text are a row that is no origin, whatever the client decodes."""
        with Redis.from_url(redis_server.url, decode_responses=True) as client:
            client.set("linq:{message:m1}", b"\xff\xfe")
            store = RedisStore(client)
            for keys in (["message:m1"], ["message:m0", "message:m1"]):
                with pytest.raises(UnreadableOriginError) as raised:
                    store.find(*keys)
                assert str(raised.value) == (
                    f"Redis at {redis_server.place}/0: "
                    "the store holds a row that is no origin: JSONDecodeError"
                )


class TestRoundTrips:
    def test_one_for_each_operation(self, redis_server: RedisServer, client: Redis) -> None:
        """However many keys there are, all are asked for at once."""
        with (
            open_lossy_proxy(redis_server.port) as proxy,
            closing(open_store(proxy.url)) as store,
        ):
            store.find("message:m0")  # The first one opens the connection.
            proxy.requests.clear()
            store.find("message:m1", "trace:t1", "key:k1")
            store.save(accepted("m1", trace="t1", key="k1"))
            store.claim("e1")
            assert [
                (request.count(b"MGET"), request.count(b"SET")) for request in proxy.requests
            ] == [(3, 0), (0, 3), (0, 1)]

    def test_claim_whose_answer_is_lost(self, redis_server: RedisServer, client: Redis) -> None:
        """A claim that has to be sent again is not taken for somebody else's."""
        with (
            open_lossy_proxy(redis_server.port) as proxy,
            closing(open_store(proxy.url)) as store,
        ):
            store.claim("e0")
            proxy.losing, proxy.times = b"event:e1", 1
            assert [store.claim("e1"), store.claim("e1"), proxy.times] == [True, False, 0]

    def test_lost_twice(self, redis_server: RedisServer, client: Redis) -> None:
        """One more try is made, and no third."""
        with (
            open_lossy_proxy(redis_server.port) as proxy,
            closing(open_store(proxy.url)) as store,
        ):
            store.claim("e0")
            proxy.losing, proxy.times = b"event:e1", 2
            with pytest.raises(StoreError, match="cannot be reached"):
                store.claim("e1")
            assert [store.claim("e2"), proxy.times] == [True, 0]


class TestRestart:
    def test_heals(self, own_server: RedisServer) -> None:
        """A store outlives its server, and works with the next one on the port."""
        with closing(open_store(own_server.url)) as store:
            store.save(accepted("m1"))
            own_server.kill()
            with pytest.raises(StoreError) as raised:
                store.find("message:m1")
            assert str(raised.value) == (
                f"the Redis store at {own_server.place}/0 cannot be reached; "
                "check its address and that it runs (Connection refused)"
            )
            own_server.start()
            assert store.find("message:m1") is None
            store.save(accepted("m2"))
            assert store.find("message:m2") == ("message:m2", accepted("m2"))

    def test_dead_connections_cost_nothing(self, own_server: RedisServer) -> None:
        """Connections a restart has cut are opened again, however many there are."""
        barrier = threading.Barrier(4)

        def find_at_once(_: int) -> object:
            barrier.wait(20)
            return store.find("message:m1", "message:m2")

        with closing(open_store(own_server.url)) as store, ThreadPoolExecutor(4) as pool:
            assert list(pool.map(find_at_once, range(4))) == [None] * 4
            own_server.kill()
            own_server.start()
            store.save(accepted("m2"))
            found = ("message:m2", accepted("m2"))
            assert list(pool.map(find_at_once, range(4))) == [found] * 4

    def test_started_later(self, own_server: RedisServer) -> None:
        """A server that is not there yet does not keep the app from starting."""
        own_server.kill()
        with closing(open_store(own_server.url)) as store:
            own_server.start()
            assert store.claim("e1")

    @pytest.mark.parametrize("saved_before", [("m1",), ()])
    def test_held_server(self, own_server: RedisServer, saved_before: tuple[str, ...]) -> None:
        """A server that answers nothing costs a bounded time, and then works again."""
        with closing(open_store(own_server.url)) as store:
            for name in saved_before:
                store.save(accepted(name))
            own_server.pause()
            with timed() as timing, pytest.raises(StoreError) as raised:
                store.save(accepted("m1"))
            assert timing.seconds > 0.5
            assert timing.net < 2.5
            own_server.resume()
            assert str(raised.value) == (
                f"the Redis store at {own_server.place}/0 did not answer in time; "
                "see whether it is overloaded or cut off"
            )
            store.save(accepted("m1"))
            assert store.find("message:m1") == ("message:m1", accepted("m1"))


class TestOwnClient:
    """A client of the app."""

    def test_stays_open(self, client: Redis) -> None:
        """Closing the store closes nothing of the app's."""
        store = RedisStore(client)
        store.save(accepted("m1"))
        store.close()
        assert client.exists("linq:{message:m1}") == 1
        with pytest.raises(StoreError) as raised:
            store.claim("e1")
        place = client.connection_pool.connection_kwargs
        assert str(raised.value) == (
            f"the Redis store at {place['host']}:{place['port']}/0 is closed; open it again"
        )

    @pytest.mark.parametrize("options", [{"decode_responses": True}, {"protocol": 3}])
    def test_answers_of_any_form(self, redis_server: RedisServer, options: dict[str, bool]) -> None:
        """Whatever form its answers have, origins are read from them."""
        with Redis.from_url(redis_server.url, **options) as client:
            client.flushdb()
            store = RedisStore(client)
            store.save(accepted("m1"))
            assert store.find("message:m1") == ("message:m1", accepted("m1"))
            assert store.find("message:m2", "message:m1") == ("message:m1", accepted("m1"))
            assert [store.claim("e1"), store.claim("e1")] == [True, False]

    def test_time_out_is_its_own(self, own_server: RedisServer) -> None:
        """How long an operation may last is what the app told its client."""
        options = {"socket_timeout": 0.1, "retry": None}
        with Redis.from_url(own_server.url, **options) as client:
            store = RedisStore(client)
            store.claim("e1")
            own_server.pause()
            with pytest.raises(StoreError, match="did not answer in time"):
                store.claim("e1")
            own_server.resume()

    def test_coroutines(self) -> None:
        """A client of asyncio is of no use to threads."""
        client: Any = AsyncRedis()
        with pytest.raises(ConfigurationError) as raised:
            RedisStore(client)
        assert str(raised.value) == (
            "RedisStore needs a redis.Redis or redis.RedisCluster, not redis.asyncio.client.Redis: "
            "its threads cannot await, and async apps never wait for them"
        )

    @pytest.mark.parametrize("arguments", [{"ttl": 0}, {"ttl": -1.0}, {"ttl": float("nan")}])
    def test_wrong_age(self, client: Redis, arguments: dict[str, float]) -> None:
        """An age that is none is refused."""
        with pytest.raises(ConfigurationError, match=r"^ttl must be a number of seconds above 0$"):
            RedisStore(client, **arguments)

    @pytest.mark.parametrize("prefix", ["", "a{b", "a}b"])
    def test_wrong_prefix(self, client: Redis, prefix: str) -> None:
        """A prefix with braces would part the keys that belong together."""
        with pytest.raises(ConfigurationError, match=r"^prefix must be text without braces$"):
            RedisStore(client, prefix=prefix)


def find_while_there(store: Store, found: object) -> None:
    while store.find("message:m1", "key:k1") == found:
        pass


class TestClose:
    def test_ends_connections(self, own_server: RedisServer) -> None:
        """No connection is left behind."""
        store = open_store(own_server.url)
        store.save(accepted("m1"))
        named = own_server.command("CLIENT", "LIST").count("name=linq-otel ")
        store.close()
        store.close()
        assert named == 1
        assert own_server.command("CLIENT", "LIST").count("name=linq-otel ") == 0

    def test_under_traffic(self, redis_server: RedisServer, client: Redis) -> None:
        """Operations under way when the store is closed end in order, or say so."""
        store = open_store(redis_server.url)
        store.save(accepted("m1"))
        barrier = threading.Barrier(5)

        def find_until_closed(_: int) -> str:
            barrier.wait(20)
            with pytest.raises(StoreError) as raised:
                find_while_there(store, ("message:m1", accepted("m1")))
            return str(raised.value)

        with ThreadPoolExecutor(4) as pool:
            ends = [pool.submit(find_until_closed, number) for number in range(4)]
            barrier.wait(20)
            time.sleep(0.05)
            store.close()
            said = {end.result(20) for end in ends}
        assert said == {f"the Redis store at {redis_server.place}/0 is closed; open it again"}

    def test_client_that_is_given_up(self, own_server: RedisServer) -> None:
        """An operation on a client another thread has given up fails as the store does."""
        with (
            closing(open_store(own_server.url)) as store,
            ThreadPoolExecutor(1) as pool,
        ):
            store.claim("e0")
            own_server.pause()
            waiting = pool.submit(store.find, "message:m1", "key:k1")
            time.sleep(0.2)
            store._source.forget_client(store._source.get_client())
            own_server.resume()
            with pytest.raises(StoreError, match="cannot be reached"):
                waiting.result(20)
            assert store.claim("e1")

    def test_never_used(self, redis_server: RedisServer) -> None:
        """A store that was never asked is closed, too."""
        store = open_store(redis_server.url)
        store.close()
        with pytest.raises(StoreError, match=r"^the Redis store at .* is closed; open it again$"):
            store.find("message:m1")

    def test_is_a_store(self, redis_server: RedisServer) -> None:
        """It has the whole protocol, and its repr names the place alone."""
        url = redis_server.url.replace("//", "//user:hushed@")
        with closing(open_store(url)) as store:
            assert isinstance(store, Store)
            assert repr(store) == f"RedisStore({redis_server.place}/0)"


FORK = """
    import os, signal, sys, threading
    from redis import Redis
    from linq_otel._origins import Origin
    from linq_otel.stores import open_store
    from linq_otel.stores.redis import RedisStore

    url, kind = sys.argv[1:]
    store = open_store(url) if kind == "ours" else RedisStore(Redis.from_url(url))

    def origin(name: str) -> Origin:
        return Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id=name, accepted_at=1)

    def work(who: str) -> int:
        # An answer that reaches the wrong process is the answer to another question.
        for number in range(300):
            name = f"{who}{number}"
            store.save(origin(name))
            if store.find(f"message:{name}", "message:m1") != (f"message:{name}", origin(name)):
                return 0
        return sum(store.claim(f"e{number}") for number in range(300))

    store.save(origin("m1"))
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
    found = store.find("message:m1")
    print(claimed + int(os.read(read, 10)), found == ("message:m1", origin("m1")))
    store.close()
"""
FORK_UNDER_LOCK = """
    import os, signal, sys, threading
    from linq_otel.stores import open_store

    store, held, release = open_store(sys.argv[1]), threading.Event(), threading.Event()

    def hold() -> None:
        with store._source._lock:
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if store.claim("e1") else 1)
    release.set()
    thread.join()
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), store.claim("e1"))
    store.close()
"""


@needs_fork
class TestFork:
    @pytest.mark.parametrize("kind", ["ours", "the app's"])
    def test_parent_and_child_at_once(
        self, redis_server: RedisServer, client: Redis, kind: str
    ) -> None:
        """Both work on, each with its own connections, and share what is saved."""
        assert run_script(FORK, redis_server.url, kind) == "300 True\n"

    def test_lock_held_by_another_thread(self, redis_server: RedisServer, client: Redis) -> None:
        """A child forked while a thread opens the client opens its own."""
        assert run_script(FORK_UNDER_LOCK, redis_server.url) == "0 False\n"


class TestDriver:
    def test_missing(self) -> None:
        """Without redis-py, the URL says what to install."""
        code = """
            import sys
            sys.modules["redis"] = None
            from linq_otel.errors import ConfigurationError
            from linq_otel.stores import open_store
            try:
                open_store("redis://user:hushed@localhost")
            except ConfigurationError as error:
                print(error)
        """
        message = "the Redis store needs more packages: pip install 'linq-otel[redis]'\n"
        assert run_script(code) == message

    @pytest.mark.timing
    def test_no_waiting_at_start(self) -> None:
        """No kind of server is asked before the first operation."""
        with timed() as timing:
            for scheme in ("redis", "rediss", "redis+cluster", "rediss+cluster"):
                open_store(f"{scheme}://{LOOPBACK}:1").close()
            open_store(f"redis+sentinel://{LOOPBACK}:1/linq").close()
        assert timing.net < 1
