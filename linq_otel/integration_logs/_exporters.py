"""
Where spans and log records go: an OTLP endpoint, or a file of OTLP JSON lines.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from linq_otel.errors import ConfigurationError, MissingExtraError


if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_OTLP: Final = "opentelemetry.exporter.otlp"
_CLASSES: Final = {
    ("http/protobuf", "traces"): (f"{_OTLP}.proto.http.trace_exporter", "OTLPSpanExporter"),
    ("http/protobuf", "logs"): (f"{_OTLP}.proto.http._log_exporter", "OTLPLogExporter"),
    ("grpc", "traces"): (f"{_OTLP}.proto.grpc.trace_exporter", "OTLPSpanExporter"),
    ("grpc", "logs"): (f"{_OTLP}.proto.grpc._log_exporter", "OTLPLogExporter"),
    ("file", "traces"): (f"{_OTLP}.json.file.trace_exporter", "FileSpanExporter"),
    ("file", "logs"): (f"{_OTLP}.json.file._log_exporter", "FileLogExporter"),
}
PROTOCOLS: Final = ("http/protobuf", "grpc")


def open_otlp(
    signal: str, protocol: str, endpoint: str | None, headers: Mapping[str, str] | None
) -> Any:
    """
    Open an OTLP exporter; it is to be shut down.

    Args:
        signal: ``traces`` or ``logs``.
        protocol: ``http/protobuf`` or ``grpc``.
        endpoint: The base URL; without it the ``OTEL_EXPORTER_OTLP_*`` variables count.
        headers: Sent with each request.

    Raises:
        ConfigurationError: There is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ConfigurationError(f"protocol must be one of {', '.join(PROTOCOLS)}")
    options: dict[str, Any] = {}
    if endpoint is not None:
        options["endpoint"] = _complete(endpoint, signal, protocol)
    if headers:
        options["headers"] = dict(headers)
    if protocol == "grpc" and endpoint is not None:
        options["insecure"] = not endpoint.startswith("https://")
    return _load(protocol, signal)(**options)


def open_file(signal: str, path: Path) -> Any:
    """
    Open a file of OTLP JSON lines, which are added to it; the exporter is to be shut down.

    Raises:
        MissingExtraError: The exporter is not installed.
        ConfigurationError: The file cannot be written.
    """
    try:
        return _load("file", signal)(path=str(path))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _complete(endpoint: str, signal: str, protocol: str) -> str:
    # The HTTP exporter takes an endpoint it is given to the letter.
    path = f"/v1/{signal}"
    if protocol == "grpc" or endpoint.endswith(path):
        return endpoint
    return endpoint.rstrip("/") + path


def _load(protocol: str, signal: str) -> Any:
    module, name = _CLASSES[protocol, signal]
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"exporting {signal} to a {protocol}", "demo") from error
