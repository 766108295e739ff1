"""
Webhook deliveries with fixed ids and times, in both payload versions, signed as Linq signs them.

The shapes are those of Linq's "Webhook events" page. Signatures are computed here from the
description of the two schemes alone, and not by the library under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final


if TYPE_CHECKING:
    from collections.abc import Mapping


OLD, NEW = "2025-01-01", "2026-02-03"
VERSIONS: Final = (OLD, NEW)

SECRET: Final = "whsec_" + base64.b64encode(b"the first secret, 24 byt").decode()
OTHER_SECRET: Final = "whsec_" + base64.b64encode(b"another secret, 24 bytes").decode()
SUBSCRIPTION_ID: Final = "5b0e4d5e-0000-4000-8000-000000000009"
SIGNED_AT: Final = 1_790_000_100

MESSAGE_ID: Final = "347d62c2-2170-4754-8d30-c76d0c727d96"
REPLIED_ID: Final = "9a0b62c2-2170-4754-8d30-c76d0c727d01"
CHAT_ID: Final = "0c965f04-94b4-4b1e-a3a5-5a1b2c3d4e5f"
EVENT_ID: Final = "67c4f9d2-0000-4000-8000-000000000001"
LINQ_TRACE_ID: Final = "2eff5df5a0c94e1b8d7f6a5b4c3d2e1f"
OTHER_LINQ_TRACE_ID: Final = "abde7f6248fba00f97e8c7dc4782d7e0"

PHONE: Final = "+15550100123"
EMAIL: Final = "ada.lovelace@example.com"
TEXT: Final = "meet me at the old mill at nine, and bring the plans"

# 2026-09-21T13:33:20Z; everything else is counted from here.
EPOCH: Final = 1_789_997_600
SECOND: Final = 1_000_000_000


def at(seconds: float) -> str:
    """
    Write the time *seconds* after `EPOCH` as Linq does, to the nanosecond.
    """
    whole, fraction = divmod(round(seconds * SECOND), SECOND)
    moment = datetime.fromtimestamp(EPOCH + whole, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def at_ns(seconds: float) -> int:
    """
    Return the same time as Unix nanoseconds.
    """
    return EPOCH * SECOND + round(seconds * SECOND)


# When each stage of the message happened, in seconds after `EPOCH`.
TIMES: Final = {"sent": 2.0, "delivered": 5.5, "read": 3600.25}


def envelope(
    event_type: str,
    data: Mapping[str, Any],
    *,
    version: str = NEW,
    event_id: object = EVENT_ID,
    linq_trace_id: object = LINQ_TRACE_ID,
    created_at: object = at(7200),
) -> dict[str, Any]:
    """
    Wrap *data* as every event is wrapped.
    """
    return {
        "api_version": "v3",
        "webhook_version": version,
        "event_type": event_type,
        "event_id": event_id,
        "created_at": created_at,
        "trace_id": linq_trace_id,
        "partner_id": "partner_1",
        "data": data,
    }


def message_data(
    stage: str, version: str = NEW, *, message_id: str = MESSAGE_ID, inbound: bool = False
) -> dict[str, Any]:
    """
    Return the ``data`` of ``message.{stage}``.
    """
    if version == OLD:
        return _message_2025(stage, message_id, inbound=inbound)
    return {
        "id": message_id,
        "chat": {
            "id": CHAT_ID,
            "is_group": False,
            "owner_handle": {"handle": PHONE},
            "health_status": {"status": "HEALTHY"},
        },
        "direction": "inbound" if inbound else "outbound",
        "sender_handle": {"handle": PHONE},
        "parts": [{"type": "text", "value": TEXT}],
        "effect": None,
        "idempotency_key": None,
        "service": "iMessage",
        "preferred_service": None,
        **_times(stage),
    }


def _message_2025(stage: str, message_id: str, *, inbound: bool) -> dict[str, Any]:
    times = _times(stage)
    data: dict[str, Any] = {
        "chat_id": CHAT_ID,
        "from": PHONE,
        "from_handle": {"handle": EMAIL},
        "idempotency_key": None,
        "is_from_me": not inbound,
        "is_group": False,
        "service": "iMessage",
        "message": {
            "id": message_id,
            "parts": [{"type": "text", "value": TEXT}],
            "is_delivered": stage in {"delivered", "read"},
            **times,
        },
    }
    if stage in {"delivered", "read"}:
        data |= {"message_id": message_id, f"{stage}_at": times[f"{stage}_at"]}
    return data


def _times(stage: str) -> dict[str, str | None]:
    reached = list(TIMES)[: list(TIMES).index(stage) + 1] if stage in TIMES else []
    return {f"{name}_at": at(TIMES[name]) if name in reached else None for name in TIMES}


def failed_data(code: int = 4001, failed_at: object = at(4.0)) -> dict[str, Any]:
    """
    Return the ``data`` of ``message.failed``: the same in both versions, its code flat.
    """
    return {
        "chat_id": CHAT_ID,
        "message_id": MESSAGE_ID,
        "code": code,
        "reason": TEXT,
        "failed_at": failed_at,
        "service": "iMessage",
    }


def poll_data(stage: str) -> dict[str, Any]:
    """
    Return the ``data`` of ``poll.{stage}``; a failure has its code nested.
    """
    data: dict[str, Any] = {
        "chat": {"id": CHAT_ID},
        "message_id": MESSAGE_ID,
        "poll": {"options": [{"text": TEXT}], "total_voters": 0},
        "direction": "inbound" if stage == "received" else "outbound",
        "sender_handle": {"handle": PHONE},
        "service": "iMessage",
        **_times(stage),
    }
    if stage == "failed":
        data |= {"failed_at": at(4.0), "error": {"code": 4001, "message": TEXT}}
    return data


def reaction_data() -> dict[str, Any]:
    """
    Return the ``data`` of ``reaction.added`` and its kin.
    """
    return {
        "is_from_me": False,
        "reaction_type": "custom",
        "custom_emoji": TEXT,
        "chat_id": CHAT_ID,
        "message_id": MESSAGE_ID,
        "reaction_id": "7f000000-0000-4000-8000-000000000001",
        "from": PHONE,
        "reacted_at": at(60),
    }


def edited_data() -> dict[str, Any]:
    """
    Return the ``data`` of ``message.edited``.
    """
    return {
        "id": MESSAGE_ID,
        "chat": {"id": CHAT_ID},
        "direction": "outbound",
        "edited_at": at(60),
        "part": {"index": 0, "text": TEXT},
        "sender_handle": {"handle": PHONE},
    }


def vote_data() -> dict[str, Any]:
    """
    Return the ``data`` of ``poll.vote.added`` and its kin.
    """
    return {
        "chat": {"id": CHAT_ID},
        "message_id": MESSAGE_ID,
        "option_id": "opt_1",
        "direction": "inbound",
        "sender_handle": {"handle": PHONE},
        "service": "iMessage",
    }


def data_of(event_type: str, version: str = NEW) -> dict[str, Any]:
    """
    Return plausible ``data`` for any event type, known here or not.
    """
    family, _, rest = event_type.partition(".")
    own = {
        "message.failed": failed_data,
        "message.edited": edited_data,
        "poll.reaction.added": reaction_data,
        "poll.updated": vote_data,
        "poll.vote.added": vote_data,
        "poll.vote.removed": vote_data,
    }
    families = {
        "message": lambda: message_data(rest, version, inbound=rest == "received"),
        "reaction": reaction_data,
        "poll": lambda: poll_data(rest),
        "chat": lambda: {"id": CHAT_ID, "chat_id": CHAT_ID, "handles": [{"handle": PHONE}]},
    }
    return own.get(event_type, families.get(family, _other_data))()


def _other_data() -> dict[str, Any]:
    return {"id": "7f000000-0000-4000-8000-000000000002", "handle": PHONE, "summary": TEXT}


def body_of(event_type: str, version: str = NEW, **overrides: object) -> bytes:
    """
    Return the body of a plausible event of this type, envelope fields replaced by *overrides*.
    """
    return encode(envelope(event_type, data_of(event_type, version), version=version) | overrides)


def encode(payload: Mapping[str, Any]) -> bytes:
    """
    Write a payload as Linq does: compact, and not only ASCII.
    """
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def standard_signature(
    body: bytes, secret: str = SECRET, *, stamp: str = str(SIGNED_AT), event_id: str = EVENT_ID
) -> str:
    """
    Sign as Standard Webhooks says.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{event_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def legacy_signature(body: bytes, secret: str = SECRET, *, stamp: str = str(SIGNED_AT)) -> str:
    """
    Sign by Linq's older scheme.
    """
    return hmac.digest(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hex()


def standard_headers(
    body: bytes, secret: str = SECRET, *, signed_at: int = SIGNED_AT, event_id: str = EVENT_ID
) -> dict[str, str]:
    """
    Return the headers of Standard Webhooks alone.
    """
    stamp = str(signed_at)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": standard_signature(body, secret, stamp=stamp, event_id=event_id),
    }


def legacy_headers(
    body: bytes, secret: str = SECRET, *, signed_at: int = SIGNED_AT, event_type: str = "any"
) -> dict[str, str]:
    """
    Return the headers of the older scheme alone.
    """
    return {
        "X-Webhook-Event": event_type,
        "X-Webhook-Subscription-ID": SUBSCRIPTION_ID,
        "X-Webhook-Timestamp": str(signed_at),
        "X-Webhook-Signature": legacy_signature(body, secret, stamp=str(signed_at)),
    }


def headers_of(body: bytes, secret: str = SECRET, *, signed_at: int = SIGNED_AT) -> dict[str, str]:
    """
    Return both sets of headers, as Linq sends them.
    """
    return {
        "content-type": "application/json",
        **standard_headers(body, secret, signed_at=signed_at),
        **legacy_headers(body, secret, signed_at=signed_at),
    }
