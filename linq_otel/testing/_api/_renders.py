"""
What each kind of send is answered with. Source: the response types of Linq's SDK 0.65.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import rfc3339
from linq_otel.testing._state._resources import handles, health, sent_message


if TYPE_CHECKING:
    from linq_otel.testing._state._messages import Message


def in_new_chat(message: Message) -> dict[str, Any]:
    """
    ``ChatCreateResponse``.
    """
    chat = message.chat
    return {
        "chat": {
            "id": chat.id,
            "display_name": chat.display_name,
            "handles": handles(chat),
            "health_status": health(chat),
            "is_group": chat.is_group,
            "message": sent_message(message),
            "service": message.service,
        },
    }


def media(file_id: str, url: str | None, filename: str) -> dict[str, Any]:
    """
    A file as a part of a message.
    """
    kind = "image/png" if filename.endswith(".png") else "audio/x-m4a"
    return {
        "type": "media",
        "id": file_id,
        "filename": filename,
        "mime_type": kind,
        "size_bytes": 1024,
        "url": url or f"https://cdn.linqapp.com/attachments/{file_id}",
    }


def sent(message: Message) -> dict[str, Any]:
    """
    ``MessageSendResponse`` and ``MessageUpdateAppCardResponse``.
    """
    return {"chat_id": message.chat.id, "message": sent_message(message)}


def created(message: Message) -> dict[str, Any]:
    """
    ``MessageCreateResponse``.
    """
    chat = message.chat
    reason = "new_best_number" if message.opens_chat else "reused_active_chat"
    return {
        "chat_id": chat.id,
        "created_new_chat": message.opens_chat,
        "from": chat.line,
        "from_selection": {"reason": reason, "reused_existing_chat": not message.opens_chat},
        "handles": handles(chat),
        "is_group": chat.is_group,
        "message": sent_message(message),
        "service": message.service,
    }


def voice_memo(message: Message) -> dict[str, Any]:
    """
    ``ChatSendVoicememoResponse``.
    """
    chat = message.chat
    file = {key: value for key, value in message.parts[0].items() if key != "type"}
    return {
        "voice_memo": {
            "id": message.id,
            "chat": {
                "id": chat.id,
                "handles": handles(chat),
                "is_active": True,
                "is_group": chat.is_group,
                "service": chat.service,
            },
            "created_at": rfc3339(message.created_at),
            "from": chat.line,
            "to": list(chat.handles),
            "status": "queued",
            "voice_memo": {**file, "duration_ms": 1000},
            "service": None,
        },
    }
