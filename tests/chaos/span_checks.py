"""
What is promised of every span: its parent exists, and no stranger's word put it where it is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.excuses import may_be_lost


if TYPE_CHECKING:
    from chaos.arrivals import Arrival
    from chaos.case import Case
    from chaos.findings import Findings


ROOTED = "no span hangs from nothing"
WIRED = "each answered request is drawn once"
LINKED = "handlers and webhooks are linked"
UNFORGED = "no forged event joins anything"
VERIFIED = "what Linq signed is believed"


def check_spans(case: Case, findings: Findings) -> None:
    """
    Check what is true of spans one by one, once the lives are checked.
    """
    _check_parents(case, findings)
    _check_requests(case, findings)
    _check_links(case, findings)
    _check_forged(case, findings)


def _check_parents(case: Case, findings: Findings) -> None:
    for arrival in case.spans.values():
        span = arrival.span
        parent = (span.otel_trace_id, span.parent_span_id or "")
        if span.parent_span_id is None or parent in findings.places or _is_lost(case, arrival):
            continue
        text = f"{span.name} of {arrival.run} has no parent {span.parent_span_id}"
        findings.judge(ROOTED, parent in case.spans, text, None, (arrival,))


def _check_requests(case: Case, findings: Findings) -> None:
    drawn = Counter(
        arrival.span.attributes.get("linq.trace_id")
        for arrival in case.spans.values()
        if arrival.span.kind == "CLIENT"
    )
    for request in case.evidence.requests:
        if request.status is not None:
            text = (
                f"the request {request.linq_trace_id} is drawn {drawn[request.linq_trace_id]} times"
            )
            findings.judge(WIRED, drawn[request.linq_trace_id] == 1, text)


def _check_links(case: Case, findings: Findings) -> None:
    for arrival in case.spans.values():
        span = arrival.span
        if not span.name.startswith("process ") or _is_lost(case, arrival):
            continue
        back = [link for link in span.links if link.attributes.get("linq.link") == "webhook"]
        is_apart = (span.otel_trace_id, span.parent_span_id) not in case.webhooks
        may_be_apart = case.join != "link" or not is_apart
        found = [(link.otel_trace_id, link.span_id) in case.webhooks for link in back]
        text = f"{span.name} of {arrival.run} is linked to {found}"
        is_linked = found == [True] * is_apart and may_be_apart
        findings.judge(LINKED, is_linked, text, None, (arrival,))


def _check_forged(case: Case, findings: Findings) -> None:
    forwards = Counter(f.run for f in case.evidence.forwards if case.is_forged(f))
    drawn = Counter[str]()
    for arrival in case.spans.values():
        span = arrival.span
        if not span.name.startswith("process "):
            continue
        if span.attributes.get("linq.webhook.verified") is True:
            findings.kept[VERIFIED] += 1
            continue
        drawn[arrival.run] += 1
        is_apart = (span.otel_trace_id, span.parent_span_id) in case.webhooks or _is_lost(
            case, arrival
        )
        is_silent = not span.links and "linq.message.id" not in span.attributes
        text = f"{span.name} of {arrival.run} did not verify"
        findings.judge(UNFORGED, is_apart and is_silent, text, None, (arrival,))
    for run in case.hosts:
        if run not in case.hosts[run].killed:
            text = (
                f"{run} was told {forwards[run]} lies, and {drawn[run]} deliveries did not verify"
            )
            findings.judge(VERIFIED, drawn[run] == forwards[run], text)


def _is_lost(case: Case, arrival: Arrival) -> bool:
    """
    Answer whether what belongs to this span may have been lost with its process.
    """
    return may_be_lost(case, arrival.run, case.moment(arrival.run, arrival.span.end_ns))
