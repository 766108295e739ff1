"""
Findings on one screen: what is wrong stands out, and what to type stands below it.
"""

from __future__ import annotations

import platform
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from linq_otel._version import __version__
from linq_otel.doctor import SEVERITIES


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from linq_otel.doctor import Finding
    from linq_otel.doctor._codes import Severity


VERSION: Final = 1
"""Of the JSON document; what it has is never renamed under the same version."""

_GLYPHS: Final[dict[Severity, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "note": ("·", "cyan"),
    "warning": ("!", "yellow"),
    "problem": ("✗", "bold red"),
}
_PLURALS: Final[dict[Severity, str]] = {
    "ok": "ok",
    "note": "notes",
    "warning": "warnings",
    "problem": "problems",
}
_ASCII: Final = str.maketrans({"✓": "+", "·": "-", "✗": "x", "→": ">", "…": "..."})
_INDENT: Final = "    "


def build_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """
    Write the findings as JSON has them.
    """
    counts = Counter(finding.severity for finding in findings)
    return {
        "version": VERSION,
        "linq_otel": __version__,
        "python": platform.python_version(),
        "counts": {severity: counts[severity] for severity in SEVERITIES},
        "findings": [finding.to_document() for finding in findings],
    }


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """
    Print the findings under the headings of their areas.
    """
    _print(f"linq-otel {__version__} · Python {platform.python_version()}", console, "dim")
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            _print("", console)
            _print(area, console, "bold")
        _print_finding(finding, console)
    _print("", console)
    _print(_sum_up(findings), console, "bold")


def _print_finding(finding: Finding, console: Console) -> None:
    glyph, style = _GLYPHS[finding.severity]
    is_ok = finding.severity == "ok"
    title = finding.title if is_ok else f"{finding.title} [{finding.code}]"
    for line in _wrap(title, f"  {glyph} ", console):
        _print(line, console, "" if is_ok else style)
    if finding.detail:
        for line in _wrap(finding.detail, _INDENT, console):
            _print(line, console, "dim")
    if finding.remedy:
        for line in _wrap(finding.remedy, f"{_INDENT}→ ", console):
            _print(line, console)


def _wrap(text: str, first: str, console: Console) -> Iterable[str]:
    return textwrap.wrap(
        text,
        max(console.width, 40),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print(line: str, console: Console, style: str = "") -> None:
    if console.options.ascii_only:
        line = line.translate(_ASCII)
    # What a person has to type must not be broken by a narrow window.
    console.print(Text(line, style=style), soft_wrap=True)


def _sum_up(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    parts = [_count(severity, counts[severity]) for severity in SEVERITIES if counts[severity]]
    return ", ".join(parts)


def _count(severity: Severity, number: int) -> str:
    return f"{number} {severity if number == 1 else _PLURALS[severity]}"
