"""
The options that the URL of a Redis store may have: redis-py's, and a few of ours.

redis-py passes on what it does not know, and fails when it first connects; an
option that was misspelt is to be known before.
"""

from __future__ import annotations

import os.path
import ssl
from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Callable


def parse_options(kind: str, options: dict[str, str], *, is_secret: bool) -> dict[str, object]:
    """
    Give the *options* of a query the types that redis-py wants.

    Args:
        kind: ``server``, ``unix``, ``cluster`` or ``sentinel``.
        options: The names and values of the query.
        is_secret: True with TLS.

    Raises:
        ConfigurationError: If one is unknown, has no place here or no such value.
    """
    return {
        name: _parse_option(name, value, kind, is_secret=is_secret)
        for name, value in options.items()
    }


def _parse_option(name: str, value: str, kind: str, *, is_secret: bool) -> object:
    if not name.isidentifier():
        # Not repeated: it may be half a password.
        raise ConfigurationError(
            "a store option has a name that none has; write ? of a password percent-encoded"
        )
    if name not in OPTIONS:
        known = ", ".join(("ttl", *OPTIONS))
        raise ConfigurationError(f"unknown store option {name!r}: use {known}")
    if name.startswith("ssl_") and not is_secret:
        raise ConfigurationError(f"store option {name} needs TLS: write rediss instead of redis")
    if name.startswith("sentinel_") and kind != "sentinel":
        raise ConfigurationError(f"store option {name} needs a URL of redis+sentinel://")
    parse, wanted = OPTIONS[name]
    try:
        return parse(value)
    except (ValueError, KeyError):
        # Without its cause, which repeats the value.
        raise ConfigurationError(f"store option {name} must be {wanted}") from None


def _parse_whole(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError
    return number


def _parse_seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _parse_flag(value: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
        value.lower()
    ]


def _parse_file(value: str) -> str:
    if not os.path.isfile(value):  # noqa: PTH113  # A path is text in a store's URL.
        raise ValueError
    return value


def _parse_demand(value: str) -> str:
    return {"none": "none", "optional": "optional", "required": "required"}[value.lower()]


_NUMBER = (_parse_whole, "a whole number")
_SECONDS = (_parse_seconds, "a number of seconds above 0")
_FLAG = (_parse_flag, "true or false")
_FILE = (_parse_file, "a file that can be found")
_TEXT = (str, "text")
OPTIONS: dict[str, tuple[Callable[[str], object], str]] = {
    "prefix": _TEXT,
    "db": _NUMBER,
    "username": _TEXT,
    "password": _TEXT,
    "client_name": _TEXT,
    "protocol": (lambda value: {"2": 2, "3": 3}[value], "2 or 3"),
    "max_connections": _NUMBER,
    "socket_timeout": _SECONDS,
    "socket_connect_timeout": _SECONDS,
    "socket_keepalive": _FLAG,
    "health_check_interval": _NUMBER,
    "ssl_ca_certs": _FILE,
    "ssl_ca_path": _TEXT,
    "ssl_ca_data": _TEXT,
    "ssl_certfile": _FILE,
    "ssl_keyfile": _FILE,
    "ssl_password": _TEXT,
    "ssl_cert_reqs": (_parse_demand, "none, optional or required"),
    "ssl_check_hostname": _FLAG,
    "ssl_min_version": (lambda value: ssl.TLSVersion(int(value)), "771 (TLS 1.2) or 772 (TLS 1.3)"),
    "ssl_ciphers": _TEXT,
    "sentinel_username": _TEXT,
    "sentinel_password": _TEXT,
}
