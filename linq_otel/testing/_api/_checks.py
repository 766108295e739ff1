"""
What Linq refuses before it accepts a message, with the codes it refuses it with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from linq_otel.testing._state._errors import ApiError


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel.testing._state._messages import Chat


LONGEST_KEY = 255
LONGEST_TEXT = 10_000
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_URL = re.compile(r"\bhttps?://\S|\bwww\.\S", re.IGNORECASE)
# Calls that a chat of the wrong kind refuses.
_GROUP_ONLY = frozenset({
    "chats.leave_chat",
    "chats.participants.add",
    "chats.participants.remove",
    "chats.update",
})  # fmt: skip
_DIRECT_ONLY = frozenset({"chats.location.request"})
# What can still be asked about a chat that our line has left.
_READS = frozenset({
    "chats.retrieve",
    "chats.messages.list",
    "messages.retrieve",
    "messages.list_messages_thread",
    "messages.poll.retrieve",
})  # fmt: skip
_NEEDED = {
    "text": ("value",),
    "link": ("value",),
    "app_clip": ("value",),
    "imessage_app": ("app", "layout"),
    "media": (),
}


def check_key(key: object) -> None:
    """
    Idempotency keys are short strings.
    """
    if key is not None and (not isinstance(key, str) or len(key) > LONGEST_KEY):
        raise ApiError(400, 1005, f"idempotency_key is at most {LONGEST_KEY} characters")


def check_chat(name: str, chat: Chat) -> None:
    """
    Refuse a call that a chat of this kind does not allow.

    Args:
        name: The operation.
        chat: The chat it is about.
    """
    if chat.is_left and name not in _READS:
        raise ApiError(409, 2013)
    if name in _GROUP_ONLY and not chat.is_group:
        raise ApiError(409, 1006)
    if name in _DIRECT_ONLY and chat.is_group:
        raise ApiError(409, 2016)
    if name in _DIRECT_ONLY and chat.service != "iMessage":
        raise ApiError(409, 2017)


def check_first_message(parts: Sequence[dict[str, Any]]) -> None:
    """
    Refuse a link in the message that begins a chat, whether a part of its own or in a text.
    """
    if any(part["type"] == "link" or _URL.search(str(part.get("value", ""))) for part in parts):
        raise ApiError(400, 1005, "The first message of a chat may not hold a link")


def check_mentions(parts: Sequence[dict[str, Any]], *, is_group: bool) -> None:
    """
    Refuse a mention in a direct chat.
    """
    if not is_group and any(part.get("mention") for part in parts):
        raise ApiError(409, 2023)


def find_attachments(value: object) -> Iterator[object]:
    """
    Find every ``attachment_id`` in the parts of a message, however deep.
    """
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if key == "attachment_id" and inner is not None:
                yield inner
            yield from find_attachments(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from find_attachments(inner)


def get_content(body: dict[str, Any]) -> dict[str, Any]:
    """
    The ``message`` of a send, its parts checked.
    """
    message = get_object(get_field(body, "message"), "message")
    parts = get_list(message.get("parts") or [], "message.parts")
    if not parts and not message.get("experience"):
        raise ApiError(400, 1001, "message.parts is required")
    for part in parts:
        _check_part(part, message.get("preferred_service"))
    is_alone = len(parts) == 1
    if not is_alone and any(get_object(part, "message.parts")["type"] == "link" for part in parts):
        raise ApiError(400, 1004, "A link part must be the only part")
    check_key(message.get("idempotency_key"))
    return {**message, "parts": parts}


def _check_part(part: object, service: object) -> None:
    asked = get_object(part, "message.parts")
    kind = asked.get("type")
    names = _NEEDED.get(str(kind))
    if names is None or not all(asked.get(name) for name in names):
        raise ApiError(400, 1004)
    if kind == "text" and len(str(asked["value"])) > LONGEST_TEXT:
        raise ApiError(400, 1004, f"A text has at most {LONGEST_TEXT:,} characters")
    if kind == "imessage_app" and service in {"RCS", "SMS"}:
        raise ApiError(409, 2018)


def get_field(body: dict[str, Any], name: str) -> object:
    """
    A field that may not be missing: 400/1001.
    """
    value = body.get(name)
    if value is None or value in ("", []):
        raise ApiError(400, 1001, f"{name} is required")
    return value


def get_object(value: object, name: str) -> dict[str, Any]:
    """
    A value that must be a JSON object: 400/1003.
    """
    if not isinstance(value, dict):
        raise ApiError(400, 1003, f"{name} must be an object")
    return cast("dict[str, Any]", value)


def get_list(value: object, name: str) -> list[object]:
    """
    A value that must be a JSON array: 400/1003.
    """
    if not isinstance(value, list):
        raise ApiError(400, 1003, f"{name} must be a list")
    return cast("list[object]", value)


def get_people(body: dict[str, Any]) -> list[str]:
    """
    The handles in ``to``.
    """
    return [_person(who) for who in get_list(get_field(body, "to"), "to")]


def _person(who: object) -> str:
    return who if isinstance(who, str) and _EMAIL.fullmatch(who) else get_phone(who)


def get_phone(number: object) -> str:
    """
    A number in E.164 format: 400/1002.
    """
    if not isinstance(number, str) or not _E164.fullmatch(number):
        raise ApiError(400, 1002)
    return number
