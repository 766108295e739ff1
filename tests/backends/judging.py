"""
Reads every play back from every backend, and says what differs from what was recorded.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson

from backends.comparing import Shape, find_shape
from backends.reading import READERS, Seen, read_jaeger_ui, read_jaeger_warnings, see
from linq_otel._otlp_json import read_spans


if TYPE_CHECKING:
    from collections.abc import Callable

    from backends.playing import Play
    from backends.running import Server
    from support.otlp_sinks import Sink


_SECONDS = 20.0
COLLECTOR = "collectors"


@dataclass(slots=True)
class Verdict:
    """
    What the backends have of one play.

    Attributes:
        shape: How its spans hang together, as recorded.
        missing: By backend, the spans it should have and has not.
        extra: By backend, the spans it has and should not, or has otherwise.
        repeated: By backend, the spans it has more than once, under one id, with other links.
        warnings: What Jaeger finds odd, by the span's name.
    """

    play: Play
    shape: Shape
    missing: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    extra: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    repeated: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    warnings: Counter[str] = field(default_factory=Counter[str])

    @property
    def is_one_story(self) -> bool:
        """
        True if the message is one story: no parent is missing, no link hangs in the air.
        """
        shape = self.shape
        return (shape.stories, shape.missing_parents, shape.dangling_links) == (1, 0, 0)


def judge(
    plays: list[Play], servers: list[Server], sinks: list[Sink]
) -> tuple[list[Verdict], float]:
    """
    Compare each play with what each backend has of it; also tell how long that took, in seconds.
    """
    begun = time.monotonic()
    verdicts: list[Verdict] = []
    for play in plays:
        recorded = {see(span) for span in play.spans}
        verdict = Verdict(play, find_shape(play, recorded))
        for server in servers:
            _compare_server(verdict, server, recorded)
        kept = _read_until(recorded, partial(_read_sinks, sinks, play))
        _compare(verdict, COLLECTOR, recorded, kept)
        verdicts.append(verdict)
    return verdicts, time.monotonic() - begun


def _compare_server(verdict: Verdict, server: Server, recorded: set[Seen]) -> None:
    traces = verdict.play.otel_trace_ids
    reader = READERS[server.name]
    wanted = recorded
    if reader is read_jaeger_ui:
        wanted = {span.without_labels() for span in recorded}
    found = _read_until(wanted, lambda: {span for t in traces for span in reader(server, t)})
    _compare(verdict, server.name, wanted, found)
    if server.name == "Jaeger":
        verdict.warnings.update(
            f"{name}: {re.sub(r'=[0-9a-f]+', '', re.split(r'[.:]| of -', text)[0])}"
            for trace in traces
            for name, text in read_jaeger_warnings(server, trace)
        )
        plain = {span.without_labels() for span in recorded}
        shown = {span for trace in traces for span in read_jaeger_ui(server, trace)}
        _compare(verdict, "Jaeger's page", plain, shown)


def _compare(verdict: Verdict, name: str, recorded: set[Seen], found: set[Seen]) -> None:
    known = {replace(span, links=frozenset()) for span in recorded}
    extra = found - recorded
    again = {span for span in extra if replace(span, links=frozenset()) in known}
    # One that has other links and is there once is another span, and not the same again.
    missing = recorded - found
    ids = {(span.otel_trace_id, span.span_id) for span in missing}
    again = {span for span in again if (span.otel_trace_id, span.span_id) not in ids}
    verdict.missing[name] = sorted(span.name for span in missing)
    verdict.extra[name] = sorted(span.name for span in extra - again)
    verdict.repeated[name] = sorted(span.name for span in again)


def _read_until(wanted: set[Seen], read: Callable[[], set[Seen]]) -> set[Seen]:
    """
    Read until all that is wanted is there, but no longer than 20 seconds.
    """
    deadline = time.monotonic() + _SECONDS
    found = read()
    while wanted - found and time.monotonic() < deadline:
        time.sleep(0.5)
        found = read()
    return found


def _read_sinks(sinks: list[Sink], play: Play) -> set[Seen]:
    traces = set(play.otel_trace_ids)
    lines = [
        MessageToJson(arrival.message, indent=None)
        for sink in sinks
        for arrival in list(sink.full)
        if traces & arrival.otel_trace_ids
    ]
    return {see(span) for span in read_spans(lines) if span.otel_trace_id in traces}
