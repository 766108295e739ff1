"""
What the caller of ``configure`` asked for, before anybody decided anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Signal


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    What ``configure`` was called with.
    """

    backend: str | None = None
    endpoint: str | None = None
    region: str | None = None
    api_key: str | None = field(default=None, repr=False)
    instance_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    protocol: str | None = None
    signals: Mapping[Signal, bool | None] = field(default_factory=dict["Signal", "bool | None"])
