"""
A process with the default options, and a span of the app's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import _shield
from linq_otel._runtime import configure_tracing
from linq_otel.stores.memory import MemoryStore
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer

    from linq_otel._tracing import Tracing


@pytest.fixture
def store() -> MemoryStore:
    """
    Return the store of the process.
    """
    return MemoryStore()


@pytest.fixture
def configure(provider: TracerProvider, store: MemoryStore) -> Callable[..., Tracing]:
    """
    Return what puts options in force, without patching anything.
    """

    def _configure(**options: Any) -> Tracing:
        return configure_tracing({"tracer_provider": provider, "store": store, **options})

    return _configure


@pytest.fixture
def tracing(configure: Callable[..., Tracing]) -> Tracing:
    """
    Put the default options in force.
    """
    return configure()


@pytest.fixture
def desk(provider: TracerProvider, exporter: InMemorySpanExporter, store: MemoryStore) -> Desk:
    """
    Return what sends messages and receives webhooks, with the store of the process.
    """
    return Desk(provider, exporter, store=store)


@pytest.fixture
def app(provider: TracerProvider) -> Tracer:
    """
    Return the tracer of the app's own spans.
    """
    return provider.get_tracer("app")


@pytest.fixture
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Shield our own failures again, as outside the suite.
    """
    monkeypatch.setattr(_shield, "_strict", False)
