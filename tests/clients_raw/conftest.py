"""
An instrumented process, a scripted Linq, and every HTTP client there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import instrument, uninstrument
from linq_otel._targets import BASE_URL_VARIABLES
from linq_otel.stores.memory import MemoryStore
from support.raw_clients import CLIENTS, messages_url
from support.scripted_linq import ScriptedLinq


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.raw_clients import RawClient


@pytest.fixture(autouse=True)
def no_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Forget where the machine keeps its base URL.
    """
    for name in (*BASE_URL_VARIABLES, "OTEL_PYTHON_LINQ_HOSTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """
    Yield a Linq on a free port.
    """
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def url(linq: ScriptedLinq) -> str:
    """
    Return where messages are posted.
    """
    return messages_url(linq.base_url)


@pytest.fixture
def store() -> MemoryStore:
    """
    Return the store of `start`.
    """
    return MemoryStore()


@pytest.fixture
def start(provider: TracerProvider, store: MemoryStore) -> Iterator[Callable[..., None]]:
    """
    Return what instruments the process, once, with the options a test needs.
    """

    def _start(**options: Any) -> None:
        instrument(**{"tracer_provider": provider, "store": store, **options})

    yield _start
    uninstrument()


@pytest.fixture
def instrumented(start: Callable[..., None]) -> None:
    """
    Instrument the process with the default options.
    """
    start()


@pytest.fixture(params=CLIENTS, ids=repr)
def client(request: pytest.FixtureRequest) -> RawClient:
    """
    Give each client in turn.
    """
    found: RawClient = request.param
    return found


@pytest.fixture
def finished(exporter: InMemorySpanExporter) -> Callable[[], tuple[ReadableSpan, ...]]:
    """
    Return what lists the spans that have ended.
    """
    return exporter.get_finished_spans
