from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linq_otel import _shield
from support import payloads as p
from support.asgi_servers import Stage, open_stage
from support.racing import GatedLinq
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def desk(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """
    Return a process with the default options and no secret.
    """
    return Desk(provider, exporter)


@pytest.fixture
def guarded(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """
    Return a process that has a secret.
    """
    return Desk(provider, exporter, secret=p.SECRET)


@pytest.fixture
def gated_linq() -> Iterator[GatedLinq]:
    """
    Yield a Linq whose answers wait for its gate.
    """
    with GatedLinq() as linq:
        yield linq


@pytest.fixture
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Shield our own failures again, as outside the suite.
    """
    monkeypatch.setattr(_shield, "_strict", False)


@pytest.fixture(scope="session")
def uvicorn_stage() -> Iterator[Stage]:
    """
    Yield one uvicorn for the whole run.
    """
    with open_stage() as stage:
        yield stage


@pytest.fixture
def served(uvicorn_stage: Stage) -> Iterator[Stage]:
    """
    Yield uvicorn with no app yet.
    """
    uvicorn_stage.errors.clear()
    yield uvicorn_stage
    uvicorn_stage.app = None
