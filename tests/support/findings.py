"""
Findings in a form that a test can write down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel.doctor import examine


if TYPE_CHECKING:
    from collections.abc import Iterable

    from linq_otel.doctor import Finding


def pick(findings: Iterable[Finding], *areas_or_codes: str) -> list[tuple[str, str, str]]:
    """
    Return code, severity and remedy of the findings whose codes begin with one of the words.
    """
    return [
        (each.code, each.severity, each.remedy)
        for each in findings
        if each.code.startswith(areas_or_codes)
    ]


def in_environment(*areas_or_codes: str, **environ: str) -> list[tuple[str, str, str]]:
    """
    Examine an environment in which no app runs.
    """
    return pick(examine(environ=environ, is_live=False), *areas_or_codes)
