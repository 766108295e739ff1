"""
OTLP over gRPC: its exporters, and an empty export that tells what answers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._answers import Fault
    from ._targets import Target


_EXPORTERS: Final[Mapping[str, type[Any]]] = {
    "traces": OTLPSpanExporter,
    "metrics": OTLPMetricExporter,
    "logs": OTLPLogExporter,
}
_METHODS: Final[Mapping[str, str]] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_FAULTS: Final[Mapping[str, Fault]] = {
    "DEADLINE_EXCEEDED": "time",
    "PERMISSION_DENIED": "key",
    "RESOURCE_EXHAUSTED": "busy",
    "UNAUTHENTICATED": "key",
    "UNIMPLEMENTED": "signal",
}
# What gRPC's own text says where no status can: it has one, UNAVAILABLE, for all of them.
_UNAVAILABLE: Final[Mapping[str, Fault]] = {
    "connection refused": "closed",
    "dns resolution failed": "host",
    "address lookup failed": "host",
    "domain name not found": "host",
    "http1": "protocol",
    "http2 error": "protocol",
    "settings frame": "protocol",
    "certificate_verify_failed": "certificate",
    "wrong_version_number": "tls",
    "ssl_error": "tls",
    "socket closed": "plain",
}


def make_exporter(target: Target, **options: Any) -> Any:
    """
    Return an exporter to *target*; certificates and time-outs come of the standard variables.
    """
    compressions = {"gzip": grpc.Compression.Gzip, "none": grpc.Compression.NoCompression}
    return _EXPORTERS[target.signal](
        endpoint=target.url,
        insecure=target.url.startswith("http://"),
        headers=tuple(target.headers.items()),
        # Never left to the variables: the exporter refuses the specification's `none`.
        compression=compressions[target.compression],
        **options,
    )


def probe(target: Target, timeout: float, certificate: str | None) -> tuple[Fault | None, str]:
    """
    Send an export of nothing, and answer what is wrong, if anything, with the proof of it.

    Args:
        target: Where to.
        timeout: Seconds for the whole of it.
        certificate: The file of who is trusted; None for whom gRPC trusts.
    """
    with _open_channel(target.url, certificate) as channel:
        export = channel.unary_unary(_METHODS[target.signal])
        try:
            # An empty message of protobuf has no bytes.
            export(b"", timeout=timeout, metadata=tuple(target.headers.items()))
        except grpc.RpcError as error:
            code = error.code().name
            return _judge_code(code, str(error.details()).lower()), code
    return None, "OK"


def _open_channel(url: str, certificate: str | None) -> Any:
    place = urlsplit(url)
    if place.scheme == "http":
        return grpc.insecure_channel(place.netloc)
    trusted = Path(certificate).read_bytes() if certificate is not None else None
    return grpc.secure_channel(place.netloc, grpc.ssl_channel_credentials(trusted))


def _judge_code(code: str, details: str) -> Fault:
    if code == "UNAVAILABLE":
        return next((f for words, f in _UNAVAILABLE.items() if words in details), "busy")
    # A server of HTTP/2 that knows no gRPC answers in HTTP's statuses.
    if "http status" in details or "http2 header" in details:
        return "protocol"
    return _FAULTS.get(code, "other")
