"""
Programs run under ``opentelemetry-instrument``, and the spans its console exporter prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from support.environments import plain_environment


INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")


def without_others(*wanted: str) -> str:
    """
    Return the names of all instrumentations but ours and *wanted*, to be disabled.

    To import them and the libraries they are for takes three times as long as all the rest.
    """
    names = {entry.name for entry in entry_points(group="opentelemetry_instrumentor")}
    return ",".join(sorted(n for n in names if not n.startswith(("linq", *wanted))))


def run_instrumented(
    code: str, *arguments: str, flags: tuple[str, ...] = (), cwd: Path, **environment: str
) -> tuple[str, list[dict[str, Any]], str]:
    """
    Run *code* with nothing of our own environment that configures tracing or Linq.

    Returns what it printed, its spans, and its log.
    """
    kept = plain_environment()
    done = subprocess.run(
        [INSTRUMENT, *flags, sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={
            **kept,
            "OTEL_TRACES_EXPORTER": "console",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "answered" in done.stdout, done.stderr
    return done.stdout, _parse_spans(done.stdout), done.stderr


def _parse_spans(printed: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    spans: list[dict[str, Any]] = []
    start = printed.find("{\n")
    while start >= 0:
        span, end = decoder.raw_decode(printed, start)
        spans.append(span)
        start = printed.find("{\n", end)
    return spans
