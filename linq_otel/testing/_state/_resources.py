"""
Chats and messages as the API shows them. Source: the response types of Linq's Python SDK 0.65.0.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import rfc3339


if TYPE_CHECKING:
    from linq_otel.testing._state._messages import Chat, Message


def handle(chat: Chat, who: str) -> dict[str, Any]:
    """
    One person in a chat.
    """
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{chat.id}/{who}")),
        "handle": who,
        "joined_at": rfc3339(chat.created_at),
        "left_at": None,
        "service": chat.service,
        "status": "active",
        "is_me": who == chat.line,
    }


def handles(chat: Chat) -> list[dict[str, Any]]:
    """
    Everyone in a chat, us first.
    """
    return [handle(chat, who) for who in (chat.line, *chat.handles)]


def health(chat: Chat) -> dict[str, Any]:
    """
    A chat that is well.
    """
    return {
        "status": "HEALTHY",
        "doc_url": "https://docs.linqapp.com/channel/imessage/guides/chats/chat-health#healthy",
        "updated_at": rfc3339(chat.created_at),
    }


def chat_resource(chat: Chat) -> dict[str, Any]:
    """
    ``Chat``, as listed and retrieved.
    """
    return {
        "id": chat.id,
        "display_name": chat.display_name,
        "service": chat.service,
        "handles": handles(chat),
        "is_archived": False,
        "is_group": chat.is_group,
        "health_status": health(chat),
        "created_at": rfc3339(chat.created_at),
        "updated_at": rfc3339(chat.created_at),
    }


def response_parts(message: Message) -> list[dict[str, Any]]:
    """
    The parts with what the API adds to them; a poll is shown by calls of its own.
    """
    if message.kind == "poll":
        return []
    return [{"reactions": None, **part} for part in message.parts]


def sent_message(message: Message) -> dict[str, Any]:
    """
    ``SentMessage``: the service is unknown until a webhook tells.
    """
    return {
        "id": message.id,
        "parts": response_parts(message),
        "created_at": rfc3339(message.created_at),
        "sent_at": None,
        "delivered_at": None,
        "delivery_status": "pending",
        "is_read": False,
        "effect": message.effect,
        "from_handle": handle(message.chat, message.sender),
        "reply_to": message.reply_to,
        "service": None,
        "preferred_service": message.preferred_service,
    }


def message_resource(message: Message) -> dict[str, Any]:
    """
    ``Message``, as listed and retrieved.
    """
    happened = message.happened
    return {
        "id": message.id,
        "chat_id": message.chat.id,
        "from": message.sender,
        "from_handle": handle(message.chat, message.sender),
        "parts": response_parts(message),
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(max(happened.values(), default=message.created_at)),
        "sent_at": moment(happened.get("sent")),
        "delivered_at": moment(happened.get("delivered")),
        "read_at": moment(happened.get("read")),
        "delivery_status": message.delivery_status,
        "is_delivered": "delivered" in happened,
        "is_read": "read" in happened,
        "is_from_me": message.is_from_me,
        "effect": message.effect,
        "reply_to": message.reply_to,
        "service": message.service if happened else None,
        "preferred_service": message.preferred_service,
    }


def poll(message: Message) -> dict[str, Any]:
    """
    The poll inside a poll message.
    """
    voters = {voter["handle"] for part in message.parts for voter in part["voters"]}
    return {"options": message.parts, "total_voters": len(voters)}


def poll_resource(message: Message) -> dict[str, Any]:
    """
    ``PollEnvelope``.
    """
    return {
        "message_id": message.id,
        "chat_id": message.chat.id,
        "poll": poll(message),
        "reactions": [],
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(message.created_at),
    }


def poll_option(message_id: str, chat: Chat, index: int, text: str) -> dict[str, Any]:
    """
    One option, nobody having voted yet.
    """
    return {
        "option_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message_id}/{index}")),
        "text": text,
        "can_be_edited": False,
        "creator_handle": handle(chat, chat.line),
        "voters": [],
    }


def moment(nanoseconds: int | None) -> str | None:
    """
    A time that may not have come yet.
    """
    return None if nanoseconds is None else rfc3339(nanoseconds)
