from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from linq_otel.doctor import _neighbours, _providers


if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Give each test a folder of its own, and a process with no provider and no proxy.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setenv("NO_PROXY", "*")
    # Other tests leave such objects in this process; test_setups.py has processes of their own.
    for module in (_neighbours, _providers):
        monkeypatch.setattr(module, "list_instances", lambda _: [])
