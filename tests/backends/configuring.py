"""
`configure` against each backend: asks first, exports one span, and finds it again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.reading import READERS
from linq_otel.export import configure


if TYPE_CHECKING:
    from backends.running import Server
    from linq_otel.export import Export


_NAMES = {"Jaeger": "jaeger"}
_SECONDS = 20.0


class _NoProvider:
    """
    Has our export keep to a provider of its own.
    """

    def get_tracer(self, *_arguments: Any, **_options: Any) -> None:
        """
        Do what a tracer provider does.
        """


@dataclass(frozen=True, slots=True)
class Try:
    """
    One export that was configured, and what came of it.

    Attributes:
        is_found: Whether the span was read back; None where there is nothing to ask.
        refusal: What a check said of the same endpoint in the other protocol.
    """

    server: str
    protocol: str
    checked: str
    is_taken: bool
    is_found: bool | None
    refusal: str


def try_configure(servers: list[Server]) -> list[Try]:
    """
    Configure an export to each server, in each protocol.
    """
    return [_try(server, protocol) for server in servers for protocol in ("http/protobuf", "grpc")]


def _try(server: Server, protocol: str) -> Try:
    right = server.grpc_endpoint if protocol == "grpc" else server.http_endpoint
    wrong = server.http_endpoint if protocol == "grpc" else server.grpc_endpoint
    export = _configure(server, right, protocol)
    try:
        (checked,) = export.check()
        assert export.tracer_provider is not None
        span = export.tracer_provider.get_tracer("configured").start_span("configured")
        span.end()
        is_taken = export.flush()
        otel_trace_id = f"{span.get_span_context().trace_id:032x}"
    finally:
        export.shutdown()
    found = _find(server, otel_trace_id) if server.name in READERS else None
    return Try(
        server.name, protocol, checked.message, is_taken, found, _refuse(server, wrong, protocol)
    )


def _refuse(server: Server, endpoint: str, protocol: str) -> str:
    export = _configure(server, endpoint, protocol)
    try:
        (checked,) = export.check()
    finally:
        export.shutdown()
    return "" if checked.is_ok else checked.message


def _configure(server: Server, endpoint: str, protocol: str) -> Export:
    return configure(
        _NAMES.get(server.name, "otlp"),
        endpoint=endpoint,
        protocol=protocol,
        service_name="configured",
        tracer_provider=_NoProvider(),  # type: ignore[arg-type]
        metrics=False,
        logs=False,
    )


def _find(server: Server, otel_trace_id: str) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        names = {span.name for span in READERS[server.name](server, otel_trace_id)}
        if names:
            return names == {"configured"}
        time.sleep(0.2)
    return False
