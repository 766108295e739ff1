"""
What every reader of a format hands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel.integration_logs._findings import UnusableError


@dataclass(slots=True)
class Found:
    """
    A row, or what stands where one should.

    Attributes:
        line: The line it begins on.
        format: How it was written.
        fields: Its names and values, as they stood.
        error: Why it is no row; None if it is.
    """

    line: int
    format: str
    fields: Mapping[str, object]
    error: UnusableError | None = None
