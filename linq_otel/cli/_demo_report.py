"""
What the demo shows: the picture, or one JSON document, and a verdict.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from linq_otel import _attributes as a

from ._waterfall import build_console, print_waterfall


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord

    from ._demo_story import DemoOptions, Story


def report_demo(options: DemoOptions, story: Story, out: IO[str]) -> int:
    """
    Print the story to *out*; returns 0 if every webhook was joined, else 1.
    """
    joined, not_joined = find_joins(story)
    is_good = bool(joined) and not not_joined
    if options.as_json:
        document = _document(options, story, joined, not_joined)
        out.write(json.dumps(document, indent=2) + "\n")
        return 0 if is_good else 1
    console = build_console(out)
    console.print(_headline(options, story), markup=False)
    console.print()
    print_waterfall(story.spans, console, otel_trace_id=story.told["otel_trace_id"])
    console.print()
    console.print(_verdict(joined, not_joined), markup=False)
    where = f"The {len(story.spans)} spans are in {options.output} (OTLP JSON lines)."
    console.print(where, markup=False, soft_wrap=True)
    return 0 if is_good else 1


def find_joins(story: Story) -> tuple[list[SpanRecord], list[SpanRecord]]:
    """
    Part the handlers' spans into those joined to the message's life and the others.

    A handler is joined if it runs in the trace of the anchor, or is linked to
    it. Deliveries that did not verify must not be joined, and do not count.
    """
    anchors = [span for span in story.spans if span.name == a.ANCHOR]
    traces = {span.otel_trace_id for span in anchors}
    joined: list[SpanRecord] = []
    others: list[SpanRecord] = []
    for span in story.spans:
        if span.attributes.get(a.MESSAGE_ID) != story.told.get("message_id"):
            continue
        if span.attributes.get(a.MESSAGING_OPERATION_NAME) == "process":
            linked = {link.otel_trace_id for link in span.links}
            is_joined = span.otel_trace_id in traces or bool(linked & traces)
            (joined if is_joined else others).append(span)
    return joined, others


def _headline(options: DemoOptions, story: Story) -> str:
    count: dict[str, int] = {}
    for event_type, _status in story.webhooks:
        count[event_type] = count.get(event_type, 0) + 1
    delivered = ", ".join(f"{n} x {name}" if n > 1 else name for name, n in count.items())
    sent = f"failed with {story.told['error']}" if "error" in story.told else "was accepted"
    return (
        f"Scenario {options.scenario}, join={options.join}: one chats.create {sent}; "
        f"then came {delivered or 'no webhook'}."
    )


def _verdict(joined: list[SpanRecord], not_joined: list[SpanRecord]) -> str:
    if not_joined:
        kinds = ", ".join(sorted({span.name for span in not_joined}))
        return f"Not joined: {kinds}."
    if not joined:
        return "No webhook of this message arrived, so there was nothing to join."
    return f"All {len(joined)} webhooks of this message are joined to the call that sent it."


def _document(
    options: DemoOptions, story: Story, joined: list[SpanRecord], not_joined: list[SpanRecord]
) -> dict[str, Any]:
    return {
        "scenario": options.scenario,
        "join": options.join,
        "message_id": story.told.get("message_id"),
        "otel_trace_id": story.told["otel_trace_id"],
        "webhooks": [{"event_type": kind, "status": status} for kind, status in story.webhooks],
        "joined": len(joined),
        "not_joined": len(not_joined),
        "spans": [asdict(span) for span in story.spans],
    }
