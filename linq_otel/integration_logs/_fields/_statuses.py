"""
The HTTP status, out of ``201``, ``"201 Created"``, ``HTTP/2 201`` or ``(failed)``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel.integration_logs._findings import Findings


_STATUS: Final = re.compile(
    r"(?:HTTP/\d(?:\.\d)?\s+)?(\d{3})(?:\.0+)?(?:\s+\D.*)?", re.IGNORECASE | re.DOTALL | re.ASCII
)
# What browsers and dashboards show where no answer came.
_NO_ANSWER: Final = frozenset({"", "0", "-1", "-", "null", "none", "n/a", "(failed)", "failed",
                               "pending", "(pending)", "canceled", "(canceled)", "timeout", "error",
                               "(blocked)"})  # fmt: skip
_LOWEST, _HIGHEST = 100, 599


def find_status(candidates: Sequence[object], findings: Findings) -> int | None:
    """
    Return the first of *candidates* that is an HTTP status; None if there was no answer.

    Args:
        candidates: What stands under the names of a status, best first.
        findings: Takes a warning where none of them can be read.
    """
    is_odd = False
    for value in candidates:
        if type(value) is int and _LOWEST <= value <= _HIGHEST:
            return value  # By far the most common; a boolean is an int, and no status.
        text = "" if value is None or isinstance(value, bool) else str(value).strip()
        match = _STATUS.fullmatch(text)
        if match is not None and _LOWEST <= int(match[1]) <= _HIGHEST:
            return int(match[1])
        is_odd = is_odd or isinstance(value, bool) or not _is_no_answer(text)
    if is_odd:
        findings.warn("status_unreadable")
    return None


def _is_no_answer(text: str) -> bool:
    return text.lower() in _NO_ANSWER or text.upper().startswith(("ERR_", "NET::ERR_"))
