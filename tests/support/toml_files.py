"""
TOML on every Python we support: the standard library reads it from 3.11 on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any


if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path


def parse_toml(text: str) -> dict[str, Any]:
    """
    Parse TOML.
    """
    parsed: dict[str, Any] = tomllib.loads(text)
    return parsed


def read_toml(path: Path) -> dict[str, Any]:
    """
    Read a TOML file.
    """
    return parse_toml(path.read_text(encoding="utf-8"))
