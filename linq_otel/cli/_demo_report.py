"""
What the demo shows: the picture, or one JSON document, and a verdict.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, Final

from linq_otel import _attributes as a
from linq_otel.doctor._words import number

from ._demo_story import SENDER, STORES
from ._waterfall import build_console, print_waterfall


if TYPE_CHECKING:
    from collections.abc import Iterator

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
    console.print()
    print_waterfall(story.spans, console, otel_trace_id=story.told["otel_trace_id"])
    console.print()
    for line in _verdict(options, story, joined, not_joined):
        console.print(line, markup=False, soft_wrap=True)
    spans = "The span is" if len(story.spans) == 1 else f"The {len(story.spans)} spans are"
    where = f"{spans} in {options.output} (OTLP JSON lines)."
    console.print(where, markup=False, soft_wrap=True)
    return 0 if is_good else 1


def find_joins(story: Story) -> tuple[list[SpanRecord], list[SpanRecord]]:
    """
    Part the handlers' spans into those joined to the message's lifecycle and the others.

    A handler is joined if it runs in the trace of the lifecycle that the sender began, or is linked
    to it. Deliveries that did not verify must not be joined, and do not count.
    """
    anchors = [
        span for span in story.spans if span.name == a.ANCHOR and span.service_name == SENDER
    ]
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


def describe(options: DemoOptions) -> str:
    """
    Say what will be shown: the scenario, and which store and join are in force.
    """
    return (
        f"Scenario {options.scenario}.\n"
        f"Store: {options.store} ({STORES[options.store]}).\n"
        f"Join: {options.join} ({_JOINS[options.join]})."
    )


_JOINS: Final = {
    "linq": "the lifecycle is in the trace of Linq's trace id",
    "app": "the lifecycle is in the trace of the span that sent the message",
    "message": "the lifecycle is in a trace derived from the message's id",
    "link": "as linq, and each webhook stays in its own trace, with links",
}


def _verdict(
    options: DemoOptions, story: Story, joined: list[SpanRecord], not_joined: list[SpanRecord]
) -> Iterator[str]:
    forged = sum(
        span.attributes.get(a.VERIFIED) is False and span.kind == "CONSUMER" for span in story.spans
    )
    if forged:
        yield f"{number(forged, 'webhook')} did not verify, and joined nothing."
    if "error" in story.told:
        yield f"The call raised {story.told['error']}."
    if not_joined:
        kinds = ", ".join(sorted({span.name for span in not_joined}))
        yield f"Not joined to the call that sent the message: {kinds}."
        if options.store == "none":
            yield (
                "The receiver cannot find what the sender kept. With a store that both share, "
                "--store shared, it joins them."
            )
    elif not joined:
        yield "No webhook of this message arrived, so there was nothing to join."
    elif len(joined) == 1:
        yield "The one webhook of this message is joined to the call that sent it."
    else:
        every = "Both" if len(joined) == 2 else f"All {len(joined)}"  # noqa: PLR2004
        yield f"{every} webhooks of this message are joined to the call that sent it."


def _document(
    options: DemoOptions, story: Story, joined: list[SpanRecord], not_joined: list[SpanRecord]
) -> dict[str, Any]:
    return {
        "scenario": options.scenario,
        "join": options.join,
        "store": options.store,
        "message_id": story.told.get("message_id"),
        "otel_trace_id": story.told["otel_trace_id"],
        "webhooks": [{"event_type": kind, "status": status} for kind, status in story.webhooks],
        "joined": len(joined),
        "not_joined": len(not_joined),
        "spans": [asdict(span) for span in story.spans],
    }
