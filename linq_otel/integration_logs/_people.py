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
from typing import TYPE_CHECKING, Final, cast


if TYPE_CHECKING:
    from collections.abc import Iterator


_KEY: Final = os.urandom(32)
_SIZE: Final = 12
_ADDRESSES: Final = frozenset({"phone", "phonenumber", "mobilephone", "mobile", "from", "to",
                               "email", "fromnumber", "tonumber", "handle"})  # fmt: skip
_TEXTS: Final = frozenset({"message", "text", "hscommunicationbody", "description"})
_DEEPEST: Final = 4
_NANP: Final = 10


@dataclass(frozen=True, slots=True)
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
    return blake2b(text.encode("utf-8", "replace"), key=_KEY, digest_size=_SIZE).digest()


def find_people(body: object, address: str | None, pseudonym_key: str | None) -> People:
    """
    Find whom a request is about.

    Args:
        body: The request's body.
        address: What the URL names, if it names somebody.
        pseudonym_key: The organisation's key, for a hash that may be shown.
    """
    found = list(_walk(body, 0))
    addresses = [_plain(text) for kind, text in found if kind == "address"]
    if address is not None:
        addresses.append(_plain(address))
    texts = [text for kind, text in found if kind == "text"]
    if not addresses and not texts:
        return _NOBODY
    subjects = tuple(dict.fromkeys(keyed(text) for text in addresses if text))
    phone = next((text for text in addresses if text[:1] == "+"), None)
    phone_hash = _pseudonym(phone, pseudonym_key) if phone and pseudonym_key else None
    return People(
        subjects, keyed(" ".join(texts[0].lower().split())) if texts else None, phone_hash
    )


def _walk(value: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if isinstance(item, str):
                kind = _kind_of(key)
                if kind is not None and item:
                    yield kind, item
            elif isinstance(item, (dict, list)):
                yield from _walk(cast("object", item), depth + 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _walk(item, depth + 1)


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
    digits = re.sub(r"\D", "", address)
    if not digits:
        return ""
    return f"+1{digits}" if len(digits) == _NANP else f"+{digits}"


def _pseudonym(phone: str, key: str) -> str:
    return hmac.new(key.encode(), phone.encode(), sha256).hexdigest()[:16]
