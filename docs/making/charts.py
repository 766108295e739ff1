# ruff: noqa: INP001  # A part of scripts.
"""
Draws curves as a picture that stands by itself: SVG, light and dark, no fonts and no links.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Point = tuple[float, float, float, float]
    """Where it is, its figure, and the figure's quartiles."""


_WIDTH: Final = 320
_HEIGHT: Final = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 24, 52, 34
_MOST_STEPS: Final = 5
_LABEL: Final = 28
_COLOURS: Final = ("a", "b", "c")
_STYLE: Final = """\
svg { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.sheet { fill: #ffffff; stroke: #d0d7de; } text { fill: #1f2328; } .dim { fill: #656d76; }
.head { font-weight: bold; } .rule { stroke: #d0d7de; } path { fill: none; stroke-width: 2; }
.a { stroke: #0b6bcb; fill: #0b6bcb; } .b { stroke: #8a3ffc; fill: #8a3ffc; }
.c { stroke: #0f7b3f; fill: #0f7b3f; } text.a, text.b, text.c { stroke: none; }
path.a, path.b, path.c { fill: none; } .band { opacity: 0.18; stroke: none; }
@media (prefers-color-scheme: dark) {
.sheet { fill: #16191f; stroke: #30363d; } text { fill: #e6edf3; } .dim { fill: #9aa4af; }
.rule { stroke: #30363d; } .a { stroke: #6cb6ff; fill: #6cb6ff; }
.b { stroke: #c8a2ff; fill: #c8a2ff; } .c { stroke: #6bd48f; fill: #6bd48f; }
text.a, text.b, text.c { stroke: none; } .band { stroke: none; }
path.a, path.b, path.c { fill: none; }
}"""


@dataclass(frozen=True, slots=True)
class Chart:
    """
    Curves over one axis; the other one begins at nothing.

    Attributes:
        title: What is on the upright axis.
        across: What is on the other one.
        curves: Points in order, by name.
        by_decades: True where a step across is ten times the one before.
    """

    title: str
    across: str
    curves: Mapping[str, Sequence[Point]]
    by_decades: bool = True

    @property
    def highest(self) -> float:
        """
        The largest figure of all.
        """
        return max(point[3] for curve in self.curves.values() for point in curve)


def draw(title: str, charts: Sequence[Chart]) -> str:
    """
    Return the picture of some *charts* beside each other.
    """
    width = _WIDTH * len(charts)
    size = f'viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>",
        f'<rect class="sheet" x="0.5" y="0.5" width="{width - 1}" height="{_HEIGHT - 1}" rx="6"/>',
    ]
    for number, chart in enumerate(charts):
        lines += [f'<g transform="translate({number * _WIDTH} 0)">', *_draw_chart(chart), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


def _draw_chart(chart: Chart) -> Iterator[str]:
    yield _text(12, 20, chart.title, "head")
    yield _text(_WIDTH // 2, _HEIGHT - 6, chart.across, "dim", "middle")
    step = _find_step(chart.highest)
    top = math.ceil(chart.highest / step) * step
    points = [point for curve in chart.curves.values() for point in curve]
    scale = math.log10 if chart.by_decades else float
    first, last = (scale(end(point[0] for point in points)) for end in (min, max))

    def place(x: float, y: float) -> tuple[float, float]:
        along = (scale(x) - first) / (last - first)
        return (
            round(_LEFT + along * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    for number in range(round(top / step) + 1):
        _, y = place(points[0][0], number * step)
        yield f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield _text(_LEFT - 6, y + 4, f"{number * step:,g}", "dim", "end")
    told = -float("inf")
    for x in sorted({point[0] for point in points}):
        along, _ = place(x, 0)
        if along - told >= _LABEL:
            yield _text(along, _HEIGHT - _BOTTOM + 14, _spell(x), "dim", "middle")
            told = along
    for number, (name, curve) in enumerate(chart.curves.items()):
        colour = _COLOURS[number]
        middle = [place(x, y) for x, y, _, _ in curve]
        band = [place(x, low) for x, _, low, _ in curve]
        band += [place(x, high) for x, _, _, high in reversed(curve)]
        yield f'<polygon class="{colour} band" points="{_join(band)}"/>'
        yield f'<path class="{colour}" d="M{_join(middle)}"/>'
        yield from (f'<circle class="{colour}" cx="{x}" cy="{y}" r="2.5"/>' for x, y in middle)
        yield _text(_LEFT + 84 * number, 40, name, colour)


def _find_step(highest: float) -> float:
    power: float = 10 ** math.floor(math.log10(highest))
    return next(step * power for step in (0.25, 0.5, 1, 2) if highest <= _MOST_STEPS * step * power)


def _join(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _spell(figure: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if figure >= size:
            return f"{figure / size:g}{letter}"
    return f"{figure:g}"


def _text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
