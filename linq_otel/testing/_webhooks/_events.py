"""
An event on its way to the subscribers: one id and one moment, a body per payload version.

Source: Linq's "Webhook events" page.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linq_otel._event_types import EVENT_TYPES
from linq_otel.testing._state._clock import rfc3339


if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["EVENT_TYPES", "NEWEST", "ONLY_NEWEST", "VERSIONS", "Event", "in_both"]

VERSIONS = ("2025-01-01", "2026-02-03")
NEWEST = VERSIONS[-1]
PARTNER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "partner.linq-otel.invalid"))

# Events that have no shape in the older payload version and are kept from its subscribers.
ONLY_NEWEST = frozenset({"message.edited"})


@dataclass(frozen=True, slots=True)
class Event:
    """
    Something that happened, as the subscribers will be told.

    Attributes:
        event_type: Such as ``message.sent``.
        event_id: The same for every subscriber and every try.
        created_at: Simulated nanoseconds.
        linq_trace_id: As the envelope says it.
        bodies: ``data`` by payload version.
        lane: Events of one lane are delivered one after another.
        chat_id: For the affinity header.
        line: Our own number concerned, if any.
        overrides: Envelope fields that are replaced or added.
    """

    event_type: str
    event_id: str
    created_at: int
    linq_trace_id: str
    bodies: Mapping[str, Mapping[str, Any]]
    lane: str
    chat_id: str | None = None
    line: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def body(self, version: str) -> bytes:
        """
        The bytes that are delivered and signed.
        """
        envelope = {
            "api_version": "v3",
            "webhook_version": version,
            "event_type": self.event_type,
            "event_id": self.event_id,
            "created_at": rfc3339(self.created_at),
            "trace_id": self.linq_trace_id,
            "partner_id": PARTNER,
            "data": self.bodies[version],
            **self.overrides,
        }
        return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def in_both(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """
    Data of the same shape in every payload version.
    """
    return dict.fromkeys(VERSIONS, data)
