"""
Endpoints: which are well formed, and which protocol is spoken there.

A wrong port or scheme gives no error of its own: exporters retry in the
background and lose what they hold. So what can be known beforehand is said at
once, with what to type instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from linq_otel._backends import DEFAULT_PROTOCOL
from linq_otel.errors import ConfigurationError

from ._variables import HEADERS, PROTOCOL, Found


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Protocol, Signal


__all__ = ["OTLP_PORTS", "check_protocol", "find_protocol", "parse_endpoint", "signal_url"]

# The default ports of OTLP (specification, "OTLP/gRPC" and "OTLP/HTTP").
_USUAL: Final[Mapping[int, Protocol]] = {4317: "grpc", 4318: "http/protobuf"}
OTLP_PORTS: Final = frozenset(_USUAL)
_PATHS: Final = ("/v1/traces", "/v1/metrics", "/v1/logs")


def parse_endpoint(text: str, where: str, *, is_full: bool = False) -> SplitResult:
    """
    Parse the base URL of an endpoint.

    Args:
        text: The URL; one with the path of a signal at its end loses it.
        where: What somebody typed it in, for the error: ``endpoint=`` or a variable.
        is_full: Keep that path: the variable of one signal takes the whole URL.

    Raises:
        ConfigurationError: If it is no ``http`` or ``https`` URL.
    """
    try:
        url = urlsplit(text.strip())
        _ = url.port
    except ValueError:
        raise ConfigurationError(f"{where} is no URL: type http://localhost:4318, say") from None
    if url.username or url.password:
        instead = HEADERS if where.startswith("OTEL_") else "api_key="
        raise ConfigurationError(f"{where} must not hold a password: type it as {instead} instead")
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigurationError(f"{where} must be a URL: type {_suggest(text)} instead")
    if url.query or url.fragment:
        raise ConfigurationError(f"{where} must end with its path: leave out what follows it")
    path = url.path.rstrip("/")
    if not is_full:
        path = next((path.removesuffix(p) for p in _PATHS if path.endswith(p)), path)
    return url._replace(path=path)


def _suggest(text: str) -> str:
    """
    Say what was meant by a URL without a scheme, or with one that is not HTTP's.
    """
    place = text.strip().rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    if not place:
        return "http://localhost:4318"
    host = place.partition(":")[0]
    is_near = host in {"localhost", "127.0.0.1"} or "." not in host
    return f"{'http' if is_near else 'https'}://{place}"


def find_protocol(url: SplitResult, where: str) -> Found:
    """
    Answer which protocol is usual at *url*, and what says so.
    """
    usual = _USUAL.get(url.port or 0)
    if usual is None:
        return Found(DEFAULT_PROTOCOL, "the default")
    return Found(usual, f"the port of {where}")


def check_protocol(url: SplitResult, protocol: Protocol, where: str, *, has_code: bool) -> None:
    """
    Make sure that *url* does not name the port of the other protocol.

    Args:
        url: The endpoint.
        protocol: The protocol.
        where: What the endpoint was typed in.
        has_code: True advises the keyword too.

    Raises:
        ConfigurationError: If it does.
    """
    usual = _USUAL.get(url.port or 0)
    if usual is None or usual == protocol:
        return
    other = next(port for port, name in _USUAL.items() if name == protocol)
    here = url.port or 0
    said = f"protocol={usual!r} ({PROTOCOL})" if has_code else f"{PROTOCOL}={usual}"
    raise ConfigurationError(
        f"{where} names port {here}, where {usual} is spoken, and the protocol is {protocol}: "
        f"type {_with_port(url, other)}, or {said}"
    )


def _with_port(url: SplitResult, port: int) -> str:
    host = url.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    return urlunsplit(url._replace(netloc=f"{bracketed}:{port}"))


def signal_url(url: SplitResult, protocol: Protocol, signal: Signal, *, is_full: bool) -> str:
    """
    Answer where an exporter of *signal* sends to.

    HTTP has a path for each signal, below that of the base URL; gRPC has none.
    """
    if protocol == "grpc":
        return urlunsplit(url._replace(path=""))
    path = url.path if is_full else f"{url.path}/v1/{signal}"
    return urlunsplit(url._replace(path=path))
