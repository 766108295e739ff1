"""
The table of a run: what was injected, what was found, and every deviation with its spans.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from chaos.injected import count_injected


if TYPE_CHECKING:
    from rich.console import Console

    from chaos.case import Case
    from chaos.findings import Deviation, Findings


_SHOWN = 5
_SPANS_SHOWN = 12


def print_report(console: Console, case: Case, findings: Findings) -> None:
    """
    Print the table of one run, and its deviations after it.
    """
    console.print(_build_table(case, findings))
    by_promise = sorted(findings.deviations, key=lambda deviation: deviation.promise)
    for promise, deviations in groupby(by_promise, key=lambda deviation: deviation.promise):
        all_of_it = list(deviations)
        console.print(Text(f"\nBroken {len(all_of_it)} times: {promise}", style="bold red"))
        for deviation in all_of_it[:_SHOWN]:
            _print_deviation(console, case, deviation)


def _build_table(case: Case, findings: Findings) -> Table:
    settings, evidence = case.evidence.settings, case.evidence
    seconds = round(evidence.ended - evidence.began)
    what = f"store {settings.store}, join {settings.join}, seed {settings.seed}"
    size = f"{len(evidence.accepted)} messages, {len(case.spans)} spans, {seconds} s"
    table = Table(title=f"{what}: {size}", title_justify="left")
    table.add_column("")
    table.add_column("times", justify="right")
    for name, times in sorted(count_injected(case).items()):
        table.add_row(name, str(times))
    table.add_section()
    for rule, messages in sorted(findings.excused.items(), key=lambda item: item[0].name):
        table.add_row(f"messages excused: {rule.value}", str(len(messages)), style="yellow")
    table.add_section()
    broken = [deviation.promise for deviation in findings.deviations]
    for promise in sorted({*findings.kept, *broken}):
        times = broken.count(promise)
        verdict = f"{findings.kept.get(promise, 0)}" + (f", broken {times}" if times else "")
        table.add_row(promise, verdict, style="red" if times else "green")
    return table


def _print_deviation(console: Console, case: Case, deviation: Deviation) -> None:
    lines = [f"- {deviation.text}"]
    message = deviation.message
    if message is not None:
        order = message.planned.order
        lines += [
            f"  message {message.accepted.message_id}, trace id {message.accepted.linq_trace_id}",
            f"  order {order.number}, sent by {order.library} with key {order.key}",
            f"  it should be in {message.home}; {message.planned.scenario}",
        ]
        if message.outcome is not None:
            lines.append(f"  called {message.outcome.began:.3f} to {message.outcome.ended:.3f} s")
        lines += [
            f"  {told.event_type} {told.linq_trace_id} came to {f.run} at {f.began:.3f} s, "
            f"answered {f.status} at {f.ended:.3f} s"
            for told in message.told.values()
            for f in told.forwards
        ]
    lines += [
        f"    {one.span.name} of {one.run} at {case.moment(one.run, one.span.start_ns):.3f} s: "
        f"trace {one.span.otel_trace_id} span {one.span.span_id} under {one.span.parent_span_id}, "
        f"origin {one.span.attributes.get('linq.origin')}"
        for one in deviation.arrivals[:_SPANS_SHOWN]
    ]
    lines += [
        f"  store away {outage.began:.3f} to {outage.ended:.3f} s ({outage.kind})"
        for outage in case.evidence.outages
    ]
    console.print(Text("\n".join(lines)))
