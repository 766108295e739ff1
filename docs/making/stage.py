# ruff: noqa: INP001  # A part of scripts.
"""
What the plays stand on: a provider that keeps its spans, and a server on loopback.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


if TYPE_CHECKING:
    from collections.abc import Generator


_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """
    A provider of a service's own, and what collects its spans.
    """

    provider: TracerProvider
    exporter: InMemorySpanExporter


def provide(service_name: str) -> Service:
    """
    Make the provider of a service.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": service_name}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Service(provider, exporter)


@contextmanager
def serve(app: Any, port: int) -> Generator[None]:
    """
    Serve *app* on loopback while the block lasts.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)


def find_free_port() -> int:
    """
    Return a port that was free a moment ago.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
