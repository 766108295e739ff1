"""
One webhook delivery, read from raw JSON.

Both payload versions and every event type are read by the same few rules, so
that types Linq has yet to invent pass through. The SDK's ``unwrap`` is not
used: its union has no working discriminator and names most events wrongly.

Ids are taken only where they read like ids. A phone number, an e-mail or a
text in the place of an id is not an id, and so can never reach a span.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping  # noqa: TC003  # Whoever asks for the types of an Event finds it.
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ._carrier import parse_carrier
from ._json import as_mapping
from ._origins import hash_key, parse_traceparent, store_keys
from ._times import parse_time_ns
from .errors import MalformedEventError


if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext


__all__ = ["Event", "parse_event", "parse_id", "parse_lower_id"]

# The first look-ahead asks for a digit, which every id has and a bare word or name has not.
# The third refuses 7 to 15 digits, however they are grouped: a phone number. It tries every
# grouping, so the second lets pass what is seen at once to be none.
_ID = re.compile(
    r"(?=\D*\d|[0-9a-fA-F]{32}\Z)"
    r"(?:(?=\d{16}|[-_\d]*[A-Za-z])|(?!(?:\d[-_]*){7,15}\Z))"
    r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}",
    re.ASCII,
)
_EVENT_TYPE = re.compile(r"[a-z][a-z_]{0,40}(?:\.[a-z][a-z_]{0,40}){1,3}", re.ASCII)
SERVICES = ("iMessage", "RCS", "SMS", "MMS")
"""What a message may be sent by."""
# data.id is a chat in chat.created and a payment in payment.*.
_OF_MESSAGES = ("message.", "poll.", "reaction.")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# json.loads() looks first which options it was called with, and which encoding bytes have.
_read_json = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Event:
    """
    One webhook delivery.

    Times are Unix nanoseconds. Every field but *event_type* may be missing,
    and is None where the payload holds something else in its place.

    Attributes:
        event_type: ``message.delivered``.
        event_id: The same on every delivery of this event.
        linq_trace_id: The envelope's ``trace_id`` as Linq wrote it.
        webhook_version: The payload version, ``2026-02-03`` or ``2025-01-01``.
        subscription_id: From the headers; no payload names it.
        created_at: When Linq made the event.
        message_id: The message it is about, in lower case.
        chat_id: The chat it is about.
        reply_to: The message an inbound message answers.
        idempotency_key: The sender's key, hashed.
        traceparent: The span that sent it, in wire form, where a key of ours
            carries it (``carrier="idempotency_key"``).
        direction: ``inbound`` or ``outbound``.
        service: ``iMessage``, ``RCS`` or ``SMS``.
        sent_at: When the message was sent.
        delivered_at: When it was delivered.
        read_at: When it was read.
        failed_at: When it failed.
        error_code: Linq's code for the failure.
        verified: True or False as the signature says; None without a secret.
        signed_at: When Linq signed this delivery, to the second; each try of
            Linq has its own.
        payload: The whole envelope. It holds phone numbers and message text,
            and so stays out of ``repr``.
    """

    event_type: str
    event_id: str | None = None
    linq_trace_id: str | None = None
    webhook_version: str | None = None
    subscription_id: str | None = None
    created_at: int | None = None
    message_id: str | None = None
    chat_id: str | None = None
    reply_to: str | None = None
    idempotency_key: str | None = None
    traceparent: str | None = None
    direction: str | None = None
    service: str | None = None
    sent_at: int | None = None
    delivered_at: int | None = None
    read_at: int | None = None
    failed_at: int | None = None
    error_code: int | None = None
    verified: bool | None = None
    signed_at: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """
        The store keys its origin may be found under, best first.
        """
        ids = (self.linq_trace_id,) if self.linq_trace_id else ()
        return store_keys(self.message_id, ids, self.idempotency_key)

    @property
    def is_group(self) -> bool:
        """
        True if the payload says that its chat is a group.
        """
        data = as_mapping(self.payload.get("data"))
        # In 2025-01-01 the flag stands beside the chat's id.
        return as_mapping(data.get("chat")).get("is_group", data.get("is_group")) is True

    @property
    def sender(self) -> SpanContext | None:
        """
        The span that sent the message, as a remote span context, where its key carries it.
        """
        return parse_traceparent(self.traceparent) if self.traceparent else None


def parse_event(
    body: bytes | str | Mapping[str, Any],
    *,
    subscription_id: str | None = None,
    verified: bool | None = None,
    signed_at: int | None = None,
) -> Event:
    """
    Read a webhook body.

    Args:
        body: The raw body, or the object parsed from it.
        subscription_id: The value of ``X-Webhook-Subscription-ID``.
        verified: What the signature said.
        signed_at: When Linq signed this delivery, Unix nanoseconds.

    Raises:
        MalformedEventError: If *body* is not a JSON object with an event type.
    """
    envelope = _parse_object(body) if isinstance(body, (bytes, str)) else body
    event_type = envelope.get("event_type")
    if not isinstance(event_type, str) or _EVENT_TYPE.fullmatch(event_type) is None:
        raise MalformedEventError("event_type", "the body names no event_type")
    data = as_mapping(envelope.get("data"))
    message = as_mapping(data.get("message"))
    direction, key = _direction(data), data.get("idempotency_key")
    # A stranger's word is nobody's, and what others sent is not ours.
    is_ours = verified is not False and direction != "inbound"
    # By their places, in the order of the class: names would cost half as much again.
    return Event(
        event_type,
        parse_id(envelope.get("event_id")),
        parse_id(envelope.get("trace_id")),
        _match(_VERSION, envelope.get("webhook_version")),
        parse_id(subscription_id),
        parse_time_ns(envelope.get("created_at")),
        _message_id(event_type, data, message),
        _chat_id(event_type, data),
        parse_lower_id(as_mapping(data.get("reply_to")).get("message_id")),
        _key(key),
        parse_carrier(key) if is_ours else None,
        direction,
        service if (service := data.get("service")) in SERVICES else None,
        _time(data, message, "sent_at"),
        _time(data, message, "delivered_at"),
        _time(data, message, "read_at"),
        _time(data, message, "failed_at"),
        _error_code(data),
        verified,
        signed_at,
        envelope,
    )


def parse_id(value: object) -> str | None:
    """
    Return *value* if it reads like an opaque id; None otherwise.

    Letters, digits, ``-`` and ``_``, at most 128 of them and at least one
    digit, and not the 7 to 15 digits of a phone number.
    """
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def parse_lower_id(value: object) -> str | None:
    """
    Return *value* in lower case if it reads like an opaque id; None otherwise.

    Message and chat ids are UUIDs, and those are compared without case.
    """
    return value.lower() if isinstance(value, str) and _ID.fullmatch(value) else None


def _parse_object(body: bytes | str) -> Mapping[str, Any]:
    try:
        envelope: object = _read_json(body.decode() if isinstance(body, bytes) else body)
    except UnicodeDecodeError:
        raise MalformedEventError("utf8", "the body is not UTF-8") from None
    except (ValueError, RecursionError):
        raise MalformedEventError("json", "the body is not JSON") from None
    if not isinstance(envelope, dict):
        raise MalformedEventError("object", "the body is not a JSON object")
    return as_mapping(cast("object", envelope))


def _message_id(event_type: str, data: Mapping[str, Any], message: Mapping[str, Any]) -> str | None:
    if not event_type.startswith(_OF_MESSAGES):
        return None
    found = parse_lower_id(data.get("message_id")) or parse_lower_id(message.get("id"))
    if found is None and event_type.startswith("message."):
        found = parse_lower_id(data.get("id"))
    return found


def _chat_id(event_type: str, data: Mapping[str, Any]) -> str | None:
    found = parse_lower_id(as_mapping(data.get("chat")).get("id"))
    found = found or parse_lower_id(data.get("chat_id"))
    if found is None and event_type == "chat.created":
        found = parse_lower_id(data.get("id"))
    return found


def _direction(data: Mapping[str, Any]) -> str | None:
    direction = data.get("direction")
    if direction in ("inbound", "outbound"):
        return str(direction)
    mine = data.get("is_from_me")
    if isinstance(mine, bool):
        return "outbound" if mine else "inbound"
    return None


def _time(data: Mapping[str, Any], message: Mapping[str, Any], name: str) -> int | None:
    found = parse_time_ns(data[name]) if name in data else None
    if found is None and name in message:
        found = parse_time_ns(message[name])
    return found


def _error_code(data: Mapping[str, Any]) -> int | None:
    # message.failed has it flat, poll.failed nested.
    code = data.get("code", as_mapping(data.get("error")).get("code"))
    return code if type(code) is int and 0 <= code < 100_000 else None  # noqa: PLR2004  # Codes have four digits.


def _key(value: object) -> str | None:
    # Linq allows 255 characters (https://docs.linqapp.com, "Sending messages").
    return hash_key(value) if isinstance(value, str) and 0 < len(value) <= 255 else None  # noqa: PLR2004


def _match(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
