"""
The environment of programs that tests start.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import certifi


def plain_environment(*without: str, **more: str) -> dict[str, str]:
    """
    Return this environment without what configures tracing or Linq.

    It names one authority in place of all that are public: a program reads them for each client of
    httpx and each connection of PyMySQL, 0.1 s that plain connections to this host have no use for.

    Args:
        *without: How the names of further variables begin that are left out.
        **more: Variables to add.
    """
    left_out = ("OTEL_", "LINQ_", *without)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return {**kept, "SSL_CERT_FILE": _write_authority(), **more}


@cache
def _write_authority() -> str:
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    path = Path(tempfile.gettempdir(), f"linq-otel-one-authority-{os.getuid()}.pem")
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(f"{first}{end}\n", "utf-8")
    whole.replace(path)
    return str(path)
