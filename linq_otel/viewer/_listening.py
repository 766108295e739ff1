"""
The socket a viewer listens on: of this host alone, and taken before anything else is started.

Spans hold what people do. A viewer has no password, so nobody from outside may reach it.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

from linq_otel.errors import ConfigurationError


def listen(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens on *host*; 0 takes a free port.

    Raises:
        ConfigurationError: The host is no loopback address, or the port cannot be had.
    """
    address = "127.0.0.1" if host == "localhost" else host
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        ip = None
    if ip is None or not ip.is_loopback:
        raise ConfigurationError(
            f"the viewer has no password and listens on this host alone, not on {host}; "
            "leave --host out, or forward the port"
        )
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004  # IPv4.
    try:
        return socket.create_server((address, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(_explain(address, port, error)) from error


def _explain(host: str, port: int, error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken, by a collector or another viewer perhaps; "
            "choose another one with --port, and give it to the app as well"
        )
    return f"cannot listen on {host}, port {port}: {error}; choose another one with --port"
