# ruff: noqa: INP001  # A part of scripts.
"""
Draws recorded spans as a picture that stands by itself: SVG, light and dark, no fonts and no links.

The plan is the terminal's own (:mod:`linq_otel.stories`): the same rows, the same folded axis. What
a terminal cannot show is drawn here, the links, as arrows beside the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from linq_otel.stories import join_traces
from linq_otel.stories._axis import INSTANT_NS, fold_waits, spell_duration


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories import Group, Row, Story
    from linq_otel.stories._axis import Axis


_ROW = 20
_COLUMN = 6
_COLUMNS = 72
_NAMES = 300
_BARS = _COLUMN * _COLUMNS
_DURATIONS = 70
_LINKS = 120
_WIDTH = _NAMES + _BARS + _DURATIONS + _LINKS
_EDGE = 12
_SERVICES = ("a", "b", "c", "d")
_KINDS = {"SERVER": "←", "CLIENT": "→", "PRODUCER": "»", "CONSUMER": "«"}
_STYLE = """\
svg { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.sheet { fill: #ffffff; stroke: #d0d7de; } .panel { fill: #f3f5f8; }
text { fill: #1f2328; } .dim { fill: #656d76; } .head { font-weight: bold; }
.a { fill: #0b6bcb; } .b { fill: #8a3ffc; } .c { fill: #0f7b3f; } .d { fill: #b35900; }
.bad { fill: #cf222e; } .link { fill: none; stroke: #8c959f; } .tip { fill: #8c959f; }
.rule { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
.sheet { fill: #16191f; stroke: #30363d; } .panel { fill: #1f242c; }
text { fill: #e6edf3; } .dim { fill: #9aa4af; }
.a { fill: #6cb6ff; } .b { fill: #c8a2ff; } .c { fill: #6bd48f; } .d { fill: #f0a45d; }
.bad { fill: #ff7b72; } .link { stroke: #768390; } .tip { fill: #768390; }
.rule { stroke: #30363d; }
}"""


@dataclass(frozen=True, slots=True)
class _Sheet:
    axis: Axis
    services: dict[str, str]
    places: dict[tuple[str, str], int]


def draw(title: str, spans: Sequence[SpanRecord], heads: Sequence[str]) -> str:
    """
    Return the picture of one story.

    Args:
        title: What it shows, for whoever cannot see it.
        spans: The spans of the story.
        heads: What each of its traces is, from top to bottom; beyond them a trace has no name.
    """
    (story,) = join_traces(spans)
    sheet = _plan(story)
    last = max(sheet.places.values())
    lines = [*_draw_groups(story, sheet, heads), *_draw_axis(sheet.axis, last)]
    for row in story.rows:
        lines += _draw_row(row, sheet)
    lines += _draw_links(story, sheet)
    height = last + _ROW + _EDGE
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    named = f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>"
    edge = (
        f'<rect class="sheet" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, named, edge, *lines, "</svg>", ""])


def _plan(story: Story) -> _Sheet:
    names = dict.fromkeys(row.span.service_name for row in story.rows)
    services = dict(zip(names, _SERVICES, strict=False))
    places: dict[tuple[str, str], int] = {}
    lines = count(1)
    for group in story.groups:
        next(lines)  # Its heading.
        for row in group.rows:
            places[row.span.otel_trace_id, row.span.span_id] = 16 + _ROW * next(lines)
    return _Sheet(fold_waits(story.spans, _COLUMNS), services, places)


def _draw_axis(axis: Axis, last: int) -> Iterator[str]:
    start = axis.pieces[0].start_ns
    for piece in axis.pieces:
        x = _NAMES + piece.left * _COLUMN
        if piece.folded:
            middle = x + piece.width * _COLUMN // 2
            yield _text(middle, 18, piece.label, "dim", anchor="middle")
        else:
            yield f'<line class="rule" x1="{x}" x2="{x}" y1="24" y2="{last + 9}"/>'
            if piece.start_ns == start:
                yield _text(x, 18, "0", "dim")
    end = spell_duration(axis.pieces[-1].end_ns - start)
    yield _text(_NAMES + _BARS + _DURATIONS - 8, 18, end, "dim", anchor="end")


def _draw_groups(story: Story, sheet: _Sheet, heads: Sequence[str]) -> Iterator[str]:
    for number, group in enumerate(story.groups):
        top = _find_place(group.rows[0], sheet) - _ROW - 9
        height = _ROW * (len(group.rows) + 1) - 2
        box = f'x="6" y="{top}" width="{_WIDTH - 12}" height="{height}" rx="4"'
        yield f'<rect class="panel" {box}/>'
        yield _text(_EDGE, top + 13, heads[number] if number < len(heads) else "trace", "head")
        yield from _name_services(group, sheet, top + 13)


def _name_services(group: Group, sheet: _Sheet, y: int) -> Iterator[str]:
    for place, service in enumerate(group.service_names):
        yield _text(_NAMES + 90 * place, y, service, sheet.services[service])


def _draw_row(row: Row, sheet: _Sheet) -> Iterator[str]:
    span, y = row.span, _find_place(row, sheet)
    style = "bad" if span.status == "ERROR" else sheet.services[span.service_name]
    indent = _EDGE + 7 * len(row.guide)
    words = f"{_KINDS.get(span.kind, '·')} {span.name}"
    yield _text(indent, y + 4, words, style)
    columns = sheet.axis.find_columns(span)
    if span.end_ns - span.start_ns <= INSTANT_NS:
        x = _NAMES + columns[0] * _COLUMN
        points = f"{x},{y} {x + 5},{y - 5} {x + 10},{y} {x + 5},{y + 5}"
        yield f'<polygon class="{style}" points="{points}"/>'
    else:
        yield from _draw_bar(columns, sheet.axis, style, y)
    long = spell_duration(span.end_ns - span.start_ns)
    yield _text(_NAMES + _BARS + _DURATIONS - 8, y + 4, long, "dim", anchor="end")


def _draw_bar(columns: range, axis: Axis, style: str, y: int) -> Iterator[str]:
    for is_folded, stretch in groupby(columns, axis.is_folded):
        piece = list(stretch)
        x, width = _NAMES + piece[0] * _COLUMN, len(piece) * _COLUMN
        faint = ' fill-opacity="0.35"' if is_folded else ""
        yield f'<rect class="{style}" x="{x}" y="{y - 4}" width="{width}" height="8"{faint}/>'


def _draw_links(story: Story, sheet: _Sheet) -> Iterator[str]:
    drawn: dict[tuple[int, int], bool] = {}
    for span in story.spans:
        here = sheet.places[span.otel_trace_id, span.span_id]
        for link in span.links:
            there = sheet.places.get((link.otel_trace_id, link.span_id))
            if there is not None and (there, here) in drawn:
                drawn[there, here] = True
            elif there is not None:
                drawn[here, there] = False
    for (here, there), is_both in drawn.items():
        yield from _draw_link(here, there, is_both=is_both)


def _draw_link(here: int, there: int, *, is_both: bool) -> Iterator[str]:
    x = _NAMES + _BARS + _DURATIONS
    bulge = x + min(24 + abs(there - here) // 2, _LINKS - 24)
    yield f'<path class="link" d="M{x},{here} C{bulge},{here} {bulge},{there} {x + 5},{there}"/>'
    for y in (there, here) if is_both else (there,):
        yield f'<polygon class="tip" points="{x - 1},{y} {x + 7},{y - 4} {x + 7},{y + 4}"/>'


def _find_place(row: Row, sheet: _Sheet) -> int:
    return sheet.places[row.span.otel_trace_id, row.span.span_id]


def _text(x: int, y: int, words: str, style: str, anchor: str = "start") -> str:
    place = f'x="{x}" y="{y}" class="{style}"'
    return f'<text {place} text-anchor="{anchor}">{escape(words)}</text>'
