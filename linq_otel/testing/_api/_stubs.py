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


_LINE = "+15550100000"
_QUEUED = {"status": "accepted", "message": "Request accepted", "trace_id": "$trace"}
_CARD = {
    "phone_number": "$body:phone_number|+15550100000",
    "first_name": "$body:first_name|Ada",
    "last_name": "$body:last_name",
    "image_url": "$body:image_url",
    "is_active": True,
}
_ATTACHMENT = {
    "content_type": "image/png",
    "created_at": "$now",
    "filename": "picture.png",
    "size_bytes": 1024,
    "status": "complete",
    "download_url": "https://cdn.linqapp.com/attachments/picture.png",
}
_BLOCKED = {"handle": "$body:handle|+15550100", "reason": "$body:reason", "blocked_at": "$now"}
_CAPABILITY = {"address": "$body:address|+15550100", "available": True}
_EXPERIENCE: dict[str, Any] = {"display_name": "Checkout", "actions": []}
_CONNECTION = {"handle": "$path:handle", "connect_id": "$id"}
_REQUEST = {
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
_PAYMENT = {
    "amount_cents": "$body:amount_cents|1000",
    "currency": "$body:currency|usd",
    "handle": "$body:handle|+15550100",
    "description": "$body:description",
    "merchant": "$body:merchant",
    "metadata": "$body:metadata",
}
_REPUTATION = {"status": "HEALTHY", "doc_url": "https://docs.linqapp.com/reputation#healthy"}
_PLACE = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-86.8, 33.5]},
    "properties": {"handle": "+15550100", "updated_at": "$now"},
}

STUBS: dict[str, dict[str, Any]] = {
    "attachments.create": {
        "attachment_id": "$id",
        "upload_url": "https://uploads.linqapp.com/simulated",
        "http_method": "PUT",
        "required_headers": {"Content-Type": "$body:content_type|image/png"},
        "download_url": "https://cdn.linqapp.com/attachments/simulated",
        "expires_at": "$later",
    },
    "attachments.retrieve": {"id": "$path:attachment_id", **_ATTACHMENT},
    "available_number.retrieve": {
        "phone_number": _LINE,
        "vcf_url": "https://cdn.linqapp.com/cards/simulated.vcf",
    },
    "blocked_handles.list": {"blocked_handles": []},
    "blocked_handles.block": {"blocked_handle": _BLOCKED},
    "capability.check_i_message": {**_CAPABILITY, "selected_service": "iMessage"},
    "capability.check_RCS": {**_CAPABILITY, "selected_service": "RCS"},
    "chats.leave_chat": _QUEUED,
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
    "payment_requests.create": {"id": "$id", "status": "requested", **_REQUEST},
    "payment_requests.retrieve": {
        "id": "$path:payment_request_id",
        "status": "requested",
        **_REQUEST,
    },
    "payment_requests.list": {"object": "list", "data": [], "has_more": False},
    "payment_requests.cancel": {
        "id": "$path:payment_request_id",
        "status": "canceled",
        **_REQUEST,
    },
    "payments.create": {"id": "$id", "status": "ready", **_PAYMENT},
    "payments.retrieve": {"id": "$path:payment_id", "status": "authorized", **_PAYMENT},
    "payments.cancel": {"id": "$path:payment_id", "status": "canceled", **_PAYMENT},
    "payments.credentials": {
        "handoff": {
            "provider": "agentcard",
            "card_ref": "card_simulated",
            "fetch_url": "https://pay.linqapp.com/cards/simulated",
            "user_token": "simulated",
        },
    },
    "phone_numbers.update": {
        "id": "$path:phone_number_id",
        "phone_number": _LINE,
        "forwarding_number": "$body:forwarding_number",
    },
    "phone_numbers.list": {
        "phone_numbers": [
            {"id": "line_1", "phone_number": _LINE, "reputation": _REPUTATION},
        ],
    },
    "phone_numbers.get_reputation_audit": {
        "audit_id": "$path:audit_id",
        "phone": "$path:phone_number",
        "status": "complete",
        "generated_at": "$now",
    },
    "phone_numbers.start_reputation_audit": {"audit_id": "$id", "status": "pending"},
    "phonenumbers.list": {"phone_numbers": [{"id": "line_1", "phone_number": _LINE}]},
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
