from __future__ import annotations

import gc
import ssl
from functools import cache
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, settings
from linq import _base_client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from linq_otel import _delivery_spans, _runtime
from linq_otel._shield import strict, tally
from support.otlp_processes import ReceiverError
from support.otlp_receivers import get_test_agent, open_test_agent
from support.redaction import watching


if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.otlp_processes import Receiver


# The same examples on every machine, and no deadline: CI's machines are slow and noisy.
settings.register_profile(
    "linq_otel",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("linq_otel")

# The SDK waits half a second before it tries again. A test of the pause asks for one by header.
_base_client.INITIAL_RETRY_DELAY = 0.0
# To read the certificates of all public authorities takes 0.1 s, for each client of httpx and each
# connection of PyMySQL. No test needs them: what uses TLS names an authority of its own.
httpx._transports.default.create_ssl_context = cache(httpx._config.create_ssl_context)
ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]


# Thousands of tests are collected, and all are kept: each look through them takes up to 1 s.
gc.disable()


def pytest_collection_finish() -> None:
    """
    Collect garbage again, without ever looking through the collected tests.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Give each test a process that has configured nothing, and let our failures out.
    """
    for name in ("LINQ_WEBHOOK_SECRET", "OTEL_PYTHON_LINQ_JOIN", "OTEL_PYTHON_LINQ_STORE"):
        monkeypatch.delenv(name, raising=False)
    tally.clear()
    _delivery_spans._unknown_types.clear()
    with strict():
        yield
    _runtime.forget_tracing()


@pytest.fixture(autouse=True)
def redaction(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Look over every signal of ours, whatever the test is about, for what it must never hold.
    """
    with watching() as watch:
        yield
    if request.node.get_closest_marker("discloses") is None:
        assert watch.found == []


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """
    Return what collects the spans of `provider`.
    """
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    """
    Yield a real SDK provider of its own, not the global one.
    """
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


@pytest.fixture(scope="session")
def otlp_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """
    The running test agent, one for the session. Without it there is no proof, so no skip.
    """
    try:
        path = get_test_agent()
    except ReceiverError as error:
        pytest.fail(str(error), pytrace=False)
    with open_test_agent(path, tmp_path_factory.mktemp("test-agent")) as agent:
        yield agent
