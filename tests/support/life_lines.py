"""
Lives of messages as OTLP JSON lines: made up, of any length, and the same every time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


MS = 1_000_000
SECOND = 1_000 * MS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
SENT = (("sent", 698 * MS),)
DELIVERED = (*SENT, ("delivered", 900 * MS))
READ = (*DELIVERED, ("read", 3 * HOUR))
FAILED = (*SENT, ("failed", 1_600 * MS))
_NONE: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """
    A span's ids.
    """

    otel_trace_id: str
    span_id: str


def make_id(*parts: object, digits: int = 32) -> str:
    """
    Return the same id for the same *parts*.
    """
    return sha256(repr(parts).encode()).hexdigest()[:digits]


def make_uuid(*parts: object) -> str:
    """
    Return an id as Linq writes them.
    """
    it = make_id(*parts)
    return f"{it[:8]}-{it[8:12]}-{it[12:16]}-{it[16:20]}-{it[20:]}"


def place(number: int, trace: str, span: str) -> Place:
    """
    Return the ids of a span of life *number*.
    """
    return Place(make_id(number, trace), make_id(number, trace, span, digits=16))


def write_value(value: object) -> dict[str, object]:
    """
    Return an attribute's value as OTLP has it.
    """
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [write_value(each) for each in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def write_attributes(attributes: Mapping[str, object]) -> list[dict[str, object]]:
    """
    Return attributes as OTLP has them.
    """
    return [{"key": key, "value": write_value(value)} for key, value in attributes.items()]


def write_span(
    service: str,
    at: Place,
    name: str,
    times: tuple[int, int],
    *,
    parent: Place | None = None,
    kind: int = INTERNAL,
    links: Sequence[tuple[Place, str]] = (),
    failed: bool = False,
    attributes: Mapping[str, object] = _NONE,
) -> str:
    """
    Return one span as a line.
    """
    span = {
        "traceId": at.otel_trace_id,
        "spanId": at.span_id,
        "parentSpanId": parent.span_id if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(times[0]),
        "endTimeUnixNano": str(times[1]),
        "attributes": write_attributes(attributes),
        "links": [
            {
                "traceId": to.otel_trace_id,
                "spanId": to.span_id,
                "attributes": write_attributes({"linq.link": what}),
            }
            for to, what in links
        ],
        "status": {"code": 2 if failed else 0},
    }
    resource = {"attributes": write_attributes({"service.name": service})}
    scoped = [{"scope": {"name": "linq_otel"}, "spans": [span]}]
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]})


def write_life(
    number: int,
    start_ns: int,
    stages: Sequence[tuple[str, int]] = READ,
    *,
    operation: str = "chats.messages.send",
    protocol: str = "iMessage",
) -> Iterator[str]:
    """
    Write all traces of a message's life, the stages and their waits as given.
    """
    message = {
        "linq.message.id": make_uuid(number, "message"),
        "linq.chat.id": make_uuid(number // 3, "chat"),
        "linq.trace_id": make_id(number, "life"),
    }
    sending, anchor = place(number, "sending", "send"), place(number, "life", "anchor")
    yield from _write_sending(number, start_ns, operation, message)
    yield write_span(
        "shop",
        anchor,
        "linq message",
        (start_ns, start_ns),
        links=[(sending, "send")],
        attributes={"linq.operation": operation, **message},
    )
    at = start_ns + 6 * MS
    yield _write_stage(number, "accepted", (start_ns, at), message)
    for stage, wait in stages:
        told: dict[str, object] = {**message, "linq.service": protocol}
        if stage == "failed":
            told["linq.error.code"] = 4001
        yield _write_stage(number, stage, (at, at + wait), told)
        at += wait
        yield from _write_delivery(number, stage, at, message)


def _write_sending(
    number: int, start_ns: int, operation: str, message: Mapping[str, str]
) -> Iterator[str]:
    request, sending, wire = (place(number, "sending", it) for it in ("request", "send", "wire"))
    times = (start_ns - 2 * MS, start_ns + 28 * MS)
    yield write_span("shop", request, "POST /orders", times, kind=SERVER)
    yield write_span(
        "shop",
        sending,
        f"linq {operation}",
        (start_ns, start_ns + 7 * MS),
        parent=request,
        kind=PRODUCER,
        links=[(place(number, "life", "anchor"), "lifecycle")],
        attributes={
            "linq.operation": operation,
            "messaging.system": "linq",
            "messaging.operation.name": "send",
            **message,
        },
    )
    yield write_span(
        "shop",
        wire,
        "POST /v3/chats/{chat_id}/messages",
        (start_ns + 1 * MS, start_ns + 6 * MS),
        parent=sending,
        kind=CLIENT,
        attributes={"http.response.status_code": 202, "server.address": "api.linqapp.com"},
    )


def _write_stage(
    number: int, stage: str, times: tuple[int, int], attributes: Mapping[str, object]
) -> str:
    return write_span(
        "shop" if stage == "accepted" else "notifications",
        place(number, "life", stage),
        f"message {stage}",
        times,
        parent=place(number, "life", "anchor"),
        failed=stage == "failed",
        attributes={"linq.stage": stage, **attributes},
    )


def _write_delivery(
    number: int, stage: str, at: int, message: Mapping[str, object]
) -> Iterator[str]:
    process, update = (place(number, "life", f"{it} {stage}") for it in ("process", "update"))
    webhook = place(number, f"webhook {stage}", "webhook")
    name = "notifications"
    yield write_span(
        name,
        process,
        f"process message.{stage}",
        (at + 8 * MS, at + 11 * MS),
        parent=place(number, "life", "anchor"),
        kind=CONSUMER,
        links=[(place(number, "sending", "send"), "send"), (webhook, "webhook")],
        attributes={
            "linq.event.type": f"message.{stage}",
            "messaging.operation.name": "process",
            **message,
        },
    )
    times = (at + 9 * MS, at + 10 * MS)
    yield write_span(name, update, "update order", times, parent=process)
    yield write_span(
        name,
        webhook,
        "POST /webhooks/linq",
        (at + 7 * MS, at + 12 * MS),
        kind=SERVER,
        links=[(process, "process")],
    )


def write_split_life(number: int, start_ns: int) -> list[str]:
    """
    Write a life of which no link leads from the sender's half to that of a webhook receiver.
    """
    lost = make_id(number, "lost half")
    at = start_ns + SECOND
    facts: dict[str, object] = {
        "linq.message.id": make_uuid(number, "message"),
        "linq.trace_id": lost,
        "linq.service": "iMessage",
    }
    heard = {
        "linq.event.type": "message.delivered",
        "linq.origin": "none",
        "messaging.operation.name": "process",
    }
    stage = Place(lost, make_id(number, "lost stage", digits=16))
    process = Place(lost, make_id(number, "lost process", digits=16))
    return [
        *write_life(number, start_ns, ()),
        write_span(
            "notifications",
            stage,
            "message delivered",
            (at, at + SECOND),
            attributes={"linq.stage": "delivered", **facts},
        ),
        write_span(
            "notifications",
            process,
            "process message.delivered",
            (at + SECOND, at + SECOND + 3 * MS),
            kind=CONSUMER,
            attributes={**heard, **facts},
        ),
    ]


def write_arrival(number: int, start_ns: int) -> str:
    """
    Write a message that came to us, as one span.
    """
    return write_span(
        "notifications",
        place(number, "life", "arrival"),
        "process message.received",
        (start_ns, start_ns + 40 * MS),
        kind=CONSUMER,
        attributes={
            "messaging.operation.name": "process",
            "linq.event.type": "message.received",
            "linq.message.id": make_uuid(number, "message"),
            "linq.service": "RCS",
        },
    )


def write_short_life(number: int, start_ns: int, stage: str = "delivered") -> str:
    """
    Write a life as one span, for lists of very many.
    """
    return write_span(
        "shop",
        place(number, "life", stage),
        f"message {stage}",
        (start_ns, start_ns + SECOND),
        attributes={
            "linq.stage": stage,
            "linq.message.id": make_uuid(number, "message"),
            "linq.operation": "chats.messages.send",
        },
    )
