"""
One line for a webhook as it arrives: its ids and times, and nothing a person wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel.doctor._capture_lives import is_trace_id
from linq_otel.doctor._capture_signatures import find_delay, is_verified
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from linq_otel.doctor._samples import Delivery, Samples


def spell_arrival(found: Samples, secrets: tuple[str, ...]) -> str:
    """
    Write one webhook, or what was none, as a line.
    """
    if not found.deliveries:
        why = found.unread[0][1] if found.unread else "it is empty"
        return f"? no webhook of Linq: {why}"
    (delivery,) = found.deliveries
    event = delivery.event
    parts = [
        event.event_type,
        f"message {event.message_id}" if event.message_id else "no message",
        _spell_trace_id(delivery),
        _spell_signature(delivery, secrets),
    ]
    delay = find_delay(delivery)
    if delay is not None:
        parts.append(f"{delay:+.0f} s after signing")
    return "  ".join(parts)


def _spell_trace_id(delivery: Delivery) -> str:
    if is_trace_id(delivery.raw_trace_id):
        return f"trace {str(delivery.raw_trace_id).lower()}"
    return "no trace id" if delivery.raw_trace_id is None else "malformed trace id"


def _spell_signature(delivery: Delivery, secrets: tuple[str, ...]) -> str:
    if not {"webhook-signature", "x-webhook-signature"} & delivery.headers.keys():
        return "unsigned"
    if not secrets:
        return "signed, no secret to check it with"
    try:
        return "verified" if is_verified(delivery, secrets) else "NOT verified"
    except ConfigurationError:
        return "signed, the secret is none"
