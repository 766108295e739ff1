"""
On what a figure was measured: a ratio means little without it.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pressing import find_wrk


_PACKAGES: Final = (
    "linq-otel",
    "linq-python",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation-httpx",
    "opentelemetry-instrumentation-asgi",
    "opentelemetry-instrumentation-wsgi",
    "opentelemetry-instrumentation-fastapi",
    "httpx",
    "requests",
    "aiohttp",
    "fastapi",
    "uvicorn",
    "standardwebhooks",
    "redis",
    "psycopg",
    "PyMySQL",
    "SQLAlchemy",
)


def find_facts() -> dict[str, str]:
    """
    Return what the machine, the interpreter and the packages are.
    """
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    packages = ", ".join(f"{name} {_version_of(name)}" for name in _PACKAGES)
    return {
        "processor": f"{_find_processor()}, {len(os.sched_getaffinity(0))} cores",
        "load before": f"{busy} (averages of 1, 5 and 15 minutes)",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "load by": "wrk" if find_wrk() else "coroutines of this process, as wrk is not installed",
        "packages": packages,
    }


def _find_processor() -> str:
    place = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", place.read_text()) if place.exists() else None
    return found[1] if found else platform.processor() or "unknown"


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
