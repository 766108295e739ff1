"""
A backend named in the environment, for an app that nobody has touched.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.environments import plain_environment
from support.instrumented import without_others


APP = "from opentelemetry import trace; print(type(trace.get_tracer_provider()).__module__)"


def run(**environment: str) -> tuple[str, str]:
    """
    Run an app under ``opentelemetry-instrument``; returns its output and its complaints.
    """
    inherited = plain_environment()
    quiet = {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": without_others(),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("opentelemetry-instrument")),
            sys.executable,
            "-c",
            APP,
        ],
        env={**inherited, **quiet, "OTEL_LOGS_EXPORTER": "none", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip(), done.stderr


class TestBackend:
    @pytest.mark.parametrize("backend", ["", "jaeger"])
    def test_named_or_not(self, backend: str) -> None:
        """With a backend or without, the app starts, and has a provider of the SDK."""
        printed, complaints = run(OTEL_PYTHON_LINQ_BACKEND=backend)
        assert printed == "opentelemetry.sdk.trace"
        assert "nothing is exported" not in complaints

    def test_wrong(self) -> None:
        """A backend that does not exist is one line, which says what to type, and no more."""
        printed, complaints = run(OTEL_PYTHON_LINQ_BACKEND="jagger")
        assert printed == "opentelemetry.sdk.trace"
        assert "nothing is exported: " in complaints
        assert "jaeger" in complaints
