"""
The OTLP receiver that the tests of ``receivers/`` use, for what needs whole processes.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.otlp_route import DIRECT_WAYS, OtlpRoute


if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.otlp_processes import Receiver


@pytest.fixture
def otlp_route(otlp_agent: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpRoute]:
    """
    The plainest way to the test agent, the agent emptied first.
    """
    for name in [name for name in os.environ if name.startswith("OTEL_EXPORTER_OTLP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    otlp_agent.read("/test/session/clear")
    http = next(way for way in DIRECT_WAYS if way.protocol == "http/protobuf")
    with closing(OtlpRoute(http, otlp_agent, otlp_agent)) as route:
        yield route
