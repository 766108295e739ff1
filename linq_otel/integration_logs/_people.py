"""
Whom a call is about and which text it carries, so that two calls can be compared, and nothing told.

A bare hash of a phone number is reversible by listing every number there is, so each is keyed: with
a key made up for this process, or with the organisation's own where a pseudonym is asked for.
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final, cast


# Copied for each text: half of the cost of hashing one is to take in the key.
_KEYED: Final = blake2b(key=os.urandom(32), digest_size=12)
_ADDRESSES: Final = frozenset({"phone", "phonenumber", "mobilephone", "mobile", "from", "to",
                               "email", "fromnumber", "tonumber", "handle"})  # fmt: skip
_TEXTS: Final = frozenset({"message", "text", "hscommunicationbody", "description"})
_NOT_DIGITS: Final = re.compile(r"\D")
_DEEPEST: Final = 4
_NANP: Final = 10


@dataclass(slots=True)
class People:
    """
    Keyed hashes of addresses and of a text.

    Attributes:
        subjects: Of each phone number and e-mail address.
        text_key: Of the text, its spaces and capitals not counted.
        phone_hash: Of the first phone number under the organisation's key, 16 hexadecimal digits.
    """

    subjects: tuple[bytes, ...] = ()
    text_key: bytes | None = None
    phone_hash: str | None = None


_NOBODY: Final = People()


def keyed(text: str) -> bytes:
    """
    Hash *text* with the key of this process.
    """
    return start_keyed(text).digest()


def start_keyed(text: str) -> blake2b:
    """
    Begin such a hash with *text*; what is added may be hashed further.
    """
    begun = _KEYED.copy()
    begun.update(text.encode("utf-8", "replace"))
    return begun


def find_people(body: object, address: str | None, pseudonym_key: str | None) -> People:
    """
    Find whom a request is about.

    Args:
        body: The request's body.
        address: What the URL names, if it names somebody.
        pseudonym_key: The organisation's key, for a hash that may be shown.
    """
    told: list[str] = []
    texts: list[str] = []
    _walk(body, 0, told, texts)
    if address is not None:
        told.append(address)
    if not told and not texts:
        return _NOBODY
    text_key = keyed(" ".join(texts[0].lower().split())) if texts else None
    if not told:
        return People((), text_key)
    addresses = [_plain(text) for text in told]
    subjects = tuple(dict.fromkeys(keyed(text) for text in addresses if text))
    phone = next((text for text in addresses if text[:1] == "+"), None)
    phone_hash = _pseudonym(phone, pseudonym_key) if phone and pseudonym_key else None
    return People(subjects, text_key, phone_hash)


def _walk(value: object, depth: int, addresses: list[str], texts: list[str]) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if isinstance(item, str):
                kind = _kind_of(key) if item else None
                if kind is not None:
                    (addresses if kind == "address" else texts).append(item)
            elif isinstance(item, (dict, list)):
                _walk(cast("object", item), depth + 1, addresses, texts)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _walk(item, depth + 1, addresses, texts)


@lru_cache(maxsize=1_024)
def _kind_of(key: str) -> str | None:
    plain = key.replace("_", "").lower()
    if plain in _ADDRESSES:
        return "address"
    return "text" if plain in _TEXTS else None


def _plain(address: str) -> str:
    """
    Return one spelling of a number (``+15551230001``) or an address.
    """
    if "@" in address or "%40" in address:
        return address.replace("%40", "@").strip().lower()
    digits = _NOT_DIGITS.sub("", address)
    if not digits:
        return ""
    return f"+1{digits}" if len(digits) == _NANP else f"+{digits}"


def _pseudonym(phone: str, key: str) -> str:
    return hmac.new(key.encode(), phone.encode(), sha256).hexdigest()[:16]
