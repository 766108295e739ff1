"""
What of a header, a body and an id may be kept.

Headers are kept by a list of the harmless ones and bodies are dropped, because a list of the
harmful ones is never complete. What is asked for all the same goes through names and patterns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, cast

from ._patterns import PHONE_ALONE, REDACTED, is_secret_word, redact_text


_KEPT_HEADERS: Final = frozenset({
    "cf-ray", "content-length", "content-type", "date", "retry-after", "sforce-limit-info",
    "version", "x-hubspot-correlation-id", "x-request-id", "x-sfdc-request-id", "x-trace-id",
})  # fmt: skip
_KEPT_PREFIXES: Final = ("x-ratelimit-", "x-hubspot-ratelimit-")
_SECRET_NAME: Final = re.compile(
    r"auth|cookie|token|secret|passw|session|api[-_ ]?key|signature|credential|private|csrf|hapikey"
    r"|^sid$",
    re.IGNORECASE,
)
_PERSONAL_NAMES: Final = frozenset({
    "address", "address1", "address2", "altphone", "birthdate", "body", "city", "company",
    "content", "description", "displayname", "email", "emailaddress", "firstname", "from",
    "fromnumber", "fullname", "handle", "hscommunicationbody", "html", "lastname", "message",
    "mobile", "mobilephone", "name", "notes", "phone", "phonenumber", "postalcode", "sender",
    "state", "street", "subject", "text", "title", "to", "tonumber", "username", "website",
    "zip",
})  # fmt: skip
_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.:=-]{0,127})", re.ASCII)
_ID_AT_MOST: Final = 128
_MASKED: Final = re.compile(r"[*•x]{3,}|\[?(?:redacted|masked|filtered|hidden)\]?", re.IGNORECASE)
_DEPTH_AT_MOST: Final = 32
_VALUE_AT_MOST: Final = 256


@lru_cache(maxsize=1_024)
def is_secret_name(name: str) -> bool:
    """
    Tell whether a header, field or parameter of this name holds a secret.
    """
    return _SECRET_NAME.search(name) is not None


@lru_cache(maxsize=1_024)
def is_kept_header(name: str) -> bool:
    """
    Tell whether the header *name*, in lower case, is known to be harmless.
    """
    return name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)


@lru_cache(maxsize=1_024)
def is_personal_name(name: str) -> bool:
    """
    Tell whether a field of this name holds a person's data or words.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _PERSONAL_NAMES or plain.removeprefix("hs") in _PERSONAL_NAMES


def is_masked(value: str) -> bool:
    """
    Tell whether *value* was hidden by somebody else already: then it is no value.
    """
    return _MASKED.fullmatch(value.strip()) is not None


def find_id(value: object, *, numeric: bool = True) -> str | None:
    """
    Return *value* as the id of a thing; None if it does not read like one.

    Args:
        value: What stands where an id should.
        numeric: False where digits alone are no id of this system, but a phone number perhaps.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isalnum() and text.isascii() and len(text) <= _ID_AT_MOST:
        # No secret and no address is letters and digits alone; a mask may be letters.
        if text.isalpha() and is_masked(text):
            return None
        return text if numeric or not text.isdecimal() else None
    # Of these characters no address can be made, and no mask.
    if _ID.fullmatch(text) is None or PHONE_ALONE.fullmatch(text) or is_secret_word(text):
        return None
    return text


def redact_value(
    value: object, name: str = "", depth: int = 0, *, keep_message: bool = False
) -> object:
    """
    Return a body with secrets, names, numbers and people's words replaced, its ids kept.

    Args:
        value: JSON.
        name: The name it stands under.
        depth: How deep it stands.
        keep_message: True of an error, whose ``message`` is a server's: patterns alone go over it.
    """
    if depth > _DEPTH_AT_MOST:
        return REDACTED
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {
            _safe_key(key): redact_value(item, key, depth + 1, keep_message=keep_message)
            for key, item in pairs
        }
    if isinstance(value, list):
        return [
            redact_value(item, name, depth + 1, keep_message=keep_message)
            for item in cast("list[object]", value)
        ]
    if value is None or isinstance(value, bool):
        return value
    is_told = keep_message and name == "message"
    if is_secret_name(name) or (is_personal_name(name) and not is_told):
        return REDACTED
    return redact_text(value) if isinstance(value, str) else _redact_number(value)


def _redact_number(value: object) -> object:
    text = str(value)
    return value if redact_text(text) == text else REDACTED


def _safe_key(key: str) -> str:
    return redact_text(key)


def shape_of(value: object, depth: int = 0) -> object:
    """
    Return the keys of a body with the types of their values.
    """
    if depth > _DEPTH_AT_MOST:
        return "…"
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {_safe_key(key): shape_of(item, depth + 1) for key, item in pairs}
    if isinstance(value, list):
        return [shape_of(item, depth + 1) for item in cast("list[object]", value)[:1]]
    return "null" if value is None else type(value).__name__


@lru_cache(maxsize=1_024)
def redact_message(text: str) -> str:
    """
    Return a server's sentence in one line, redacted and cut.
    """
    line = " ".join(redact_text(text).split())
    return line if len(line) <= _VALUE_AT_MOST else line[: _VALUE_AT_MOST - 1] + "…"
