"""
Reading JSON of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast


_NOTHING: Final[Mapping[str, Any]] = {}


def as_mapping(value: object) -> Mapping[str, Any]:
    """
    Return *value* if it is an object of JSON, and an empty one otherwise.
    """
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else _NOTHING
