"""
Fixtures of exports: receivers of our own, and an environment that says nothing.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

from linq_otel.export import configure
from support.otlp_sinks import open_grpc_sink, open_http_sink


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq_otel.export import Export
    from support.otlp_sinks import Sink


SAID = ("OTEL_", "HONEYCOMB_", "DD_", "GRAFANA_")


@pytest.fixture(autouse=True)
def silent_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Have the environment say nothing of exports, nor of a proxy to this host.
    """
    for name in [name for name in os.environ if name.startswith(SAID)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


class Vendor:
    """
    A provider of each signal that takes no export of anybody's.
    """

    def get_tracer(self, *_arguments: Any, **_options: Any) -> None:
        """
        Do what a tracer provider does.
        """


@pytest.fixture
def vendor() -> Vendor:
    """
    A provider of another vendor's, beside which ours is private.
    """
    return Vendor()


@pytest.fixture(autouse=True)
def untouched_globals() -> Iterator[None]:
    """
    See that no test leaves a global provider behind for the next: that takes a process of its own.
    """
    yield
    found = [trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()]
    assert [type(provider).__module__.split(".")[1] for provider in found] == [
        "trace",
        "metrics",
        "_logs",
    ]


@pytest.fixture
def http_sink() -> Iterator[Sink]:
    """
    A receiver of OTLP over HTTP.
    """
    with open_http_sink() as sink:
        yield sink


@pytest.fixture
def grpc_sink() -> Iterator[Sink]:
    """
    A receiver of OTLP over gRPC.
    """
    with open_grpc_sink() as sink:
        yield sink


@pytest.fixture(params=["http/protobuf", "grpc"])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    """
    A receiver of each protocol in turn, which the environment names.
    """
    patch = request.getfixturevalue("monkeypatch")
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    opened = open_grpc_sink() if request.param == "grpc" else open_http_sink()
    with opened as sink:
        yield sink


@pytest.fixture
def start() -> Iterator[Callable[..., Export]]:
    """
    `configure`, whose exports are shut down at the end of the test.
    """
    with ExitStack() as stack:

        def configure_here(*arguments: Any, **options: Any) -> Export:
            export = configure(*arguments, **options)
            stack.callback(export.shutdown, 5)
            return export

        yield configure_here
