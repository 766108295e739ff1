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
    # An abstract class takes ten times as long to ask, and nearly every one is a dict or missing.
    if type(value) is dict:
        return cast("Mapping[str, Any]", value)
    if value is not None and isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    return _NOTHING
