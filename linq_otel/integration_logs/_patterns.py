"""
What a secret, an address and a phone number look like, wherever they stand.

Field names say most of what has to go; these patterns catch what people put into other fields and
what servers quote back in their errors. They are one line of defence and not the only one.
"""

from __future__ import annotations

import re
from typing import Final


REDACTED: Final = "REDACTED"

_NAME: Final = (
    r"(?:hapikey|[a-z_-]*(?:token|secret|passw(?:or)?d|api[-_]?key|session(?:[-_]?id)?|sid"
    r"|signature|credentials?))"
)
_SECRETS: Final = (
    r"\b(?:bearer|basic|digest)\s+(?!REDACTED)[A-Za-z0-9._~+/=!:-]{4,}",
    r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?",
    r"\bpit-[0-9A-Za-z-]{8,}",
    r"\bpat-[A-Za-z0-9]+-[0-9A-Za-z-]{8,}",
    r"\b00D[0-9A-Za-z]{6,15}![0-9A-Za-z._!-]+",
    r"\bwhsec_[A-Za-z0-9+/=_-]+",
    r"\b(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{8,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*",
    # A name of a secret with its value; after a colon, where sentences go on, one with a digit.
    rf"\b{_NAME}[\"']?\s*=\s*(?!REDACTED)[\"']?[^\s\"'&,;}}]+",
    rf"\b{_NAME}[\"']?\s*:\s*[\"']?(?=[^\s\"'&,;}}]*\d)[^\s\"'&,;}}]{{4,}}",
)
_BREAK: Final = r"\s@\"'<>(){}\[\],;:=&?/"
_EMAIL: Final = rf"(?<![^{_BREAK}])(?!REDACTED@)[^{_BREAK}]+(?:@|%40)[^{_BREAK}%]+"
# E.164 with whatever separates its groups; ten or more digits in the groups of a phone number; and
# any ten to fifteen digits at a stretch, because nothing tells them from a number.
_PHONE: Final = (
    r"(?:\+|%2B)[ \t.\-()]*\d(?:[ \t.\-()]{0,3}\d){5,14}",
    r"(?<![\w.-])(?:1[ \t.-]?)?(?:\(\d{3}\)[ \t.-]?|\d{3}[ \t.-])\d{3}[ \t.-]?\d{4}(?![\w-])",
    r"(?<![\w.-])\d{3}[ \t.-]\d{4}(?![\w-])",
    r"(?<![\w-])\d{10,15}(?![\w-])",
)
# The marks of secrets alone, for what holds no spaces: an id, of which many have three digits.
_SECRET_MARKS: Final = re.compile(
    r"eyJ|secret|token|passw|key|session|sid|signature|credential|pit-|pat-|whsec|_live_|_test_",
    re.IGNORECASE,
)
# Over a pattern of the whole, one that can only begin where it may: text without any of these
# marks holds nothing to be found, and most text has none.
_MARKS: Final = re.compile(
    rf"@|%40|%2b|\+|\d{{3}}|00D|bearer|basic|digest|BEGIN|{_SECRET_MARKS.pattern}", re.IGNORECASE
)
_SECRET: Final = re.compile("|".join(_SECRETS), re.IGNORECASE | re.DOTALL)
_ADDRESS: Final = re.compile(_EMAIL)
_NUMBER: Final = re.compile("|".join(_PHONE), re.IGNORECASE | re.ASCII)
_KINDS: Final = (("secret", _SECRET), ("email", _ADDRESS), ("phone", _NUMBER))

PHONE_ALONE: Final = re.compile(r"(?:\+|%2B)?[\d ().\t-]{7,24}", re.IGNORECASE | re.ASCII)
EMAIL_ALONE: Final = re.compile(r"[^\s@/]+(?:@|%40)[^\s@/]+", re.IGNORECASE)


def redact_text(text: str) -> str:
    """
    Return *text* with every secret, address and number in it replaced by its kind.
    """
    if _MARKS.search(text) is None:
        return text
    for kind, pattern in _KINDS:
        text = pattern.sub(REDACTED if kind == "secret" else f"{{{kind}}}", text)
    return text


def is_secret_word(word: str) -> bool:
    """
    Tell whether *word*, of letters, digits and ``_.:=-``, is or holds a secret.
    """
    return _SECRET_MARKS.search(word) is not None and _SECRET.search(word) is not None


def find_kinds(text: str) -> set[str]:
    """
    Tell which kinds of things that must not be shown stand in *text*.
    """
    if _MARKS.search(text) is None:
        return set()
    return {kind for kind, pattern in _KINDS if pattern.search(text)}
