"""
An event on its way to the subscribers: one id and one moment, a body per payload version.

Source: Linq's "Webhook events" page and the event enumeration of its Python SDK 0.65.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import rfc3339


if TYPE_CHECKING:
    from collections.abc import Mapping


VERSIONS = ("2025-01-01", "2026-02-03")
NEWEST = VERSIONS[-1]

# Events that have no shape in the older payload version and are kept from its subscribers.
ONLY_NEWEST = frozenset({"message.edited"})

EVENT_TYPES: tuple[str, ...] = (
    "message.sent",
    "message.received",
    "message.read",
    "message.delivered",
    "message.failed",
    "message.edited",
    "reaction.added",
    "reaction.removed",
    "poll.received",
    "poll.failed",
    "poll.sent",
    "poll.delivered",
    "poll.read",
    "poll.updated",
    "poll.vote.added",
    "poll.vote.removed",
    "poll.reaction.added",
    "participant.added",
    "participant.removed",
    "chat.created",
    "chat.group_name_updated",
    "chat.group_icon_updated",
    "chat.group_name_update_failed",
    "chat.group_icon_update_failed",
    "chat.background_updated",
    "chat.background_update_failed",
    "chat.typing_indicator.started",
    "chat.typing_indicator.stopped",
    "phone_number.status_updated",
    "phone_number.assigned",
    "phone_number.released",
    "contact_card.received",
    "call.initiated",
    "call.ringing",
    "call.answered",
    "call.ended",
    "call.failed",
    "call.declined",
    "call.no_answer",
    "location.sharing.started",
    "location.sharing.stopped",
    "payment.succeeded",
    "payment.canceled",
    "payment.expired",
    "payment.declined",
    "payment.authorized",
    "connection.created",
    "connection.revoked",
    "zero_day_retention.updated",
    "phone_number.forwarding_updated",
    "environment.line_moved",
    "contact_card.created",
    "contact_card.updated",
    "contact_card.deleted",
    "api_token.created",
    "api_token.renamed",
    "api_token.expiry_scheduled",
    "api_token.expired",
    "api_token.activated",
    "api_token.deleted",
    "environment.created",
    "environment.renamed",
    "environment.deleted",
    "webhook_subscription.created",
    "webhook_subscription.deleted",
    "webhook_subscription.target_url_changed",
    "webhook_subscription.enabled",
    "webhook_subscription.disabled",
    "webhook_subscription.events.updated",
    "webhook_subscription.phone_numbers.updated",
    "webhook_subscription.routing_headers_set",
    "webhook_subscription.routing_headers_cleared",
    "team_member.added",
    "team_member.signed_in",
    "team_member.signed_out",
)


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
            "partner_id": "partner_simulated",
            "data": self.bodies[version],
            **self.overrides,
        }
        return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def in_both(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """
    Data of the same shape in every payload version.
    """
    return dict.fromkeys(VERSIONS, data)
