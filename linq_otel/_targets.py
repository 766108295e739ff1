"""
Which requests go to Linq, told by host and path alone.

Every request of the process is asked, so a request to anybody else must be
told apart by one look at its text. People write Linq's base URL with and
without ``/v3``, through proxies and gateways of their own: a path holds
``/v3/`` in any case, and the host is known, or the path is Linq's own.
Version 2 of the API is called by its whole path alone, at a known host: other
companies have the same path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


API_HOST: Final = "api.linqapp.com"
BASE_URL_VARIABLES: Final = (
    "LINQ_API_V3_BASE_URL",
    "LINQ_BASE_URL",
    "LINQ_API_BASE",
    "LINQ_API_BASE_URL",
)
"""Where people keep the base URL; the SDK reads the first."""

_VERSION: Final = "/v3/"
_LEGACY: Final = "/api/partner/v2/"

_PARTNER: Final = "/api/partner/v3/"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LONGEST_HOST: Final = 253
_NO_HOST: Final = re.compile(r"[\s,;]")


@dataclass(slots=True)  # Not frozen: one is made for each request, in half the time.
class Target:
    """
    Where one request goes, without its query.

    Attributes:
        method: As it was given.
        scheme: ``https``.
        host: In lower case.
        port: The port that is meant, given or not.
        path: Begins with a slash.
    """

    method: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """
        Scheme and host, and the port where it is not the usual one.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" if usual else f"{self.scheme}://{host}:{self.port}"


def make_target(method: str, scheme: str, host: str, port: int | None, path: str) -> Target:
    """
    Make a target; without a *port* it is that of the *scheme*.
    """
    return Target(method, scheme, host, port or _DEFAULT_PORTS.get(scheme, 0), path)


def parse_target(method: str, url: str) -> Target | None:
    """
    Parse an absolute URL; None if it is not one.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if not host or len(host) > _LONGEST_HOST or parts.scheme not in _DEFAULT_PORTS:
        return None
    # One lone surrogate in an attribute, and a whole batch of spans cannot be exported.
    return make_target(method, parts.scheme, host, port, parts.path) if host.isprintable() else None


def is_elsewhere(url: object) -> bool:
    """
    Tell at once that *url* is no call of the Linq API, as nearly every URL of an app.
    """
    return type(url) is str and not may_be_call(url)


def may_be_call(url: str) -> bool:
    """
    Tell whether *url*, or a path, holds what that of every call holds; others are not Linq's.
    """
    return _VERSION in url or _LEGACY in url


class LinqHosts:
    """
    The hosts at which Linq is called.

    Args:
        hosts: ``host`` for every port, or ``host:port``; a whole URL stands
            for its host.
    """

    __slots__ = ("_hosts",)

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset((API_HOST, *filter(None, map(_host_of, hosts))))

    def holds(self, target: Target) -> bool:
        """
        Tell whether a request to *target* is a call of the Linq API.
        """
        path = target.path
        if path.startswith(_PARTNER):
            return True
        if _VERSION not in path and not path.startswith(_LEGACY):
            return False
        hosts = self._hosts
        return target.host in hosts or f"{target.host}:{target.port}" in hosts

    def find_target(self, method: str, url: str) -> Target | None:
        """
        Return where *url* leads if that is Linq; None for everybody else.
        """
        if not may_be_call(url):
            return None
        target = parse_target(method, url)
        return target if target is not None and self.holds(target) else None


def hosts_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the base URLs the environment names.
    """
    return tuple(environ[name] for name in BASE_URL_VARIABLES if environ.get(name))


def is_host(text: str) -> bool:
    """
    Tell whether *text* names a host, with a port or without.
    """
    host = _host_of(text)
    return host is not None and _NO_HOST.search(host) is None


def _host_of(text: str) -> str | None:
    text = text.strip().lower()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return f"{parts.hostname}:{port}" if port else parts.hostname
