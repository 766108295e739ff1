"""
Plausible answers of the calls that have no behaviour here.

A string that begins with ``$`` is filled in: ``$id``, ``$now``, ``$later``, ``$trace``, or a field
of the request as ``$path:name``, ``$query:name|default``, ``$body:name|default``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from linq_otel.testing._state._clock import NANOSECONDS, rfc3339


if TYPE_CHECKING:
    from linq_otel.testing._world import Call, World


_QUEUED = {"status": "accepted", "message": "Request accepted", "trace_id": "$trace"}
_CARD = {
    "phone_number": "$body:phone_number|+15550100000",
    "first_name": "$body:first_name|Ada",
    "last_name": "$body:last_name",
    "image_url": "$body:image_url",
    "is_active": True,
}
ATTACHMENT = {"id": "$id", "created_at": "$now", "status": "complete"}
_CAPABILITY = {"address": "$body:address|+15550100", "available": True}
_EXPERIENCE: dict[str, Any] = {"display_name": "Checkout", "actions": []}
_CONNECTION = {"handle": "$path:handle", "connect_id": "$id"}
PAYMENT_REQUEST = {
    "id": "$id",
    "status": "requested",
    "object": "payment_request",
    "amount": "$body:amount|1000",
    "currency": "$body:currency|usd",
    "mode": "$body:mode|payment",
    "checkout_url": "https://pay.linqapp.com/c/simulated",
    "description": "$body:description",
    "metadata": "$body:metadata",
    "created_at": "$now",
    "expires_at": "$later",
}
PAYMENT = {
    "id": "$id",
    "status": "ready",
    "amount_cents": "$body:amount_cents|1000",
    "currency": "$body:currency|usd",
    "handle": "$body:handle|+15550100",
    "description": "$body:description",
    "merchant": "$body:merchant",
    "metadata": "$body:metadata",
}
REPUTATION = {"status": "HEALTHY", "doc_url": "https://docs.linqapp.com/reputation#healthy"}
_PLACE = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-86.8, 33.5]},
    "properties": {"handle": "+15550100", "updated_at": "$now"},
}

STUBS: dict[str, dict[str, Any]] = {
    "capability.check_i_message": {**_CAPABILITY, "selected_service": "iMessage"},
    "capability.check_RCS": {**_CAPABILITY, "selected_service": "RCS"},
    "chats.location.retrieve": {
        "success": True,
        "data": {"type": "FeatureCollection", "features": [_PLACE]},
    },
    "chats.location.request": {"success": True, "message": "Location requested"},
    "chats.location.stop": {"success": True, "message": "Location sharing stopped"},
    "chats.participants.add": _QUEUED,
    "chats.participants.remove": _QUEUED,
    "contact_card.create": _CARD,
    "contact_card.retrieve": {"contact_cards": [_CARD]},
    "contact_card.update": _CARD,
    "experiences.retrieve": {"experience": "$path:experience", **_EXPERIENCE},
    "experiences.list": {"experiences": [{"experience": "checkout", **_EXPERIENCE}]},
    "messages.add_reaction": _QUEUED,
    "messages.update_sticker_placement": {
        "success": True,
        "status": "accepted",
        "trace_id": "$trace",
    },
    "payment_handles.connect": {**_CONNECTION, "status": "pending"},
    "payment_handles.connection": {**_CONNECTION, "status": "connected"},
    "payment_handles.revoke": {**_CONNECTION, "status": "revoked"},
    "payment_handles.verify": {**_CONNECTION, "status": "connected"},
    "payment_providers.retrieve": {"provider": "$path:provider", "status": "ready"},
    "payment_providers.connect": {
        "hosted_url": "https://pay.linqapp.com/connect/simulated",
        "session_id": "$id",
        "status": "onboarding",
    },
    "payments.credentials": {
        "handoff": {
            "provider": "agentcard",
            "card_ref": "card_simulated",
            "fetch_url": "https://pay.linqapp.com/cards/simulated",
            "user_token": "simulated",
        },
    },
    "phone_numbers.get_reputation_audit": {
        "audit_id": "$path:audit_id",
        "phone": "$path:phone_number",
        "status": "complete",
        "generated_at": "$now",
    },
    "phone_numbers.start_reputation_audit": {"audit_id": "$id", "status": "pending"},
}


def fill(template: object, world: World, call: Call) -> Any:
    """
    Replace every placeholder in a template.
    """
    if isinstance(template, dict):
        fields = cast("dict[str, Any]", template)
        return {key: fill(value, world, call) for key, value in fields.items()}
    if isinstance(template, list):
        return [fill(item, world, call) for item in cast("list[object]", template)]
    if isinstance(template, str) and template.startswith("$"):
        return _look_up(template[1:], world, call)
    return template


def _look_up(placeholder: str, world: World, call: Call) -> Any:
    source, _, field = placeholder.partition(":")
    if source in {"path", "query", "body"}:
        name, _, default = field.partition("|")
        values = {"path": call.parameters, "query": call.query, "body": call.body}[source]
        return values.get(name, _parse_default(default))
    later = world.clock.now() + 900 * NANOSECONDS
    return {
        "id": lambda: world.ids.uuid("stub", call.linq_trace_id),
        "now": lambda: rfc3339(world.clock.now()),
        "later": lambda: rfc3339(later),
        "trace": lambda: call.linq_trace_id,
    }[source]()


def _parse_default(text: str) -> Any:
    if not text:
        return None
    return json.loads(text) if text.isdecimal() else text
