"""
Fixtures that send spans to software nobody here wrote.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from support.otlp_receivers import (
    find_rotel,
    is_rotel_required,
    open_rotel,
)
from support.otlp_route import ALL_WAYS, OtlpRoute


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.otlp_processes import Receiver


@pytest.fixture(scope="session")
def rotel_path() -> Path:
    """
    The rotel binary, or a skip; in CI a failure, unless LINQ_OTEL_WITHOUT_ROTEL=1.
    """
    path = find_rotel()
    if path is not None:
        return path
    reason = "rotel is not installed: tests/support/install_receivers.sh does, where it has a wheel"
    if is_rotel_required():
        pytest.fail(f"{reason}; LINQ_OTEL_WITHOUT_ROTEL=1 goes without", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(params=ALL_WAYS, ids=str)
def otlp_route(
    request: pytest.FixtureRequest,
    otlp_agent: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[OtlpRoute]:
    """
    Every way to the test agent in turn, the agent emptied first.

    Parametrize it indirectly with `DIRECT_WAYS` or `RELAYED_WAYS` to take only some. rotel runs
    for one test alone, so that what it still holds cannot reach the next.
    """
    for name in [name for name in os.environ if name.startswith("OTEL_EXPORTER_OTLP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    way = request.param
    with ExitStack() as stack:
        entry = otlp_agent
        if way.is_relayed:
            binary = request.getfixturevalue("rotel_path")
            directory = tmp_path_factory.mktemp("rotel")
            entry = stack.enter_context(open_rotel(binary, directory, otlp_agent))
        otlp_agent.read("/test/session/clear")
        yield stack.enter_context(closing(OtlpRoute(way, entry, otlp_agent)))
