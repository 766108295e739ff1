"""
Span records made by hand, in milliseconds.
"""

from __future__ import annotations

from linq_otel._otlp_json import LinkRecord, SpanRecord


START = 1_790_000_000_000_000_000
MS = 1_000_000
TRACE = "1" * 32


def record(
    name: str,
    start: float,
    end: float,
    *,
    span_id: str | None = None,
    parent: str | None = None,
    trace: str = TRACE,
    kind: str = "INTERNAL",
    links: tuple[tuple[str, str, str], ...] = (),
    status: str = "UNSET",
    service: str = "shop",
) -> SpanRecord:
    """
    Return a span from *start* to *end* milliseconds; links are (trace, span, meaning).
    """
    return SpanRecord(
        otel_trace_id=trace,
        span_id=span_id or f"{abs(hash((name, start))) % 16**16:016x}",
        parent_span_id=parent,
        name=name,
        kind=kind,
        start_ns=START + int(start * MS),
        end_ns=START + int(end * MS),
        attributes={},
        links=tuple(LinkRecord(t, s, {"linq.link": meaning}) for t, s, meaning in links),
        status=status,
        service_name=service,
        scope_name="linq_otel",
    )


LIFE = "2" * 32
HOOK = "3" * 32
# One message: sent in 20 ms, read three hours later.
MESSAGE = (
    record("POST /orders", 0, 30, span_id="a" * 16, kind="SERVER"),
    record(
        "linq chats.create",
        2,
        22,
        span_id="b" * 16,
        parent="a" * 16,
        kind="PRODUCER",
        links=((LIFE, "c" * 16, "lifecycle"),),
    ),
    record("linq message", 2, 2, span_id="c" * 16, trace=LIFE, links=((TRACE, "b" * 16, "send"),)),
    record("message read", 22, 10_800_000, span_id="d" * 16, parent="c" * 16, trace=LIFE),
    record(
        "process message.read",
        10_800_010,
        10_800_020,
        span_id="e" * 16,
        parent="c" * 16,
        trace=LIFE,
        kind="CONSUMER",
        status="ERROR",
        service="hooks",
        links=((HOOK, "f" * 16, "webhook"),),
    ),
    record(
        "POST /hooks",
        10_800_005,
        10_800_025,
        span_id="f" * 16,
        trace=HOOK,
        kind="SERVER",
        service="hooks",
    ),
)
