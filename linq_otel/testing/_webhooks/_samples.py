"""
A plausible body for every event type, so that a handler can be shown each without an account.

Source: Linq's "Webhook events" page, and the event types of its Python SDK 0.65.0. Where Linq
documents no shape (calls, and events it has yet to invent), the body names the chat alone.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import NANOSECONDS, rfc3339
from linq_otel.testing._state._resources import handle, poll_option
from linq_otel.testing._webhooks._events import in_both
from linq_otel.testing._webhooks._payloads import (
    chat_created_bodies,
    edited_bodies,
    event_chat,
    failed_bodies,
    message_bodies,
    poll_bodies,
    poll_failed_bodies,
    poll_subject,
)
from linq_otel.testing._webhooks._timeline import STAGES


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._state._messages import Message
    from linq_otel.testing._webhooks._payloads import Bodies


# Seconds from the message's beginning to each of its stages.
AFTER = {"sent": 2, "delivered": 6, "read": 60, "failed": 8}
FAILURE_CODE = 4001


def sample_bodies(event_type: str, message: Message) -> Bodies:
    """
    ``data`` of one event by payload version.

    Args:
        event_type: Known or not.
        message: What it is about; what is about no message is about its chat or its line.
    """
    family, _, rest = event_type.partition(".")
    if family == "message" and event_type != "message.edited":
        return _of_message(message, rest)
    if family == "poll" and rest in {*STAGES, "failed", "received"}:
        return _of_poll(message, rest)
    make = _SAMPLES.get(event_type) or _SAMPLES.get(family) or _of_chat
    return make(event_type, message)


def moment_of(message: Message, stage: str) -> int:
    """
    When a stage of a sample comes, simulated nanoseconds; what is no stage comes at once.
    """
    return message.created_at + AFTER.get(stage, 0) * NANOSECONDS


def _times(message: Message, stage: str) -> dict[str, int]:
    reached = STAGES[: STAGES.index(stage) + 1] if stage in STAGES else ()
    return {one: moment_of(message, one) for one in reached}


def _of_message(message: Message, stage: str) -> Bodies:
    if stage == "failed":
        at = moment_of(message, stage)
        return failed_bodies(message, code=FAILURE_CODE, reason="Delivery failed", at=at)
    if stage == "received":
        theirs = replace(message, sender=message.chat.handles[0])
        return message_bodies(theirs, stage, {"sent": message.created_at})
    return message_bodies(message, stage, _times(message, stage))


def _of_poll(message: Message, stage: str) -> Bodies:
    asked = _as_poll(message)
    if stage == "failed":
        at = moment_of(message, stage)
        return poll_failed_bodies(asked, code=FAILURE_CODE, reason="Delivery failed", at=at)
    if stage == "received":
        theirs = replace(asked, sender=message.chat.handles[0])
        received = {"received_at": rfc3339(message.created_at)}
        return {v: {**d, **received} for v, d in poll_bodies(theirs, {}).items()}
    return poll_bodies(asked, _times(message, stage))


def _as_poll(message: Message) -> Message:
    options = (poll_option(message.id, message.chat, at, text) for at, text in enumerate("AB"))
    return replace(message, kind="poll", parts=list(options))


def _edited(_event_type: str, message: Message) -> Bodies:
    return edited_bodies(message, index=0, at=message.created_at)


def _reaction(event_type: str, message: Message) -> Bodies:
    who = message.chat.handles[0]
    return in_both({
        "chat_id": message.chat.id,
        "message_id": message.id,
        "part_index": 0,
        "reaction_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message.id}/reaction")),
        "reaction_type": "like" if event_type.startswith("poll") else "love",
        "is_from_me": False,
        "from": who,
        "from_handle": handle(message.chat, who),
        "reacted_at": rfc3339(message.created_at),
        "service": message.service,
    })  # fmt: skip


def _poll_change(event_type: str, message: Message) -> Bodies:
    asked = _as_poll(message)
    if event_type == "poll.reaction.added":
        return _reaction(event_type, message)
    if event_type == "poll.updated":
        return in_both({**poll_subject(asked), "added_options": asked.parts[1:]})
    return in_both({**poll_subject(asked), "option_id": asked.parts[0]["option_id"]})


def _participant(event_type: str, message: Message) -> Bodies:
    chat, change = message.chat, event_type.rpartition(".")[2]
    who = chat.handles[0]
    data = {"chat_id": chat.id, "handle": who, "participant": handle(chat, who)}
    return in_both({**data, f"{change}_at": rfc3339(message.created_at)})


def _of_chat(event_type: str, message: Message) -> Bodies:
    chat, at = message.chat, rfc3339(message.created_at)
    if event_type == "chat.created":
        return chat_created_bodies(chat)
    data: dict[str, Any] = {"chat_id": chat.id}
    if event_type.endswith("_update_failed"):
        data |= {"error_code": FAILURE_CODE, "failed_at": at}
    elif event_type == "chat.background_updated":
        data = {"chat": event_chat(chat), "actor_handle": handle(chat, chat.line)}
        data["background"] = None
    elif event_type.endswith("_updated"):
        data |= {"updated_at": at, "changed_by_handle": handle(chat, chat.line)}
        data |= {"old_value": None, "new_value": "Simulated"}
    elif event_type.startswith("chat.typing_indicator."):
        data["actor_handle"] = handle(chat, chat.handles[0])
    return in_both(data)


def _phone_number(event_type: str, message: Message) -> Bodies:
    if event_type == "phone_number.forwarding_updated":
        return _account(event_type, message)
    data = {"phone_number": message.chat.line, "changed_at": rfc3339(message.created_at)}
    if event_type == "phone_number.status_updated":
        data |= {"previous_status": "ACTIVE", "new_status": "FLAGGED"}
        data |= {"previous_reputation": "HEALTHY", "new_reputation": "AT_RISK"}
    return in_both(data)


def _contact_card(event_type: str, message: Message) -> Bodies:
    if event_type != "contact_card.received":
        return _account(event_type, message)
    people = {"owner_handle": message.chat.line, "sender_handle": message.chat.handles[0]}
    return in_both({"first_name": "Simulated", "last_name": "Person", "media_url": None, **people})


def _location(event_type: str, message: Message) -> Bodies:
    chat, at = message.chat, rfc3339(message.created_at)
    data = {"chat_id": chat.id, "shared_by": chat.handles[0], "shared_with": chat.line}
    ended = {"ended_at": at} if event_type.endswith("stopped") else {"ends_at": None}
    return in_both({**data, "began_at": at, **ended})


def _payment(event_type: str, message: Message) -> Bodies:
    status = event_type.rpartition(".")[2]
    known = {"canceled", "expired", "succeeded"}
    return in_both({
        "id": message.id,
        "object": "payment_request",
        "status": status if status in known else "failed",
        "amount": 1200,
        "currency": "usd",
        "checkout_url": "https://example.com/pay",
        "created_at": rfc3339(message.created_at),
    })  # fmt: skip


def _account(event_type: str, message: Message) -> Bodies:
    subject, _, change = event_type.partition(".")
    return in_both({
        "summary": f"Simulated: {subject} {change}".replace("_", " "),
        "occurred_at": rfc3339(message.created_at),
        "actor": {"type": "system"},
        "origin": "dashboard",
    })  # fmt: skip


# By event type, else by what stands before its first dot.
_SAMPLES: dict[str, Callable[[str, Message], Bodies]] = {
    "message.edited": _edited,
    "poll": _poll_change,
    "reaction": _reaction,
    "participant": _participant,
    "phone_number": _phone_number,
    "contact_card": _contact_card,
    "location": _location,
    "payment": _payment,
    "connection": _payment,
    "zero_day_retention": _account,
    "environment": _account,
    "api_token": _account,
    "webhook_subscription": _account,
    "team_member": _account,
}
