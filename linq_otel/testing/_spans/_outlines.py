"""
Spans as an outline a person can write: one line each, indented under its parent.

::

    place order [INTERNAL]
      linq chats.create [PRODUCER] -> lifecycle: linq message
        POST /v3/chats [CLIENT]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linq_otel.testing._spans._facts import Key, SpanFacts


REST = "..."
"""Stands, among expected spans, for any others beside them."""
ELSEWHERE = "elsewhere"
"""The target of a link that leads to no span of these."""
_TORN = " (parent not here)"
_LINE = re.compile(
    r"(?P<name>\S.*?)"
    r"(?: \[(?P<kind>INTERNAL|SERVER|CLIENT|PRODUCER|CONSUMER)\])?"
    r"(?: !(?P<status>ERROR|OK|UNSET))?"
    r"(?: \((?P<attributes>[^\s=()]+=.*)\))?"
    r"(?: -> (?P<links>.+))?"
)


@dataclass(frozen=True, slots=True)
class SpanOutline:
    """
    What is expected of one span; ``None`` stands for whatever it is.

    Attributes:
        name: Its name.
        children: What hangs under it, in any order; one named ``...`` allows for others.
        kind: ``INTERNAL``, ``SERVER``, ``CLIENT``, ``PRODUCER`` or ``CONSUMER``.
        status: ``UNSET``, ``OK`` or ``ERROR``.
        links: ``meaning: name of the target`` for each link, in any order. ``elsewhere`` is the
            name of a target that is not among the spans.
        attributes: Those it must have; it may have others.
        is_torn: Whether it has a parent that is not among the spans. Drawn, but not compared.
    """

    name: str
    children: tuple[SpanOutline, ...] = ()
    kind: str | None = None
    status: str | None = None
    links: tuple[str, ...] | None = None
    attributes: Mapping[str, Any] | None = None
    is_torn: bool = False


def outline_spans(
    spans: Sequence[SpanFacts], attributes: Iterable[str] = ()
) -> tuple[SpanOutline, ...]:
    """
    Outline what has happened; roots of one trace stand together.

    Args:
        spans: In order of their start.
        attributes: The keys of those to show, where a span has them.
    """
    names = {span.key: span.name for span in spans}
    children: dict[Key | None, list[SpanFacts]] = {}
    for span in spans:
        children.setdefault(span.parent if span.parent in names else None, []).append(span)
    order = {otel_trace_id: at for at, otel_trace_id in enumerate(_traces(spans))}
    roots = sorted(children.get(None, ()), key=lambda span: order[span.key[0]])
    keys = tuple(attributes)

    def outline(span: SpanFacts) -> SpanOutline:
        links = (_label(meaning, names.get(target)) for meaning, target in span.links)
        return SpanOutline(
            name=span.name,
            children=tuple(map(outline, children.get(span.key, ()))),
            kind=span.kind,
            status=span.status,
            links=tuple(sorted(links)),
            attributes={key: span.attributes[key] for key in keys if key in span.attributes},
            is_torn=span.parent is not None and span.parent not in names,
        )

    return tuple(map(outline, roots))


def parse_outline(text: str) -> tuple[SpanOutline, ...]:
    """
    Read an outline as it is drawn; what a line leaves out may be anything.

    Raises:
        ValueError: A line is indented under none.
    """
    lines = [line.replace("\t", "    ") for line in dedent(text).splitlines() if line.strip()]
    rows = [(len(line) - len(line.lstrip()), line.strip()) for line in lines]
    outlines, rest = _nest(rows, 0)
    if rest:
        raise ValueError(f"this line is indented less than those before it: {rest[0][1]!r}")
    return outlines


def draw_outline(outline: SpanOutline, depth: int = 0) -> Iterator[str]:
    """
    Draw one span and what hangs under it.
    """
    yield "  " * depth + spell_span(outline)
    for child in outline.children:
        yield from draw_outline(child, depth + 1)


def spell_span(outline: SpanOutline) -> str:
    """
    Write one span as one line, without its children.
    """
    parts = [outline.name]
    if outline.kind is not None:
        parts.append(f"[{outline.kind}]")
    if outline.status not in {None, "UNSET"}:
        parts.append(f"!{outline.status}")
    if outline.attributes:
        pairs = (f"{key}={value}" for key, value in outline.attributes.items())
        parts.append(f"({', '.join(pairs)})")
    if outline.links:
        parts.append(f"-> {', '.join(outline.links)}")
    return " ".join(parts) + (_TORN if outline.is_torn else "")


def attribute_keys(outlines: Iterable[SpanOutline]) -> dict[str, None]:
    """
    Return every attribute that is asked for, each once.
    """
    keys: dict[str, None] = {}
    for outline in outlines:
        keys |= dict.fromkeys(outline.attributes or ())
        keys |= attribute_keys(outline.children)
    return keys


def _traces(spans: Sequence[SpanFacts]) -> dict[int, None]:
    return dict.fromkeys(span.key[0] for span in spans)


def _label(meaning: str, name: str | None) -> str:
    target = ELSEWHERE if name is None else name
    return f"{meaning}: {target}" if meaning else target


def _nest(
    rows: list[tuple[int, str]], least: int
) -> tuple[tuple[SpanOutline, ...], list[tuple[int, str]]]:
    """
    Read the rows indented alike, each with those indented more under it.
    """
    found: list[SpanOutline] = []
    level = rows[0][0] if rows else 0
    while rows and rows[0][0] == level >= least:
        outline, rows = _parse_line(rows[0][1]), rows[1:]
        children, rows = _nest(rows, level + 1)
        found.append(replace(outline, children=children))
    return tuple(found), rows


def _parse_line(line: str) -> SpanOutline:
    match = _LINE.fullmatch(line.removesuffix(_TORN))
    if match is None:
        return SpanOutline(line)
    attributes, links = match["attributes"], match["links"]
    pairs = (pair.partition("=") for pair in attributes.split(", ")) if attributes else ()
    return SpanOutline(
        name=match["name"],
        kind=match["kind"],
        status=match["status"],
        links=tuple(sorted(links.split(", "))) if links else None,
        attributes={key: value for key, _, value in pairs} or None,
    )
