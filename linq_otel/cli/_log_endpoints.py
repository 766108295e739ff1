"""
The endpoint that ``import`` sends to: asked before files are read, and named where it refuses.
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from linq_otel.errors import ConfigurationError
from linq_otel.export._checks import find_faults
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Generator

    from linq_otel.export._targets import Target


_SECONDS: Final = 5.0
_VARIABLES: Final = "OTEL_EXPORTER_OTLP_"
_OVERRIDDEN: Final = ("ENDPOINT", "PROTOCOL")
_DEFAULTS: Final = {"http/protobuf": "http://localhost:4318", "grpc": "http://localhost:4317"}
_UNREACHABLE: Final = {
    "closed": "nothing listens there",
    "host": "its host is not known",
    "time": "it did not answer in time",
    "tls": "it does not speak TLS: use http://",
    "plain": "it speaks TLS alone: use https://",
    "certificate": "its certificate is not trusted: set OTEL_EXPORTER_OTLP_CERTIFICATE",
    "protocol": "it does not speak {protocol}: use another --protocol, or its other port",
}
_REFUSING: Final = {
    "key": "refused the credentials: set OTEL_EXPORTER_OTLP_HEADERS",
    "path": "takes no OTLP there: give the base URL of an OTLP receiver",
    "moved": "redirects: give the address it leads to",
}
_STATUS: Final = re.compile(r"\b(?:code: |StatusCode\.)(\w+)")
_EXPORTERS: Final = "opentelemetry.exporter"


def check_endpoint(endpoint: str | None, protocol: str, signals: tuple[str, ...]) -> None:
    """
    Make sure that an OTLP receiver is there, by an export of nothing for each signal.

    Args:
        endpoint: Its base URL; without it that of the ``OTEL_EXPORTER_OTLP_*`` variables.
        protocol: ``http/protobuf`` or ``grpc``.
        signals: ``traces``, ``logs`` or both.

    Raises:
        ConfigurationError: It cannot be reached within five seconds, or refuses everything.
    """
    targets = _find_targets(endpoint, protocol, signals)
    for target, (fault, proof) in zip(targets, find_faults(targets, _SECONDS), strict=True):
        if fault in _UNREACHABLE:
            reason = _UNREACHABLE[fault].format(protocol=target.protocol)
            raise ConfigurationError(f"could not connect to {target.url}: {reason} ({proof})")
        if fault in _REFUSING:
            raise ConfigurationError(f"{target.url} {_REFUSING[fault]} ({proof})")


def _find_targets(
    endpoint: str | None, protocol: str, signals: tuple[str, ...]
) -> tuple[Target, ...]:
    if protocol not in _DEFAULTS:
        raise ConfigurationError(f"--protocol must be one of {', '.join(_DEFAULTS)}")
    environ = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
    place = endpoint
    if endpoint is not None:
        _check_url(endpoint)
        environ = {k: v for k, v in environ.items() if not k.endswith(_OVERRIDDEN)}
    elif not any(name.endswith("ENDPOINT") and environ[name].strip() for name in environ):
        place = _DEFAULTS[protocol]
    # The exporters that are used are those of --protocol, and not those of the variable.
    environ = {k: v for k, v in environ.items() if not k.endswith("PROTOCOL")}
    wanted = {signal: signal in signals for signal in ("traces", "metrics", "logs")}
    wishes = Wishes(endpoint=place, protocol=protocol, signals=wanted)  # type: ignore[arg-type]
    return make_plan(wishes, environ).targets


def _check_url(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        is_url = is_url and not parts.query and not parts.fragment
        has_key = bool(parts.username or parts.password)
    except ValueError:
        is_url = has_key = False
    if has_key:
        raise ConfigurationError(
            "--endpoint must not hold a password: set OTEL_EXPORTER_OTLP_HEADERS instead"
        )
    if not is_url or not endpoint.isprintable() or " " in endpoint:
        raise ConfigurationError("--endpoint must be a URL like http://127.0.0.1:4318")


class ExporterLog(logging.Handler):
    """
    Takes what exporters log in place of the terminal.

    Attributes:
        status: The last status a backend answered with; empty if it answered none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the status; the rest may repeat what was sent."""
        found = _STATUS.search(record.getMessage())
        if found is not None:
            self.status = found[1]


@contextmanager
def quiet_exporters() -> Generator[ExporterLog]:
    """
    Keep what exporters log off the terminal while the block lasts.
    """
    logger, handler = logging.getLogger(_EXPORTERS), ExporterLog()
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler
    finally:
        logger.propagate = before
        logger.removeHandler(handler)
