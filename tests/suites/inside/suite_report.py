"""
A plugin of pytest that writes down each test's outcome, and what the tests took.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from collections.abc import Generator


_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """
    Keep the worst of what is said of a test: by its phases, and by its subtests.
    """
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.skipped:
        _outcomes.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        _outcomes.setdefault(report.nodeid, "passed")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """
    Write down outcomes, and the processor time of the tests and of what came before them.

    Each worker of pytest-xdist writes a file of its own.
    """
    start = _count_processor_seconds()
    try:
        return (yield)
    finally:
        tests = _count_processor_seconds() - start
        text = json.dumps({"outcomes": _outcomes, "start": start, "tests": tests})
        folder = Path(os.environ["LINQ_OTEL_SUITES_FOLDER"])
        (folder / f"{os.getpid()}.json").write_text(text, encoding="utf-8")


def _count_processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
