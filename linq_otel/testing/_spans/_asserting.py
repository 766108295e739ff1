"""
The assertion: everything about a message is one joined trace, and looks as expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel.testing._spans._comparing import SAME, compare_outlines, draw_lines
from linq_otel.testing._spans._facts import collect_facts
from linq_otel.testing._spans._joining import group_joined
from linq_otel.testing._spans._outlines import (
    SpanOutline,
    attribute_keys,
    draw_outline,
    outline_spans,
    parse_outline,
)


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel.testing._spans._facts import SpanFacts


Expected = str | SpanOutline | tuple[SpanOutline, ...] | list[SpanOutline]


def draw_spans(spans: Iterable[ReadableSpan], *, attributes: Iterable[str] = ()) -> str:
    """
    Draw spans as an outline, which :func:`assert_one_trace` takes as expectation.

    Args:
        spans: Finished ones.
        attributes: The keys of those to show.
    """
    return _draw(collect_facts(spans), tuple(attributes))


def assert_one_trace(
    spans: Iterable[ReadableSpan], expected: Expected | None = None, *, traces: int | None = None
) -> None:
    """
    Assert that the spans are one joined trace, and look as expected.

    Joined are spans of one OpenTelemetry trace, and those of several that links tie together, as a
    backend would walk them.

    Args:
        spans: Finished ones, such as ``linq_spans.of_message(message_id)``.
        expected: An outline, as text or as :class:`SpanOutline`; without one, only that the spans
            are joined. What a line leaves out may be anything, and siblings come in any order.
        traces: How many OpenTelemetry traces there must be, if that matters.

    Raises:
        AssertionError: They are not; the message draws both.
        ValueError: The outline cannot be read.
    """
    __tracebackhide__ = True
    facts = collect_facts(spans)
    if not facts:
        raise AssertionError("there are no spans at all")
    groups = group_joined(facts)
    if len(groups) > 1:
        raise AssertionError(_describe_groups(groups))
    found = len({span.key[0] for span in facts})
    if traces is not None and found != traces:
        told = f"there are {found} OpenTelemetry traces, not {traces}:"
        raise AssertionError(f"{told}\n\n{_draw(facts)}")
    if expected is not None:
        _compare(facts, expected)


def _compare(facts: Sequence[SpanFacts], expected: Expected) -> None:
    __tracebackhide__ = True
    wanted = _read(expected)
    actual = outline_spans(facts, attribute_keys(wanted))
    lines = list(compare_outlines(wanted, actual))
    differences = sum(line.mark != SAME for line in lines)
    if differences:
        noun = "1 line differs" if differences == 1 else f"{differences} lines differ"
        legend = "(- is missing, + was not expected, ! is another)"
        picture = draw_lines(lines)
        raise AssertionError(f"the trace is not as expected: {noun} {legend}\n\n{picture}")


def _read(expected: Expected) -> tuple[SpanOutline, ...]:
    if isinstance(expected, str):
        return parse_outline(expected)
    return (expected,) if isinstance(expected, SpanOutline) else tuple(expected)


def _describe_groups(groups: Sequence[Sequence[SpanFacts]]) -> str:
    parts = [f"the spans are not one trace, but {len(groups)} that nothing joins:"]
    parts += (_draw(group) for group in groups)
    return "\n\n".join(parts)


def _draw(facts: Sequence[SpanFacts], attributes: tuple[str, ...] = ()) -> str:
    outlines = outline_spans(facts, attributes)
    return "\n".join(line for outline in outlines for line in draw_outline(outline))
