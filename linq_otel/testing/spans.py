"""
Asserting that all of a message is one joined trace, in a test suite of one's own.

::

    with open_spans() as spans:
        place_order()
        assert_one_trace(spans.of_message(message_id))

The fixtures of :mod:`linq_otel.testing.pytest_plugin` and :mod:`linq_otel.testing.kit` stand on
this. It needs the OpenTelemetry SDK; the simulator beside it needs none.
"""

from __future__ import annotations

from linq_otel.testing._spans._asserting import assert_one_trace, draw_spans
from linq_otel.testing._spans._collected import LinqSpans
from linq_otel.testing._spans._counted_ids import CountedIds
from linq_otel.testing._spans._opening import find_provider, open_ids, open_spans
from linq_otel.testing._spans._outlines import SpanOutline, parse_outline


__all__ = [
    "CountedIds",
    "LinqSpans",
    "SpanOutline",
    "assert_one_trace",
    "draw_spans",
    "find_provider",
    "open_ids",
    "open_spans",
    "parse_outline",
]
