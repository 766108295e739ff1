"""
The joined traces as one picture in a terminal: who called whom, when, and where the hours went.

Lines are composed here, not by a table of ``rich``, because a trace's heading spans every column
and all traces of a story share one time axis.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any

from rich.cells import set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from linq_otel.stories._axis import INSTANT_NS, fold_waits, spell_duration
from linq_otel.stories._timeline import join_traces

from ._streams import escape, spell_line


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import ConsoleOptions, RenderableType

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories._axis import Axis
    from linq_otel.stories._timeline import Group, Row, Story


MOST_ROWS = 500
_MOST_LINKS = 4
_WIDTH_OF_FILES = 100
_NARROWEST_AXIS = 12
_DURATION = 9
_COLORS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta")
_KINDS = {
    "SERVER": ("←", "serves"),
    "CLIENT": ("→", "calls"),
    "PRODUCER": ("»", "sends"),
    "CONSUMER": ("«", "receives"),
    "INTERNAL": ("·", "inside"),
}
_ASCII = str.maketrans("←→»«·━┄◆─┊│├└↪✗…⋯µ", "<>}{.=~*-:||`^!~~u")


class _EscapingConsole(Console):
    """
    A console that adds colours of its own, and escapes control characters in all it prints.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Read *text*, escaped before the width of its column is measured."""
        return super().render_str(escape(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render *renderable* in segments of visible characters."""
        for segment in super().render(renderable, options):
            is_plain = segment.control or segment.text.isprintable()
            yield segment if is_plain else Segment(escape(segment.text), segment.style)


def build_console(file: IO[str] | None = None) -> Console:
    """
    Make the console of the terminal; a file or pipe gets plain text as wide as ``COLUMNS``, or 100.
    """
    target = file or sys.stdout
    is_sized = target.isatty() or "COLUMNS" in os.environ
    width = None if is_sized else _WIDTH_OF_FILES
    return _EscapingConsole(file=target, width=width, highlight=False, markup=False)


def print_waterfall(
    spans: Sequence[SpanRecord], console: Console, *, otel_trace_id: str | None = None
) -> None:
    """
    Draw every trace, those tied by links together on one time axis.

    Args:
        spans: What to draw, in any order.
        console: Where to; its width, encoding and colours are respected.
        otel_trace_id: The trace asked for, if one was: its story comes first.
    """
    for line in _draw(spans, console, otel_trace_id):
        line.rstrip()
        if console.options.ascii_only:
            line.plain = line.plain.translate(_ASCII)
        console.print(line, no_wrap=True, overflow="crop", crop=True)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """
    How wide the columns of one story are, and what its rows look up.
    """

    number: int
    name: int
    bars: int
    axis: Axis
    colors: Mapping[str, str]
    numbers: Mapping[tuple[str, str], int]


def _draw(
    spans: Sequence[SpanRecord], console: Console, otel_trace_id: str | None
) -> Iterator[Text]:
    if not spans:
        yield Text("No spans.")
        return
    left = MOST_ROWS
    for story in join_traces(spans, otel_trace_id):
        if left > 0:
            yield from _draw_story(story, _plan(story, console.width), left)
        left -= len(story.rows)
    if left < 0:
        yield Text(f"… {-left} more spans are not drawn", style="bold")
        yield Text()
    yield _explain(spans)


def _plan(story: Story, width: int) -> _Sheet:
    rows = story.rows
    numbers = {(row.span.otel_trace_id, row.span.span_id): row.number for row in rows}
    longest = max(_title(row, group).cell_len for group in story.groups for row in group.rows)
    links = max(len(_mention_links(row.span, numbers)) for row in rows)
    number = len(str(len(rows)))
    free = width - number - _DURATION - 2 * len("  ")
    name = max(min(longest, free * 45 // 100), 1)
    bars = max(free - name - min(links + 2 if links else 0, free * 22 // 100), _NARROWEST_AXIS)
    services = dict.fromkeys(row.span.service_name for row in rows)
    colors = {service: _COLORS[at % len(_COLORS)] for at, service in enumerate(services)}
    return _Sheet(number, name, bars, fold_waits(story.spans, bars), colors, numbers)


def _draw_story(story: Story, sheet: _Sheet, most: int) -> Iterator[Text]:
    yield _headline(story)
    margin = " " * (sheet.number + sheet.name + 2 * len("  ") - 1)
    yield Text(margin + _write_ticks(sheet.axis), style="dim")
    yield Text(margin + _write_rule(sheet.axis), style="dim")
    for group in story.groups:
        if group.rows[0].number <= most:
            yield _head_group(group, sheet)
        for row in group.rows:
            if row.number <= most:
                yield _draw_row(row, group, sheet)
    yield Text()


def _headline(story: Story) -> Text:
    traces = len(story.groups)
    axis_start = min(span.start_ns for span in story.spans)
    axis_end = max(max(span.start_ns, span.end_ns) for span in story.spans)
    since = datetime.fromtimestamp(axis_start // 1_000_000_000, tz=timezone.utc)
    unjoined = len(story.parts)
    joined = "joined by links" if unjoined == 1 else f"in {unjoined} parts that no link joins"
    parts = (
        f"{traces} traces {joined}" if traces > 1 else "1 trace",
        _count_spans(len(story.spans)),
        spell_duration(axis_end - axis_start),
        f"from {since:%Y-%m-%d %H:%M:%S} UTC",
    )
    return Text(" · ".join(parts), style="bold")


def _count_spans(number: int) -> str:
    return "1 span" if number == 1 else f"{number} spans"


def _write_ticks(axis: Axis) -> str:
    start_ns, end_ns = axis.pieces[0].start_ns, axis.pieces[-1].end_ns
    ticks = ""
    for piece in axis.pieces:
        if not piece.folded and len(ticks) <= piece.left:
            ticks = ticks.ljust(piece.left) + spell_duration(piece.start_ns - start_ns) + " "
    last = spell_duration(end_ns - start_ns)
    width = axis.pieces[-1].left + axis.pieces[-1].width
    return ticks.ljust(width - len(last)) + last if len(ticks) + len(last) <= width else ticks


def _write_rule(axis: Axis) -> str:
    return "".join(piece.label if piece.folded else "─" * piece.width for piece in axis.pieces)


def _head_group(group: Group, sheet: _Sheet) -> Text:
    text = Text(f"trace {group.otel_trace_id}", style="bold")
    for service in group.service_names:
        text.append(" · ").append(spell_line(service), style=sheet.colors[service])
    return text.append(f" · {_count_spans(len(group.rows))}")


def _draw_row(row: Row, group: Group, sheet: _Sheet) -> Text:
    style = _style(row.span, sheet)
    duration = spell_duration(row.span.end_ns - row.span.start_ns)
    text = Text(f"{row.number:>{sheet.number}} ", style="")
    text.append_text(_crop(_title(row, group, style), sheet.name)).append("  ")
    text.append_text(_draw_bar(row.span, sheet.axis, sheet.bars, style))
    text.append(f"{duration:>{_DURATION}}")
    return text.append("  " + _mention_links(row.span, sheet.numbers), style="dim")


def _style(span: SpanRecord, sheet: _Sheet) -> str:
    return "bold red" if span.status == "ERROR" else sheet.colors[span.service_name]


def _title(row: Row, group: Group, style: str = "") -> Text:
    span = row.span
    text = Text.assemble((row.guide, "dim"), (f"{_KINDS.get(span.kind, '·')[0]} ", "dim"))
    text.append("✗ " if span.status == "ERROR" else "").append(spell_line(span.name), style=style)
    if span.service_name != group.service_names[0]:
        text.append(f" [{spell_line(span.service_name)}]", style="dim")
    return text.append(f" {row.remark}" if row.remark else "", style="italic")


def _crop(text: Text, width: int) -> Text:
    if text.cell_len > width:
        text.plain = set_cell_size(text.plain, width - 1) + "…"
    text.pad_right(width - text.cell_len)
    return text


def _draw_bar(span: SpanRecord, axis: Axis, width: int, style: str) -> Text:
    columns = axis.find_columns(span)
    is_instant = span.end_ns - span.start_ns <= INSTANT_NS
    bar = "".join("┄" if axis.is_folded(column) else "━" for column in columns)
    text = Text(" " * columns[0]).append("◆" if is_instant else bar, style=style)
    text.pad_right(width - text.cell_len)
    return text


def _mention_links(span: SpanRecord, numbers: Mapping[tuple[str, str], int]) -> str:
    mentions: list[str] = []
    for link in span.links[:_MOST_LINKS]:
        number = numbers.get((link.otel_trace_id, link.span_id))
        target = f"{link.span_id[:6]}… not here" if number is None else str(number)
        kind = spell_line(link.attributes.get("linq.link", ""))
        mentions.append(f"{target} {kind}".rstrip())
    more = ["…"] if len(span.links) > _MOST_LINKS else []
    return f"↪ {', '.join(mentions + more)}" if mentions else ""


def _explain(spans: Sequence[SpanRecord]) -> Text:
    kinds = {span.kind for span in spans}
    parts = [f"{glyph} {meaning}" for kind, (glyph, meaning) in _KINDS.items() if kind in kinds]
    return Text("  ".join([*parts, "◆ a moment", "┄ wait, folded", "↪ links to row"]), style="dim")
