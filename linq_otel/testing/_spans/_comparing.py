"""
Two outlines side by side, and what differs.

Siblings may come in any order: which of two threads ends first is not what a test is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from linq_otel.testing._spans._outlines import REST, SpanOutline, draw_outline, spell_span


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


SAME, MISSING, EXTRA, OTHER = " ", "-", "+", "!"


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of the picture: what was expected, a mark, and what there is.
    """

    expected: str
    mark: str
    actual: str


def compare_outlines(
    expected: Sequence[SpanOutline], actual: Sequence[SpanOutline], depth: int = 0
) -> Iterator[Line]:
    """
    Draw both, each span beside its like.
    """
    pairs = _pair(expected, actual)
    for at, wanted in enumerate(expected):
        if at in pairs:
            yield from _compare(wanted, actual[pairs[at]], depth)
        elif wanted.name != REST:
            yield from (Line(text, MISSING, "") for text in draw_outline(wanted, depth))
    rest = Line("  " * depth + REST, SAME, "") if _has_rest(expected) else Line("", EXTRA, "")
    for at, there in enumerate(actual):
        if at not in pairs.values():
            yield from (replace(rest, actual=text) for text in draw_outline(there, depth))


def draw_lines(lines: Sequence[Line]) -> str:
    """
    Lay the picture out in two columns, the marks between them.
    """
    width = max(len("expected"), *(len(line.expected) for line in lines))
    rows = [Line("expected", " ", "actual"), Line("-" * width, " ", "-" * width), *lines]
    drawn = (f"{row.expected:<{width}} {row.mark} {row.actual}".rstrip() for row in rows)
    return "\n".join(drawn)


def _compare(wanted: SpanOutline, there: SpanOutline, depth: int) -> Iterator[Line]:
    indent = "  " * depth
    shown = _restrict(there, wanted)
    mark = SAME if _is_alike(wanted, there) else OTHER
    yield Line(indent + spell_span(wanted), mark, indent + spell_span(shown))
    yield from compare_outlines(wanted.children, there.children, depth + 1)


def _restrict(there: SpanOutline, wanted: SpanOutline) -> SpanOutline:
    """
    Keep of a span what was said about it, so that equal lines look equal.
    """
    attributes = there.attributes or {}
    return SpanOutline(
        name=there.name,
        kind=None if wanted.kind is None else there.kind,
        status=there.status if wanted.status not in {None, "UNSET"} or _differs(wanted, there)
        else None,
        links=None if wanted.links is None else there.links,
        attributes={key: attributes[key] for key in wanted.attributes or () if key in attributes},
        is_torn=there.is_torn and wanted.is_torn,
    )  # fmt: skip


def _differs(wanted: SpanOutline, there: SpanOutline) -> bool:
    return wanted.status is not None and wanted.status != there.status


def _is_alike(wanted: SpanOutline, there: SpanOutline) -> bool:
    """
    Whether a span is as expected, whatever hangs under it.
    """
    has = there.attributes or {}
    return (
        wanted.name == there.name
        and wanted.kind in {None, there.kind}
        and wanted.status in {None, there.status}
        and (wanted.links is None or sorted(wanted.links) == sorted(there.links or ()))
        and all(key in has and _says(has[key], value) for key, value in _asked(wanted))
    )


def _asked(wanted: SpanOutline) -> list[tuple[str, Any]]:
    return list((wanted.attributes or {}).items())


def _says(there: object, wanted: object) -> bool:
    # An outline that was written as text knows no types.
    return there == wanted or (isinstance(wanted, str) and str(there) == wanted)


def _is_same_tree(wanted: SpanOutline, there: SpanOutline) -> bool:
    if not _is_alike(wanted, there):
        return False
    children = [child for child in wanted.children if child.name != REST]
    pairs = _match(children, there.children, _is_same_tree)
    is_all = len(pairs) == len(there.children) or _has_rest(wanted.children)
    return len(pairs) == len(children) and is_all


def _has_rest(expected: Sequence[SpanOutline]) -> bool:
    return any(wanted.name == REST for wanted in expected)


def _is_namesake(wanted: SpanOutline, there: SpanOutline) -> bool:
    return wanted.name == there.name


def _pair(expected: Sequence[SpanOutline], actual: Sequence[SpanOutline]) -> dict[int, int]:
    """
    Find each expected span's like: the same tree, else the same span, else the same name.
    """
    pairs: dict[int, int] = {}
    for is_like in (_is_same_tree, _is_alike, _is_namesake):
        wanted = [at for at in range(len(expected)) if at not in pairs]
        there = [at for at in range(len(actual)) if at not in pairs.values()]
        found = _match([expected[at] for at in wanted], [actual[at] for at in there], is_like)
        pairs |= {wanted[e]: there[a] for e, a in found.items()}
    return pairs


def _match(
    expected: Sequence[SpanOutline],
    actual: Sequence[SpanOutline],
    is_like: Callable[[SpanOutline, SpanOutline], bool],
) -> dict[int, int]:
    """
    Pair as many as possible, each at most once (augmenting paths).
    """
    taken: dict[int, int] = {}

    def find(wanted: int, tried: set[int]) -> bool:
        for there in range(len(actual)):
            if there in tried or not is_like(expected[wanted], actual[there]):
                continue
            tried.add(there)
            if there not in taken or find(taken[there], tried):
                taken[there] = wanted
                return True
        return False

    for wanted in range(len(expected)):
        find(wanted, set())
    return {wanted: there for there, wanted in taken.items()}
