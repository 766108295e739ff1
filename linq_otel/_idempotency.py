"""
The idempotency key a user gave a message, wherever Linq takes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from ._json import as_mapping


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


FIELD: Final = "idempotency_key"
"""The field of a message or a poll that holds it."""
HEADER: Final = "Idempotency-Key"
"""The header that holds it, for the calls that document one."""

_LOWER_HEADER: Final = HEADER.lower()
_PARTS: Final = ("message", "poll")
_LONGEST_BODY: Final = 1024 * 1024


def find_idempotency_key(body: object, headers: Mapping[str, object]) -> str | None:
    """
    Return the user's key: in the message, in the poll, or in a header.

    Args:
        body: The request's body, parsed.
        headers: Its headers, under names in any case.
    """
    body = as_mapping(body)
    for part in _PARTS:
        key = as_mapping(body.get(part)).get(FIELD)
        if isinstance(key, str) and key:
            return key
    for name, value in headers.items():
        if isinstance(value, str) and value and _is_header(name):
            return value
    return None


def mentions_idempotency_key(body: object, header_names: Iterable[str]) -> bool:
    """
    Tell whether a request says anything of a key: one, an empty one, or null for none.

    Args:
        body: As for `find_idempotency_key`.
        header_names: The names of its headers, in any case.
    """
    body = as_mapping(body)
    objects = (body, *(as_mapping(body.get(part)) for part in _PARTS))
    return any(FIELD in each for each in objects) or any(map(_is_header, header_names))


def _is_header(name: str) -> bool:
    return name.lower() == _LOWER_HEADER


def parse_body(body: object) -> object:
    """
    Parse a body that lies there as bytes or text; None for any other, and for no JSON.

    A stream, a file or a form is left alone: reading it would take it from
    the request.
    """
    if not isinstance(body, (bytes, bytearray, str)) or not 0 < len(body) <= _LONGEST_BODY:
        return None
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed
