"""
What Linq refuses before it accepts a message, with the codes it refuses it with.
"""

from __future__ import annotations

import re
from typing import Any, cast

from linq_otel.testing._state._errors import ApiError


LONGEST_KEY = 255
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
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


def get_content(body: dict[str, Any]) -> dict[str, Any]:
    """
    The ``message`` of a send, its parts checked.
    """
    message = get_object(get_field(body, "message"), "message")
    parts = get_list(message.get("parts") or [], "message.parts")
    if not parts and not message.get("experience"):
        raise ApiError(400, 1001, "message.parts is required")
    for part in parts:
        _check_part(part)
    check_key(message.get("idempotency_key"))
    return {**message, "parts": parts}


def _check_part(part: object) -> None:
    asked = get_object(part, "message.parts")
    names = _NEEDED.get(str(asked.get("type")))
    if names is None or not all(asked.get(name) for name in names):
        raise ApiError(400, 1004)


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
