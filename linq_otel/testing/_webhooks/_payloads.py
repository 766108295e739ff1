"""
What webhooks say about messages, polls and chats, in both payload versions.

Source: Linq's "Webhook events" page, and the event types of its Python SDK 0.65.0 for 2026-02-03.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import rfc3339
from linq_otel.testing._state._resources import chat_resource, handle, health, moment, poll
from linq_otel.testing._webhooks._events import NEWEST, VERSIONS, in_both


if TYPE_CHECKING:
    from linq_otel.testing._state._messages import Chat, Message


Bodies = Mapping[str, Mapping[str, Any]]
Times = Mapping[str, int]


def message_bodies(message: Message, stage: str, times: Times) -> Bodies:
    """
    ``message.sent``, ``.delivered``, ``.read`` and ``.received``.
    """
    return {
        VERSIONS[0]: _message_2025(message, stage, times),
        NEWEST: _message_2026(message, times),
    }


def _message_2026(message: Message, times: Times) -> dict[str, Any]:
    return {
        "chat": event_chat(message.chat),
        "id": message.id,
        "idempotency_key": message.idempotency_key,
        "direction": _direction(message),
        "sender_handle": handle(message.chat, message.sender),
        "parts": message.parts,
        "effect": message.effect,
        "reply_to": message.reply_to,
        "sent_at": moment(times.get("sent")),
        "delivered_at": moment(times.get("delivered")),
        "read_at": moment(times.get("read")),
        "service": message.service,
        "preferred_service": message.preferred_service,
    }


def _message_2025(message: Message, stage: str, times: Times) -> dict[str, Any]:
    chat = message.chat
    data: dict[str, Any] = {
        "chat_id": chat.id,
        "from": message.sender,
        "from_handle": handle(chat, message.sender),
        "idempotency_key": message.idempotency_key,
        "is_from_me": message.is_from_me,
        "is_group": chat.is_group,
        "message": _inner_2025(message, times),
        "service": message.service,
        "preferred_service": message.preferred_service,
    }
    if stage in {"delivered", "read"}:
        data |= {"message_id": message.id, f"{stage}_at": moment(times.get(stage))}
    if stage == "received":
        line = {"recipient_phone": chat.line, "recipient_handle": handle(chat, chat.line)}
        data |= {"received_at": rfc3339(message.created_at), **line}
    return data


def _inner_2025(message: Message, times: Times) -> dict[str, Any]:
    # Unlike the newer version, this one leaves out what is null of these two.
    given = {"effect": message.effect, "reply_to": message.reply_to}
    return {
        "id": message.id,
        "parts": message.parts,
        **{name: value for name, value in given.items() if value is not None},
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(max(times.values(), default=message.created_at)),
        "sent_at": moment(times.get("sent")),
        "delivered_at": moment(times.get("delivered")),
        "read_at": moment(times.get("read")),
        "is_delivered": "delivered" in times,
        "is_read": "read" in times,
    }


def failed_bodies(message: Message, *, code: int, reason: str, at: int) -> Bodies:
    """
    ``message.failed``: no idempotency key, in either version.
    """
    data = {
        "chat_id": message.chat.id,
        "message_id": message.id,
        "code": code,
        "reason": reason,
        "failed_at": rfc3339(at),
        "service": message.service,
        "preferred_service": message.preferred_service,
    }
    return in_both(data)


def poll_bodies(message: Message, times: Times) -> Bodies:
    """
    ``poll.sent``, ``.delivered`` and ``.read``.
    """
    data = poll_subject(message) | {
        "poll": poll(message),
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(max(times.values(), default=message.created_at)),
        "sent_at": moment(times.get("sent")),
        "delivered_at": moment(times.get("delivered")),
        "read_at": moment(times.get("read")),
    }
    return in_both(data)


def poll_failed_bodies(message: Message, *, code: int, reason: str, at: int) -> Bodies:
    """
    ``poll.failed``: its error is nested, unlike a message's.
    """
    error = {"code": code, "message": reason}
    return in_both(
        poll_subject(message) | {"poll": poll(message), "error": error, "failed_at": rfc3339(at)}
    )


def poll_subject(message: Message) -> dict[str, Any]:
    """
    What every poll event says.
    """
    return {
        "chat": event_chat(message.chat),
        "message_id": message.id,
        "direction": _direction(message),
        "sender_handle": handle(message.chat, message.sender),
        "service": message.service,
    }


def chat_created_bodies(chat: Chat) -> Bodies:
    """
    ``chat.created``: its ``data.id`` is the chat's.
    """
    newest = chat_resource(chat)
    del newest["is_archived"]
    older = {key: value for key, value in newest.items() if key != "health_status"}
    return {VERSIONS[0]: older, NEWEST: newest}


def edited_bodies(message: Message, *, index: int, at: int) -> Bodies:
    """
    ``message.edited``; subscribers of the older version are not told.
    """
    data = {
        "chat": event_chat(message.chat),
        "id": message.id,
        "direction": _direction(message),
        "edited_at": rfc3339(at),
        "part": {"index": index, "text": message.parts[index].get("value", "")},
        "sender_handle": handle(message.chat, message.sender),
    }
    return in_both(data)


def event_chat(chat: Chat) -> dict[str, Any]:
    """
    The chat inside an event.
    """
    return {
        "id": chat.id,
        "is_group": chat.is_group,
        "owner_handle": handle(chat, chat.line),
        "health_status": health(chat),
    }


def _direction(message: Message) -> str:
    return "outbound" if message.is_from_me else "inbound"
