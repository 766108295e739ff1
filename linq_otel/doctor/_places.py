"""
Addresses as they may be shown: without logins, queries and fragments.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit


_NEAR: Final = ("localhost", "127.", "::1", "[::1]", "0.0.0.0")  # noqa: S104  # To compare with.


def show_url(url: str) -> str:
    """
    Return *url* as it may be shown.
    """
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "an address that is no URL"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"


def is_near(place: str) -> bool:
    """
    True if the host of *place*, a URL or ``host:port``, is this one.
    """
    host = show_url(place).rpartition("://")[2]
    return host.startswith(_NEAR)
