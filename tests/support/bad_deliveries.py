"""
What a stranger may send: bodies, fields and headers that are wrong in every way there is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from support import payloads as p


MARK = "kiosk harbour seventeen"
"""Stands in every payload here, and must be in no log line and no span."""


@dataclass(frozen=True)
class Row:
    """
    One bad delivery.

    Attributes:
        name: What is bad.
        body: As it is sent.
        span: The span that counts it once it is signed, or None.
        headers: Replace those of its signature; None signs it.
        facts: Attributes of that span that must be there with these values.
    """

    name: str
    body: bytes
    span: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def headers_signed(self) -> list[tuple[str, str]]:
        """
        Return its headers, signed unless it has others.
        """
        if self.headers is not None:
            return list(self.headers)
        return list(p.headers_of(self.body).items())


def changed(event_type: Any = "message.sent", **fields: Any) -> bytes:
    """
    Return an event with fields of its envelope replaced.
    """
    is_failure = event_type == "message.failed"
    content = p.data_of("message.failed" if is_failure else "message.sent")
    payload = p.envelope(event_type, {**content, "note": MARK}) | fields
    return json.dumps(payload).encode()


def without(*fields: str) -> bytes:
    """
    Return an event without some fields of its envelope.
    """
    payload = json.loads(changed())
    return json.dumps({k: v for k, v in payload.items() if k not in fields}).encode()


def data(event_type: str = "message.sent", **fields: Any) -> bytes:
    """
    Return an event with fields of its data replaced.
    """
    return changed(event_type, data={**p.data_of(event_type), "note": MARK, **fields})


def raw(text: str) -> bytes:
    """
    Return JSON as it stands, with an event type in it.
    """
    return f'{{"event_type": "message.sent", "note": "{MARK}", {text}}}'.encode()


SENT = "process message.sent"


LONG = "a" * 10_000


NUMBERS = {"id": 1, "chat": 2, "direction": 3, "service": 4, "sent_at": 5, "idempotency_key": 6}


NESTED = {"note": MARK, "deep": None}


BODIES = [
    Row("empty", b""),
    Row("one space", b" "),
    Row("not JSON", f"<html>{MARK}</html>".encode()),
    Row("half JSON", changed()[:-20]),
    Row("JSON twice", changed() + changed()),
    Row("form", f"event_type=message.sent&note={MARK}".encode()),
    Row("not UTF-8", b'{"event_type": "message.sent", "note": "\xff\xfe"}'),
    Row("UTF-16", changed().decode().encode("utf-16")),
    Row("byte order mark", b"\xef\xbb\xbf" + changed()),
    Row("null bytes", b"\0" * 100),
    Row("random bytes", bytes(range(256))),
    Row("a list", f'["{MARK}"]'.encode()),
    Row("a string", f'"{MARK}"'.encode()),
    Row("a number", b"17"),
    Row("null", b"null"),
    Row("NaN", b"NaN"),
    Row("an empty object", b"{}"),
    Row("5 MB of JSON", data(filler="x" * 5_000_000)),
    Row("5 MB of bytes", b"\xff" * 5_000_000),
    Row("100,000 brackets", b"[" * 100_000),
    Row("100,000 brackets, closed", b"[" * 100_000 + b"]" * 100_000),
    Row("100,000 objects", b'{"data":' * 100_000),
    Row("100,000 brackets in an event", raw('"data": ' + "[" * 100_000 + "]" * 100_000)),
    Row("an integer of 10,000 digits", raw('"data": ' + "1" * 10_000)),
]


FIELDS = [
    Row("no event type", without("event_type")),
    Row("event type null", changed(event_type=None)),
    Row("event type a number", changed(event_type=5)),
    Row("event type a list", changed(event_type=["message.sent"])),
    Row("event type an object", changed(event_type={"message": "sent"})),
    Row("event type a text", changed(event_type=MARK)),
    Row("event type a phone number", changed(event_type=p.PHONE)),
    Row("event type of 10,000 characters", changed(event_type="message." + LONG)),
    Row("event type with a lone surrogate", changed(event_type="message.\ud800")),
    Row("event type with a line break", changed(event_type="message.sent\nx")),
    Row("unknown event type", changed("call.hologram"), "process call.hologram"),
    Row("unknown stage", changed("message.unsent"), "process message.unsent"),
    Row("unknown version", changed(webhook_version="2031-12-31"), SENT),
    Row("version a number", changed(webhook_version=3), SENT),
    Row("version a text", changed(webhook_version=MARK), SENT),
    Row("api version unknown", changed(api_version="v99"), SENT),
    Row("no event id", without("event_id"), SENT),
    Row("no trace id", without("trace_id"), SENT),
    Row("no time", without("created_at"), SENT),
    Row("no data", without("data"), SENT),
    Row("nothing but a type", b'{"event_type": "message.sent"}', SENT),
    Row("data null", changed(data=None), SENT),
    Row("data a list", changed(data=[MARK]), SENT),
    Row("data a text", changed(data=MARK), SENT),
    Row("numbers in the envelope", changed(event_id=1, trace_id=2, created_at=3), SENT),
    Row("numbers in data", data(**NUMBERS), SENT),
    Row("texts in data", data(**dict.fromkeys(NUMBERS, MARK)), SENT),
    Row("lists in data", data(**{name: [MARK] for name in NUMBERS}), SENT),
    Row("booleans in data", data(**dict.fromkeys(NUMBERS, True)), SENT),
    Row("ids of 10,000 characters", changed(event_id=LONG, trace_id=LONG, data={"id": LONG}), SENT),
    Row("ids that are phone numbers", changed(event_id=p.PHONE, data={"id": "15550100123"}), SENT),
    Row("ids that are e-mail addresses", changed(event_id=p.EMAIL, data={"id": p.EMAIL}), SENT),
    Row("lone surrogates", data(id="\ud800", service="\udfff", idempotency_key="\ud800"), SENT),
    Row("NaN and infinities", raw('"created_at": NaN, "data": {"code": -Infinity}'), SENT),
    Row("huge numbers", raw('"data": {"code": 1e999, "sent_at": ' + "9" * 4000 + "}"), SENT),
    Row("duplicate keys", raw('"data": 1, "data": {"id": "m1"}, "event_id": "e"'), SENT),
    Row("time in the year 9999", data(sent_at="9999-12-31T23:59:59Z"), SENT),
    Row("time before Linq", data(sent_at="1969-12-31T23:59:59Z"), SENT),
    Row("time with odd offset", data(sent_at="2026-01-01T00:00:00+99:99"), SENT),
    Row("failure with a huge code", data("message.failed", code=10**30), "process message.failed"),
    Row("failure with a text", data("message.failed", code=MARK), "process message.failed"),
    Row("an inbound message of nothing", changed("message.received", data={"reply_to": 1}),
        "process message.received"),
    Row("keys that are strange", changed(**{"": MARK, "__class__": MARK, "\ud800": MARK}), SENT),
]  # fmt: skip


GOOD = changed()


SIGNED = list(p.headers_of(GOOD).items())


def resigned(**headers: str | None) -> tuple[tuple[str, str], ...]:
    """
    Return the good headers with some replaced, or left out if None.
    """
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {k.lower(): v for k, v in SIGNED} | given
    return tuple((name, value) for name, value in kept.items() if value is not None)


def unverified(name: str, reason: str, headers: tuple[tuple[str, str], ...]) -> Row:
    """
    Return a good event under headers that do not verify.
    """
    facts = {"linq.webhook.verified": False, "linq.webhook.rejected": reason}
    return Row(name, GOOD, SENT, headers, facts)


EVENT = ("x-webhook-event", "message.sent")


HEADERS = [
    unverified("no signature", "headers", (EVENT,)),
    unverified("empty signature", "headers",
               resigned(webhook_signature="", x_webhook_signature="")),
    unverified("signature without a comma", "signature", resigned(webhook_signature="v1")),
    unverified("signature of commas", "signature", resigned(webhook_signature=",,, ,,,")),
    unverified("signature not base64", "signature", resigned(webhook_signature="v1,%%%")),
    unverified("signature of another body", "signature",
               resigned(webhook_signature=p.standard_signature(b"x"))),
    unverified("signature by another secret", "signature",
               tuple(p.headers_of(GOOD, p.OTHER_SECRET).items())),
    unverified("a thousand signatures", "signature",
               resigned(webhook_signature=" ".join(["v1,AAAA"] * 400))),
    unverified("signature of 10,000 characters", "headers",
               resigned(webhook_signature="v1," + LONG, x_webhook_signature=LONG)),
    unverified("signature not ASCII", "headers",
               resigned(webhook_signature="v1,\xe9", x_webhook_signature="\xe9")),
    unverified("no id", "headers", resigned(webhook_id=None)),
    unverified("another id", "signature", resigned(webhook_id="another")),
    unverified("id not ASCII", "headers", resigned(webhook_id="\xe9")),
    unverified("no timestamp", "headers", resigned(webhook_timestamp=None)),
    unverified("timestamp a word", "headers", resigned(webhook_timestamp="soon")),
    unverified("timestamp negative", "headers", resigned(webhook_timestamp="-1")),
    unverified("timestamp of 20 digits", "headers", resigned(webhook_timestamp="9" * 20)),
    unverified("timestamp an hour ago", "timestamp",
               resigned(webhook_timestamp=str(p.SIGNED_AT - 3600))),
    unverified("timestamp tomorrow", "timestamp",
               resigned(webhook_timestamp=str(p.SIGNED_AT + 86_400))),
    unverified("timestamp repeated, first is bad", "headers",
               (("webhook-timestamp", "soon"), *resigned())),
    unverified("id repeated, first is bad", "signature", (("webhook-id", "x"), *resigned())),
    unverified("legacy signature bad", "signature",
               resigned(webhook_signature=None, x_webhook_signature="00")),
    unverified("legacy timestamp bad", "headers",
               resigned(webhook_signature=None, x_webhook_timestamp="soon")),
    Row("signature repeated, first is bad", GOOD, SENT,
        (("webhook-signature", "v1,x"), *resigned()), {"linq.webhook.verified": True}),
    Row("subscription a text", GOOD, SENT, resigned(x_webhook_subscription_id=MARK),
        {"linq.webhook.verified": True}),
    Row("event header lies", GOOD, SENT, resigned(x_webhook_event=MARK),
        {"linq.webhook.verified": True, "linq.event.type": "message.sent"}),
]  # fmt: skip


ROWS = [*BODIES, *FIELDS, *HEADERS]
