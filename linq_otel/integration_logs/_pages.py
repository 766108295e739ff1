"""
The figures as one HTML page: no script, no font, nothing loaded from anywhere.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final


if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._figure_tables import Table
    from ._figures import Figures


_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Integration logs</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; --bar: #2a78d6; --line: #8884; --bad: #c8372d; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line) }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.bar { width: 35% } td.bar i { display: block; height: .8rem; background: var(--bar) }
td.bar i.bad { background: var(--bad) }
svg { width: 100%; height: 9rem } polyline { fill: none; stroke: var(--bar); stroke-width: 2 }
svg text { font-size: 11px; fill: currentColor }
</style></head><body>
<h1>Integration logs</h1>
"""
_BAD: Final = frozenset({"rejected", "throttled", "partial", "unknown", "unconfirmed"})
_WIDTH, _HEIGHT = 900, 120


def render_page(figures: Figures, tables: Sequence[Table]) -> str:
    """
    Return the page.
    """
    parts = [_HEAD]
    for table in tables:
        if not table.rows:
            continue
        parts.append(f"<h2>{escape(table.title)}</h2>")
        if table.name == "limits":
            parts.extend(_draw_limits(figures))
        else:
            parts.append(_render_table(table))
    return "\n".join([*parts, "</body></html>", ""])


def _render_table(table: Table) -> str:
    counts = [row[-1] for row in table.rows if isinstance(row[-1], int)]
    has_bars = table.columns[-1] == "calls" and bool(counts)
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    lines = [f"<table><thead><tr>{head}{'<th></th>' if has_bars else ''}</tr></thead><tbody>"]
    for row in table.rows:
        is_bad = table.name == "verdicts" and bool(_BAD & {*map(str, row)})
        bar = _render_bar(row[-1] / max(counts), is_bad=is_bad) if has_bars else ""
        lines.append(f"<tr>{''.join(map(_render_cell, row))}{bar}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def _render_cell(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape('-' if value is None else str(value))}</td>"


def _render_bar(share: float, *, is_bad: bool) -> str:
    kind = ' class="bad"' if is_bad else ""
    return f'<td class="bar"><i{kind} style="width:{100 * share:.1f}%"></i></td>'


def _draw_limits(figures: Figures) -> list[str]:
    drawn: list[str] = []
    for provider in sorted({provider for provider, _ in figures.limits}):
        points = sorted((at, p) for (name, at), p in figures.limits.items() if name == provider)
        for title, values in (
            ("per interval", [(at, point.remaining) for at, point in points]),
            ("per day", [(at, point.daily_remaining) for at, point in points]),
        ):
            known = [(at, left) for at, left in values if left is not None]
            if known:
                drawn.append(
                    f"<p>{escape(provider)}, {title}: least {min(v for _, v in known):,}</p>"
                )
                drawn.append(_draw_line(known))
    return drawn


def _draw_line(points: Sequence[tuple[int, int]]) -> str:
    first, last = points[0][0], points[-1][0]
    most = max(1, *(value for _, value in points))
    places = [
        (
            (at - first) / max(1, last - first) * _WIDTH,
            _HEIGHT - value / most * (_HEIGHT - 20),
        )
        for at, value in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><polyline points="{line}"/>'
        f'<text x="0" y="12">{most:,}</text><text x="0" y="{_HEIGHT - 2}">0</text></svg>'
    )
