"""
What the URL of a Redis store says, read without redis-py.

redis-py reads URLs of single servers alone, and looks at their options when it
first connects. A slip is to be known when the app starts, and told without
repeating the password that stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from linq_otel.errors import ConfigurationError

from ._redis_options import parse_options


_KINDS = {
    "redis": "server",
    "rediss": "server",
    "redis+unix": "unix",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
}
_PORTS = {"sentinel": 26379}
_PORT = 6379
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """
    The servers of one store.

    Attributes:
        kind: ``server``, ``unix``, ``cluster`` or ``sentinel``.
        hosts: Host and port of the server, or of any nodes or sentinels.
        path: The socket of ``unix``.
        service: The name of the primary that the sentinels watch.
        is_secret: True with TLS.
        options: Arguments of redis-py's clients; the password is among them.
        sentinel_options: Arguments for the sentinels alone.
        prefix: What the keys begin with.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    service: str
    is_secret: bool
    options: dict[str, object] = field(repr=False)
    sentinel_options: dict[str, object] = field(repr=False)
    prefix: str

    @property
    def place(self) -> str:
        """
        Where the servers are, without any secret.
        """
        hosts = self.path or ",".join(format_host(*host) for host in self.hosts)
        service = f"/{self.service}" if self.service else ""
        db = "" if self.kind == "cluster" else f"/{self.options['db']}"
        return f"{hosts}{service}{db}"


def format_host(host: str, port: int) -> str:
    """
    Write a host and its port as a URL does.
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_redis_url(url: str, options: dict[str, str]) -> RedisTarget:
    """
    Read a URL without its query, and the *options* of the query.

    Raises:
        ConfigurationError: If either cannot be used.
    """
    scheme, _, rest = url.partition("://")
    kind = _KINDS.get(scheme)
    if kind is None:
        known = ", ".join(f"{scheme}://" for scheme in _KINDS)
        raise ConfigurationError(f"no store at {url.partition(':')[0] + ':'!r}: use one of {known}")
    authority, _, path = rest.partition("/")
    login, _, hosts = authority.rpartition("@")
    service, _, db = path.partition("/") if kind == "sentinel" else ("", "", path)
    settings: dict[str, object] = {"db": 0} if kind == "unix" else {"db": _parse_db(db)}
    settings |= parse_options(kind, options, is_secret=scheme.startswith("rediss"))
    settings |= _parse_login(login)
    sentinel = {k: settings.pop(k) for k in tuple(settings) if k.startswith("sentinel_")}
    target = RedisTarget(
        kind=kind,
        hosts=() if kind == "unix" else _parse_hosts(hosts, _PORTS.get(kind, _PORT)),
        path=f"/{unquote(path)}" if kind == "unix" else "",
        service=unquote(service),
        is_secret=scheme.startswith("rediss"),
        prefix=str(settings.pop("prefix", "linq")),
        options=settings,
        sentinel_options={name.removeprefix("sentinel_"): sentinel[name] for name in sentinel},
    )
    _check(target, hosts)
    return target


def _check(target: RedisTarget, hosts: str) -> None:
    if target.kind == "cluster" and target.options["db"]:
        raise ConfigurationError("a cluster has no database but 0: leave it out of the store's URL")
    if target.kind == "sentinel" and not target.service:
        raise ConfigurationError("name what the sentinels watch: redis+sentinel://host:26379/NAME")
    if target.kind == "unix" and (target.path == "/" or hosts):
        raise ConfigurationError("name the socket of the store: redis+unix:///path/to/socket")


def _parse_login(login: str) -> dict[str, object]:
    username, _, password = login.partition(":")
    named = {"username": unquote(username), "password": unquote(password)}
    return {name: value for name, value in named.items() if value}


def _parse_hosts(hosts: str, port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_parse_host(host, port) for host in hosts.split(","))


def _parse_host(host: str, port: int) -> tuple[str, int]:
    name, _, rest = host[1:].partition("]") if host.startswith("[") else host.partition(":")
    number = rest.removeprefix(":")
    if not number:
        return name or "localhost", port
    return name or "localhost", _parse_port(number)


def _parse_port(text: str) -> int:
    port = _parse_number(text, "port")
    if port > _LAST_PORT:
        raise ConfigurationError(f"the port in the store's URL must be {_LAST_PORT} or below")
    return port


def _parse_db(path: str) -> int:
    return _parse_number(path, "database") if path else 0


def _parse_number(text: str, what: str) -> int:
    # Not repeated: it may be half a password.
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(
            f"the {what} in the store's URL must be a number; "
            "write / : @ ? # and % of a password percent-encoded"
        )
    return int(text)
