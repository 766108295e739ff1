"""
An instrumented process, a scripted Linq, and clients of the unmodified SDK.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from linq import AsyncLinqAPIV3, LinqAPIV3

from linq_otel import _shield, instrument, uninstrument
from linq_otel.stores.memory import MemoryStore
from support.scripted_linq import ScriptedLinq


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    Connect = Callable[..., LinqAPIV3]


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """
    Yield a Linq on a free port.
    """
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def store() -> MemoryStore:
    """
    Return the store of `instrumented`.
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


@pytest.fixture
def connect(linq: ScriptedLinq) -> Iterator[Connect]:
    """
    Return what opens clients, which are closed afterwards.
    """
    opened: list[LinqAPIV3] = []

    def _connect(**options: Any) -> LinqAPIV3:
        opened.append(
            LinqAPIV3(**{"api_key": "secret-token", "base_url": linq.base_url, **options})
        )
        return opened[-1]

    yield _connect
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Connect) -> LinqAPIV3:
    """
    Return a client of `linq`.
    """
    return connect()


@pytest.fixture
def aconnect(linq: ScriptedLinq) -> Callable[..., AsyncLinqAPIV3]:
    """
    Return what opens async clients; a test closes them with `async with`.
    """

    def _aconnect(**options: Any) -> AsyncLinqAPIV3:
        return AsyncLinqAPIV3(**{"api_key": "secret-token", "base_url": linq.base_url, **options})

    return _aconnect


@pytest.fixture
def finished(exporter: InMemorySpanExporter) -> Callable[[], tuple[ReadableSpan, ...]]:
    """
    Return what lists the spans that have ended.
    """
    return exporter.get_finished_spans


@pytest.fixture
def shielded() -> Callable[[], Any]:
    """
    Return a context in which our own failures are swallowed, as they are in production.
    """

    @contextmanager
    def _shielded() -> Iterator[None]:
        before, _shield._strict = _shield._strict, False
        try:
            yield
        finally:
            _shield._strict = before

    return _shielded
