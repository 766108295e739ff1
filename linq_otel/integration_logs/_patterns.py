"""
Finds secrets, e-mail addresses and phone numbers in text.

Every text goes through one normal form first (:func:`normalize`): digits, dashes and spaces of any
script, percent-encoding and character references become the ASCII they mean, and the patterns look
at that alone. No pattern takes more than linear time: each repeat is bounded, or consumes what it
has looked at.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote


REDACTED: Final = "REDACTED"

_MAX_ROUNDS: Final = 4
_STACKED: Final = re.compile(r"%(?:25)+(?=[0-9a-f]{2})", re.IGNORECASE)
_ESCAPES: Final = re.compile(
    r"&#x(?P<hex>[0-9a-f]{1,6});?|&#(?P<decimal>\d{1,7});?|\\u(?P<unicode>[0-9a-f]{4})"
    r"|\\x(?P<byte>[0-9a-f]{2})|&(?P<name>commat|plus|nbsp|period|lpar|rpar|quot);",
    re.IGNORECASE | re.ASCII,
)
_ENTITIES: Final = {
    "commat": "@", "plus": "+", "nbsp": " ", "period": ".", "lpar": "(", "rpar": ")", "quot": '"',
}  # fmt: skip
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_NAMED: Final = (
    r"(?:hapikey|token|secret|passw(?:or)?d|api[-_]?key|session(?:[-_]?id)?|sid|signature"
    r"|credentials?)"
)
_VALUE: Final = r"[^\s\"'&,;}]"
# Of tokens that name themselves: what an issuer puts before each.
_TOKENS: Final = (
    r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*",
    r"pit-[0-9A-Za-z-]{8,}",
    r"pat-[A-Za-z0-9]+-[0-9A-Za-z-]{8,}",
    r"00D[0-9A-Za-z]{6,15}![0-9A-Za-z._!-]+",
    r"whsec_[A-Za-z0-9+/=_-]+",
    r"(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{8,}",
    r"linq_(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9_-]{8,}",
    r"linq_(?:live|test|sk|pk|key|api|secret)_[A-Za-z0-9_-]{8,}",
    r"gh[pousr]_[A-Za-z0-9]{12,}",
    r"github_pat_[A-Za-z0-9_]{12,}",
    r"glpat-[A-Za-z0-9_-]{12,}",
    r"xox[a-z]-[A-Za-z0-9-]{6,}",
    r"xapp-[A-Za-z0-9-]{6,}",
    r"(?-i:A(?:KIA|SIA|BIA|CCA|ROA|IDA)[A-Z0-9]{12,})",
    r"(?-i:AIza[A-Za-z0-9_-]{20,})",
    r"ya29\.[A-Za-z0-9_-]{8,}",
    r"(?-i:SG\.[A-Za-z0-9_-]{12,}[A-Za-z0-9_.-]*)",
    r"sk-[A-Za-z0-9_-]{16,}",
    r"(?:hf|npm)_[A-Za-z0-9]{16,}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-f]{12,}",
    r"sq0[a-z]{3}-[A-Za-z0-9_-]{12,}",
    r"(?-i:(?:AC|SK)[0-9a-f]{32})",
    r"(?-i:EAA[A-Za-z0-9]{30,})",
    r"hooks\.slack\.com/services/[A-Za-z0-9/]+",
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*",
)
_SECRET: Final = re.compile(
    r"\b(?P<scheme>bearer|basic|digest)\s{1,8}(?!REDACTED)[A-Za-z0-9._~+/=!:-]{4,}"
    rf"|(?<![A-Za-z0-9])(?:{'|'.join(_TOKENS)})"
    rf"|(?P<given>{_NAMED}[\"']?\s{{0,8}}=\s{{0,8}}[\"']?)(?!REDACTED){_VALUE}+"
    # After a colon or a space, where sentences go on, a value with a digit: see `_hide_secret`.
    rf"|(?P<named>{_NAMED}[\"']?\s{{0,8}}:\s{{0,8}}[\"']?)(?!REDACTED)(?P<said>{_VALUE}{{4,}})"
    rf"|(?P<spoken>{_NAMED}\s{{1,4}}[\"']?)(?P<word>[A-Za-z0-9._~+/=-]{{16,}})",
    re.IGNORECASE | re.DOTALL,
)
_BREAK: Final = r"\s@\"'<>(){}\[\],;:=&?/"
_ADDRESS: Final = re.compile(
    rf"\"[^\"\n]{{1,64}}\"@[^{_BREAK}]+|(?<![^{_BREAK}])(?!REDACTED@)[^{_BREAK}]+@[^{_BREAK}%]+"
)
_BETWEEN: Final = r"[\s.\-()/_*~,+|]{0,4}"
# Ids and moments that are known by their form are kept; what is left of seven digits and more, in
# groups or not, is judged by `_is_number`.
_NUMBER: Final = re.compile(
    r"(?<![0-9A-Za-z])(?P<kept>"
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9a-z])"
    r"|1-[0-9a-f]{8}-[0-9a-f]{24}(?![0-9a-z])"
    r"|(?=[0-9]{0,64}[a-f])[0-9a-f]{16,64}(?![0-9a-z])"
    r"|(?:19|20)\d\d-(?:0\d|1[0-2])-[0-3]\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?!\d)"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))"
    r"|(?:(?<![0-9A-Za-z])|(?<=tel)|(?<=fax)|(?<=sms)|(?<=cell)|(?<=phone)|(?<=mobile)|(?<=number)"
    rf"|(?<=whatsapp))(?P<number>(?P<plus>\+{_BETWEEN})?\(?\d(?:{_BETWEEN}\d){{6,}})"
    r"(?P<extension>\s{0,2}(?:x|ext\.?|extension|#)[\s:.]{0,3}\d{1,7})?",
    re.IGNORECASE | re.ASCII,
)
_DATES: Final = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d-(?:0\d|1[0-2])-[0-3]\d|[0-3]?\d[/.-][0-3]?\d[/.-](?:19|20)\d\d)(?!\d)",
    re.ASCII,
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+", re.ASCII)
_LOCAL: Final = re.compile(r"\(?\d{3}\)?[\s.-]\d{4}|\d{4}[\s-]\d{4}", re.ASCII)
_RATIO: Final = re.compile(r"[1-9]\d{0,5}/\d{1,6}", re.ASCII)
_RUN: Final = re.compile(r"[0-9A-Za-z]{0,32}", re.ASCII)
_NOT_DIGITS: Final = re.compile(r"\D+", re.ASCII)
_NUMBER_DIGITS: Final = range(7, 16)
_LONG_RUN: Final = range(10, 16)
_SALESFORCE_IDS: Final = frozenset({15, 18})

_SECRET_MARKS: Final = re.compile(
    r"eyJ|secret|token|passw|key|session|sid|signature|credential|pit-|pat[-_]|whsec|_live_|_test_"
    r"|00D|linq_|gh[pousr]_|glpat|xox|xapp|A(?:KIA|SIA|BIA|CCA|ROA|IDA)|AIza|ya29|SG\.|sk-|hf_|npm_"
    r"|pypi-|shp[acs]|sq0|AC[0-9a-f]{8}|SK[0-9a-f]{8}|EAA|hooks\.slack",
    re.IGNORECASE,
)
# Over a pattern of the whole, one that can only begin where it may: text without any of these
# marks holds nothing to be found, and most text has none.
_MARKS: Final = re.compile(
    rf"@|%[0-9a-f]{{2}}|&#|&[a-z]+;|\\[ux]|\d{_BETWEEN}\d{_BETWEEN}\d|bearer|basic|digest|BEGIN"
    rf"|{_SECRET_MARKS.pattern}",
    re.IGNORECASE | re.ASCII,
)
# Ids of letters and digits alone that are a number, or a token, nevertheless.
_BAD_WORD: Final = re.compile(
    r"(?:tel|fax|sms|cell|phone|mobile|number|whatsapp)?\d{7,15}(?:(?:x|ext)\d{1,7})\Z"
    r"|(?:tel|fax|sms|cell|phone|mobile|number|whatsapp)\d{7,15}\Z"
    r"|(?-i:A(?:KIA|SIA|BIA|CCA|ROA|IDA)[A-Z0-9]{12,}|AIza|EAA[A-Za-z0-9]{30,}"
    r"|(?:AC|SK)[0-9a-f]{32}\Z|eyJ)",
    re.IGNORECASE | re.ASCII,
)


class _Plain(dict[int, "str | None"]):
    """
    The ASCII that characters of other scripts mean, as far as numbers and addresses are concerned.
    """

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        plain: str | None = character
        if category == "Nd":
            plain = str(unicodedata.decimal(character))
        elif category == "Pd" or character == "\N{MINUS SIGN}":
            plain = "-"
        elif category in {"Zs", "Zl", "Zp"}:
            plain = " "
        elif category in {"Cf", "Me"} or "\ufe00" <= character <= "\ufe0f":
            plain = None  # Invisible: a joiner, a mark of direction, a soft hyphen.
        elif character in "·•∙⋅・":
            plain = "."
        elif character in "\N{DIVISION SLASH}\N{FRACTION SLASH}":
            plain = "/"
        if len(self) < 4_096:  # noqa: PLR2004  # Bounded.
            self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def normalize(text: str) -> str | None:
    """
    Return the ASCII that *text* means; None if it is encoded more often than anything is.
    """
    for _ in range(_MAX_ROUNDS):
        plain = text
        if not plain.isascii():
            plain = unicodedata.normalize("NFKC", plain).translate(_PLAIN)
        if "%" in plain:
            plain = unquote(_STACKED.sub("%", plain))
        if "&" in plain or "\\" in plain:
            plain = _ESCAPES.sub(_decode, plain)
        if plain == text:
            return plain
        text = _CONTROLS.sub(" ", plain)
    return None


def _decode(match: re.Match[str]) -> str:
    name = match["name"]
    if name is not None:
        return _ENTITIES[name.lower()]
    digits = match["hex"] or match["unicode"] or match["byte"]
    code = int(digits, 16) if digits else int(match["decimal"])
    is_character = code < 0x110000 and not 0xD800 <= code < 0xE000  # noqa: PLR2004  # Unicode's.
    return chr(code) if is_character else "\N{REPLACEMENT CHARACTER}"


def redact_text(text: str) -> str:
    """
    Return *text* with every secret, address and number in it replaced by its kind.

    Text that holds none is returned as it was; other text in its normal form.
    """
    if text.isascii() and _MARKS.search(text) is None:
        return text
    plain = normalize(text)
    if plain is None:
        return REDACTED
    made = _NUMBER.sub(_hide_number, _ADDRESS.sub("{email}", _SECRET.sub(_hide_secret, plain)))
    return text if made == plain else made


def find_kinds(text: str) -> set[str]:
    """
    Tell which kinds of things that must not be shown stand in *text*.
    """
    if text.isascii() and _MARKS.search(text) is None:
        return set()
    plain = normalize(text)
    if plain is None:
        return {"secret"}
    found: set[str] = set()
    if _SECRET.sub(_hide_secret, plain) != plain:
        found.add("secret")
    if _ADDRESS.search(plain):
        found.add("email")
    if _NUMBER.sub(_hide_number, plain) != plain:
        found.add("phone")
    return found


def is_secret_word(word: str) -> bool:
    """
    Tell whether *word*, of letters, digits and ``_.:=-``, is or holds a secret.
    """
    return _SECRET_MARKS.search(word) is not None and _SECRET.sub(_hide_secret, word) != word


def is_bad_word(word: str) -> bool:
    """
    Tell whether *word*, of ASCII letters and digits alone, is a number with letters, or a token.
    """
    return _BAD_WORD.match(word) is not None


def may_be_number(digits: str) -> bool:
    """
    Tell whether *digits*, with nothing between them, may be a phone number.
    """
    return len(digits) in _LONG_RUN


def _hide_secret(match: re.Match[str]) -> str:
    name = match["given"]
    if name is None and match["named"] is not None:
        name = match["named"] if _has_digit(match["said"]) else None
    elif name is None and match["spoken"] is not None:
        name = match["spoken"] if _has_digit(match["word"]) else None
    elif name is None:
        return REDACTED
    return match[0] if name is None else f"{name}{REDACTED}"


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _hide_number(match: re.Match[str]) -> str:
    return "{phone}" if match["kept"] is None and _is_number(match) else match[0]


def _is_number(match: re.Match[str]) -> bool:
    number = match["number"]
    if match["plus"] or match["extension"] or _has_name(match):
        return True
    if number.isdecimal():
        return len(number) in _LONG_RUN and not _is_in_id(match)
    if _THOUSANDS.fullmatch(number) or _RATIO.fullmatch(number):
        return False
    count = len(_NOT_DIGITS.sub("", _DATES.sub(" ", number)))
    return count > 8 or (count in _NUMBER_DIGITS and _LOCAL.search(number) is not None)  # noqa: PLR2004


def _has_name(match: re.Match[str]) -> bool:
    at = match.start()
    return at > 0 and match.string[at - 1].isalpha()


def _is_in_id(match: re.Match[str]) -> bool:
    """
    Tell whether letters follow at once, as in an id of Salesforce.
    """
    after = _RUN.match(match.string, match.end())
    letters = after[0] if after else ""
    return bool(letters) and len(match["number"]) + len(letters) in _SALESFORCE_IDS
