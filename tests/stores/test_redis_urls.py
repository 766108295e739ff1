from __future__ import annotations

import os
import ssl
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import redis
from redis import Redis

from linq_otel.errors import ConfigurationError
from linq_otel.stores import open_store
from linq_otel.stores._redis_opening import source_of_target
from linq_otel.stores._redis_options import OPTIONS
from linq_otel.stores._redis_urls import RedisTarget, parse_redis_url
from linq_otel.stores.redis import RedisStore
from support.origins import accepted
from support.otlp_processes import LOOPBACK
from support.redis_servers import RedisServer, open_redis


SECRET = "hushed-up"
PEM = "-----BEGIN CERTIFICATE-----"


IS_OLD_DRIVER = int(redis.__version__.partition(".")[0]) < 6
LATE_OPTIONS = {"ssl_min_version": "771", "ssl_ciphers": "HIGH"}
"""Options that redis-py 5.0 did not have."""


def client_of(url: str, options: dict[str, str]) -> Redis:
    """
    Return the client that *url* makes, which has not connected.
    """
    client = source_of_target(parse_redis_url(url, options)).get_client()
    assert isinstance(client, Redis)
    return client


class TestParseRedisUrl:
    @pytest.mark.parametrize(
        ("url", "hosts", "place"),
        [
            ("redis://", [("localhost", 6379)], "localhost:6379/0"),
            ("redis:///2", [("localhost", 6379)], "localhost:6379/2"),
            ("redis://h", [("h", 6379)], "h:6379/0"),
            ("redis://h:1/", [("h", 1)], "h:1/0"),
            ("redis://h:1/15", [("h", 1)], "h:1/15"),
            ("redis://[::1]", [("::1", 6379)], "[::1]:6379/0"),
            ("redis://[::1]:7/3", [("::1", 7)], "[::1]:7/3"),
            (
                "redis+cluster://a:1,b,[::1]:3",
                [("a", 1), ("b", 6379), ("::1", 3)],
                "a:1,b:6379,[::1]:3",
            ),
            ("redis+cluster://a/0", [("a", 6379)], "a:6379"),
            ("redis+sentinel://a,b:2/shop", [("a", 26379), ("b", 2)], "a:26379,b:2/shop/0"),
            ("redis+sentinel://a/my%20shop/4", [("a", 26379)], "a:26379/my shop/4"),
            ("redis+unix:///run/r%20.sock", [], "/run/r .sock/0"),
        ],
    )
    def test_places(self, url: str, hosts: list[tuple[str, int]], place: str) -> None:
        """Hosts, ports and databases are read, and those left out are the usual ones."""
        target = parse_redis_url(url, {})
        assert (list(target.hosts), target.place, target.is_secret) == (hosts, place, False)

    @pytest.mark.parametrize(
        ("login", "options"),
        [
            ("", {}),
            ("linq@", {"username": "linq"}),
            (":p%40ss%2F%3A%25@", {"password": "p@ss/:%"}),
            ("l%3Aq:p:q@", {"username": "l:q", "password": "p:q"}),
            ("a@b:c@", {"username": "a@b", "password": "c"}),
        ],
    )
    @pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+cluster", "rediss+cluster"])
    def test_logins(self, scheme: str, login: str, options: dict[str, str]) -> None:
        """User and password may hold any character, percent-encoded."""
        target = parse_redis_url(f"{scheme}://{login}h:1", {})
        assert target.options == {"db": 0, **options}
        assert target.hosts == (("h", 1),)
        assert target.is_secret == scheme.startswith("rediss")

    def test_options(self) -> None:
        """Options have the types that redis-py wants, and the URL's login goes first."""
        target = parse_redis_url(
            "redis://u:p@h/1",
            {"db": "5", "username": "x", "socket_timeout": "2.5", "socket_keepalive": "No"},
        )
        assert target.options == {
            "db": 5,
            "username": "u",
            "password": "p",
            "socket_timeout": 2.5,
            "socket_keepalive": False,
        }

    def test_sentinel_login(self) -> None:
        """Sentinels have a login of their own."""
        login = {"sentinel_username": "w", "sentinel_password": SECRET}
        target = parse_redis_url("rediss+sentinel://u:p@h/shop", login)
        assert target == RedisTarget(
            kind="sentinel",
            hosts=(("h", 26379),),
            path="",
            service="shop",
            is_secret=True,
            options={"db": 0, "username": "u", "password": "p"},
            sentinel_options={"username": "w", "password": SECRET},
            prefix="linq",
        )
        assert SECRET not in repr(target)

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("redis+magic://h", "no store at 'redis+magic:': use one of redis://, rediss://, "),
            ("redis:h", "no store at 'redis:': use one of redis://, rediss://, redis+unix://"),
            (
                f"redis://:pa/{SECRET}@h:1/0",
                "the database in the store's URL must be a number; write",
            ),
            (f"redis://h:{SECRET}", "the port in the store's URL must be a number; write / : @"),
            (f"redis://h:1/{SECRET}", "the database in the store's URL must be a number; write"),
            ("redis://h:1/-1", "the database in the store's URL must be a number"),
            ("redis://h:\N{SUPERSCRIPT TWO}", "the port in the store's URL must be a number"),
            ("redis://[::1]x", "the port in the store's URL must be a number"),
            ("redis+cluster://h/1", "a cluster has no database but 0: leave it out of the store"),
            ("redis+cluster://h?db=1", "a cluster has no database but 0"),
            ("redis+sentinel://h", "name what the sentinels watch: redis+sentinel://host:26379/"),
            ("redis+sentinel://h//1", "name what the sentinels watch"),
            ("redis+sentinel://h/shop/x", "the database in the store's URL must be a number"),
            ("redis+unix://", "name the socket of the store: redis+unix:///path/to/socket"),
            ("redis+unix://h/path", "name the socket of the store: redis+unix:///path/to/socket"),
            (
                "redis://h?colour=red",
                "unknown store option 'colour': use ttl, prefix, db, username",
            ),
            (f"redis://:pa?{SECRET}@h:1", "a store option has a name that none has; write ? of a"),
            ("redis://h?db=x", "store option db must be a whole number"),
            ("redis://h?db=-1", "store option db must be a whole number"),
            ("redis://h?socket_timeout=0", "store option socket_timeout must be a number of secon"),
            ("redis://h?socket_timeout=nan", "store option socket_timeout must be a number of sec"),
            ("redis://h?socket_keepalive=ja", "store option socket_keepalive must be true or fals"),
            ("redis://h?protocol=4", "store option protocol must be 2 or 3"),
            ("redis://h?ttl=0", "store option ttl must be a number above 0"),
            ("redis://h?prefix=a{b", "prefix must be text without braces"),
            ("redis://h?prefix=", "prefix must be text without braces"),
            ("redis://h?ssl_ca_certs=/x", "store option ssl_ca_certs needs TLS: write rediss inst"),
            ("rediss://h?ssl_ca_certs=/no/such", "store option ssl_ca_certs must be a file that c"),
            ("rediss://h?ssl_cert_reqs=maybe", "store option ssl_cert_reqs must be none, optional"),
            (
                "rediss://h?ssl_min_version=1.2",
                "store option ssl_min_version must be 771 (TLS 1.2)",
            ),
            (
                "redis://h?sentinel_password=x",
                "store option sentinel_password needs a URL of redis",
            ),
        ],
    )
    def test_wrong_url(self, url: str, message: str) -> None:
        """What cannot be used is told when the app starts, without what may be a secret."""
        with pytest.raises(ConfigurationError) as raised:
            open_store(url)
        assert str(raised.value).startswith(message)
        assert SECRET not in str(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


class TestOptions:
    def test_defaults(self) -> None:
        """A client of ours gives up after a second, tries once more, and says who it is."""
        client = client_of("redis://h", {})
        given = client.connection_pool.connection_kwargs
        names = ("socket_timeout", "socket_connect_timeout", "client_name", "protocol")
        assert [given[name] for name in names] == [1.0, 1.0, "linq-otel", 2]
        assert given["retry"]._retries == 1

    def test_all_are_known_to_the_driver(self, tmp_path: Path) -> None:
        """Every option we name is one that redis-py takes."""
        file = tmp_path / "file.pem"
        file.touch()
        values = {
            "ssl_cert_reqs": "optional",
            "ssl_check_hostname": "false",
            "ssl_ca_data": PEM,
            "ssl_ca_path": str(tmp_path),
            "socket_keepalive": "true",
            "protocol": "3",
        } | {name: str(file) for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")}
        for name in sorted(OPTIONS.keys() - LATE_OPTIONS.keys()):
            if not name.startswith("sentinel_"):
                parse_and_check("rediss://h", {name: values.get(name, "7")})
        parse_and_check(
            "redis+sentinel://h/s", {"sentinel_username": "u", "sentinel_password": "p"}
        )

    @pytest.mark.parametrize("name", LATE_OPTIONS)
    def test_unknown_to_an_old_driver(self, name: str) -> None:
        """What the version that is installed does not take is told when the app starts."""
        options = {name: LATE_OPTIONS[name]}
        if not IS_OLD_DRIVER:
            parse_and_check("rediss://h", options)
            return
        with pytest.raises(ConfigurationError) as raised:
            parse_and_check("rediss://h", options)
        assert str(raised.value) == (
            f"redis-py {redis.__version__} does not take these options of the store (TypeError): "
            f"db, {name}"
        )

    def test_tls_version(self) -> None:
        """The number that redis-py takes for a version of TLS is the standard library's."""
        target = parse_redis_url("rediss://h", {"ssl_min_version": "772"})
        assert target.options["ssl_min_version"] is ssl.TLSVersion.TLSv1_3

    def test_certificate_that_need_not_be_checked(self) -> None:
        """Who asks for no check gets none; everybody else has the host's name checked."""
        checks = [
            client_of("rediss://h", options).connection_pool.connection_kwargs["ssl_check_hostname"]
            for options in ({}, {"ssl_cert_reqs": "none"}, {"ssl_check_hostname": "no"})
        ]
        assert checks == [True, False, False]


def parse_and_check(url: str, options: dict[str, str]) -> None:
    source_of_target(parse_redis_url(url, options)).close()


class TestDatabases:
    @pytest.mark.parametrize("url", ["redis://{}/3", "redis://{}?db=3", "redis://{}/1?db=3"])
    def test_number(self, redis_server: RedisServer, url: str) -> None:
        """Origins go where the URL says, and nowhere else."""
        with Redis(host=LOOPBACK, port=redis_server.port, db=3) as client:
            client.flushall()
            with closing(open_store(url.format(redis_server.place))) as store:
                store.save(accepted("m1"))
                assert repr(store) == f"RedisStore({redis_server.place}/3)"
            assert list(client.scan_iter()) == [b"linq:{message:m1}"]


@pytest.mark.skipif(os.name != "posix", reason="no sockets in files here")
class TestUnixSocket:
    @pytest.mark.parametrize("query", ["", "?socket_keepalive=true&db=2"])
    def test_works(self, query: str) -> None:
        """A server on this host is reached by a file, and named by it."""
        # A socket's path may have about a hundred characters, and pytest's are long.
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/r.sock"
            options = ("--unixsocket", path, "--requirepass", SECRET)
            with (
                open_redis(Path(folder), options=options),
                closing(open_store(f"redis+unix://:{SECRET}@{path}{query}")) as store,
            ):
                store.save(accepted("m1"))
                assert store.find("message:m1") == ("message:m1", accepted("m1"))
                assert repr(store) == f"RedisStore({path}/{2 if query else 0})"


class TestPlaceOfTheApp:
    @pytest.mark.parametrize(
        ("url", "place"),
        [
            (f"redis://u:{SECRET}@h:1/2", "h:1/2"),
            ("redis://[::1]", "[::1]:6379/0"),
            (f"unix:///run/r.sock?password={SECRET}", "/run/r.sock/0"),
        ],
    )
    def test_no_secret(self, url: str, place: str) -> None:
        """The place of a client that the app has is named without its password."""
        with Redis.from_url(url) as client:
            assert repr(RedisStore(client)) == f"RedisStore({place})"
