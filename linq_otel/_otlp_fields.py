"""
Typed access to one object of protobuf's JSON, in the spellings seen from OTLP writers.

Kept apart so that the reader of spans says what a span is, and not how JSON is doubted.
Whatever is not as it should be is a ``ValueError`` naming the field.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, cast


if TYPE_CHECKING:
    from collections.abc import Mapping


def parse_enum(value: object, prefix: str, names: tuple[str, ...]) -> str:
    if isinstance(value, str) and not value.isdecimal():
        name = value.removeprefix(prefix)
        return name if name in names else names[0]
    number = 0 if value is None else to_int(value)
    return names[number] if 0 <= number < len(names) else names[0]


def get_time(holder: Mapping[str, object], key: str) -> int:
    nanoseconds = to_int(find_field(holder, key) or 0)
    if not 0 <= nanoseconds < 2**64:
        raise ValueError(f"{key} is out of range")
    return nanoseconds


def get_id(holder: Mapping[str, object], key: str, size: int) -> str:
    found = find_id(holder, key, size)
    if found is None:
        raise ValueError(f"{key} is missing")
    return found


def find_id(holder: Mapping[str, object], key: str, size: int) -> str | None:
    text = get_text(holder, key)
    try:
        raw = (
            bytes.fromhex(text) if len(text) == 2 * size else base64.b64decode(text, validate=True)
        )
    except ValueError as error:
        raise ValueError(f"{key} is no id") from error
    if len(raw) not in (0, size):
        raise ValueError(f"{key} is no id of {size} bytes")
    return raw.hex() if any(raw) else None


def to_int(value: object) -> int:
    if isinstance(value, (int, str)):
        return int(value)
    raise ValueError("a whole number is expected")


def get_text(holder: Mapping[str, object], key: str) -> str:
    value = find_field(holder, key)
    return "" if value is None else str(value)


def get_objects(holder: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value: object = find_field(holder, key) or []
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")  # noqa: TRY004 - as above.
    return [to_object(item) for item in cast("list[object]", value)]


def get_object(holder: Mapping[str, object], key: str) -> Mapping[str, object]:
    return to_object(find_field(holder, key) or {})


def to_object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("an object is expected")  # noqa: TRY004 - as above.
    return cast("dict[str, object]", value)


def find_field(holder: Mapping[str, object], key: str) -> object:
    if key in holder:
        return holder[key]
    return holder.get(re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), key))
