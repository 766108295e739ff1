"""
What of a header, a body and an id may be kept.

Headers are kept by a list of the harmless ones and bodies are dropped, because a list of the
harmful ones is never complete. What is asked for all the same goes through names and patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from ._patterns import (
    REDACTED,
    find_kinds,
    is_bad_word,
    is_secret_word,
    may_be_number,
    redact_text,
)


_KEPT_HEADERS: Final = frozenset({
    "cf-ray", "content-length", "content-type", "date", "retry-after", "sforce-limit-info",
    "version", "x-hubspot-correlation-id", "x-request-id", "x-sfdc-request-id", "x-trace-id",
})  # fmt: skip
# A header of limits is kept if each word of its name is one of these: names are written by people.
_LIMIT_HEADER: Final = re.compile(
    r"x-(?:hubspot-)?ratelimit(?:-(?:limit|max|remaining|reset|used|interval|milliseconds|seconds"
    r"|ms|daily|secondly|minutely|hourly|monthly|burst|policy|window|day|hour|minute|second|after"
    r"|retry|requests|bucket|resource)){1,6}"
)
_HTTP_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII
)
_LIMITS: Final = re.compile(r"[0-9][0-9,;=\s]{0,127}|api-usage=\d{1,15}/\d{1,15}", re.ASCII)
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,16}/[a-z0-9.+-]{1,64}", re.ASCII)
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
    "zip", "latitude", "longitude", "lat", "lng", "lon", "ssn", "dob", "age", "gender", "number",
    "ip", "ipaddress",
})  # fmt: skip
# Within a name: who a person is, or how to reach them.
_PERSON: Final = re.compile(
    r"phone|mobile|fax|whatsapp|sms.?number|msisdn|mail|(?:first|last|full|user|nick|given|family|sur"
    r"|middle|maiden|display|contact|customer|display)_?-?name|^name$|birth|address|postal|^zip",
    re.IGNORECASE,
)
# The segments of a path after which a person is named.
_PEOPLE: Final = frozenset({
    "name", "names", "number", "numbers", "user", "users", "person", "people", "member", "members",
    "customer", "customers", "client", "clients", "patient", "patients", "profile", "profiles",
    "handle", "handles", "by-name", "byname",
})  # fmt: skip
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]")
_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.:=-]{0,127})", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SEVEN_DIGITS: Final = re.compile(r"\d(?:\D{0,4}\d){6}", re.ASCII)
_ID_AT_MOST: Final = 128
_MASKED: Final = re.compile(r"[*•x]{3,}|\[?(?:redacted|masked|filtered|hidden)\]?", re.IGNORECASE)
# What machines write: names of fields, and the words they choose from a list.
_KEY: Final = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.:@$\[\]-]{0,63}|\d{1,6}", re.ASCII)
_ID_NAME: Final = re.compile(r"ids?$|uuid$|guid$|ref$", re.IGNORECASE)
_WORD_NAME: Final = re.compile(
    r"(?:type|status|direction|category|code|kind|event|channel|method|version|action|success"
    r"|currency|locale|timezone|operation|fields|policyname|lifecyclestage|error)$",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}|[0-9]{1,9}|true|false", re.ASCII)
_MACHINE: Final = re.compile(
    r"(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|[0-9a-f]{16,64}|(?=[A-Za-z]{0,32}\d)(?=\d{0,32}[A-Za-z])[A-Za-z0-9]{15,32}|true|false|\d{1,6}"
    r"|[A-Z]{2,32}(?:_[A-Z0-9]{1,32}){1,8}",
    re.ASCII,
)
_SENTENCES: Final = frozenset({
    "message", "error", "errordescription", "errormessage", "detail", "details", "msg",
})  # fmt: skip
_QUOTED: Final = re.compile(
    r"\"([^\"\n]+)\"|(?<!\w)'([^'\n]+)'(?!\w)|“([^“”\n]+)”|\u2018([^\u2018\u2019\n]+)\u2019|«([^«»\n]+)»|`([^`\n]+)`"
)
_SAID_WORD: Final = re.compile(r"\w+")
_DEPTH_AT_MOST: Final = 32
_VALUE_AT_MOST: Final = 256
_READ_AT_MOST: Final = 2_048
_MAX_ENTITY: Final = 96  # Characters of the longest number or address a cut may have halved.
_MAX_SAID: Final = 64
_RUN: Final = 3


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
    return name in _KEPT_HEADERS or _LIMIT_HEADER.fullmatch(name) is not None


@lru_cache(maxsize=4_096)
def redact_header(value: str) -> str:
    """
    Return the value of a header that is kept, if it is an id, a number or a date; else a mark.
    """
    text = value.strip()
    if not text or _MEDIA_TYPE.fullmatch(text.partition(";")[0].strip().lower()):
        return text.partition(";")[0].strip()
    if find_id(text) is not None or _HTTP_DATE.fullmatch(text):
        return text
    match = _LIMITS.match(text[:_VALUE_AT_MOST])
    if match is None:
        return REDACTED
    kept = match[0].strip()
    return kept if "/" in kept else redact_text(kept)


def find_media_type(content_type: str) -> str | None:
    """
    Return the media type of a ``Content-Type``; None if it reads like none.
    """
    text = content_type[:_VALUE_AT_MOST].partition(";")[0].strip().lower()
    return text if _MEDIA_TYPE.fullmatch(text) else None


@lru_cache(maxsize=1_024)
def is_personal_name(name: str) -> bool:
    """
    Tell whether a field of this name holds a person's data or words.
    """
    plain = _NOT_LETTERS.sub("", name.lower())
    is_listed = plain in _PERSONAL_NAMES or plain.removeprefix("hs") in _PERSONAL_NAMES
    return is_listed or says_person(name)


@lru_cache(maxsize=1_024)
def says_person(name: str) -> bool:
    """
    Tell whether a field of this name says who a person is, or how to reach them.
    """
    return _PERSON.search(name[:_VALUE_AT_MOST]) is not None


def precedes_person(segment: str) -> bool:
    """
    Tell whether a person may be named by what follows *segment* in a path.
    """
    return segment.lower() in _PEOPLE or says_person(segment)


def is_key(name: str) -> bool:
    """
    Tell whether *name* reads like the name of a field, and holds nothing of a person.
    """
    return _KEY.fullmatch(name) is not None and not find_kinds(name)


def is_masked(value: str) -> bool:
    """
    Tell whether *value* was hidden by somebody else already: then it is no value.
    """
    return _MASKED.fullmatch(value.strip()) is not None


def find_id(value: object, *, numeric: bool | None = None) -> str | None:  # noqa: PLR0911  # A gate each.
    """
    Return *value* as the id of a thing; None if it does not read like one.

    Args:
        value: What stands where an id should.
        numeric: True where things are numbered, so digits alone are an id; False where they are
            none; None where they are one unless they may be a phone number.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _READ_AT_MOST:
        return None
    text = value.strip()
    if text.isalnum() and text.isascii() and len(text) <= _ID_AT_MOST:
        if text.isdecimal():
            may_be = not may_be_number(text) if numeric is None else numeric
            return text if may_be else None
        # A mask may be letters alone, and a number may have an extension.
        is_bad = is_masked(text) if text.isalpha() else is_bad_word(text)
        return None if is_bad else text
    if _UUID.fullmatch(text):
        return text
    # Of these characters no mask can be made, and no number without seven digits.
    if _ID.fullmatch(text) is None or is_secret_word(text):
        return None
    return None if _SEVEN_DIGITS.search(text) and find_kinds(text) else text


@dataclass(frozen=True, slots=True)
class BodyRules:
    """
    What may be kept of a body besides its ids, its dates and the words of a list.

    Attributes:
        is_error: True keeps its ``message``, which is a server's, as a sentence.
        said: What the request said, from :func:`words_of`: a server may quote it.
        numeric: True where things are numbered, so a long number is an id where its name says so.
    """

    is_error: bool = False
    said: frozenset[tuple[str, ...]] = frozenset()
    numeric: bool | None = None


_NO_RULES: Final = BodyRules()


def redact_value(  # noqa: PLR0911  # A kind of value each.
    value: object, rules: BodyRules = _NO_RULES, name: str = "", depth: int = 0
) -> object:
    """
    Return a body with everything but its ids, its dates and the words of a list replaced.

    People write under any name, so text is kept by what it looks like and by what its name says,
    not by a list of names that are known to be harmful.

    Args:
        value: JSON.
        rules: What else may be kept.
        name: The name it stands under.
        depth: How deep it stands.
    """
    if depth > _DEPTH_AT_MOST:
        return REDACTED
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {_safe_key(key): redact_value(item, rules, key, depth + 1) for key, item in pairs}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [redact_value(item, rules, name, depth + 1) for item in items]
    if value is None or isinstance(value, bool):
        return value
    kind = _kind_of(name)
    if rules.is_error and isinstance(value, str) and _is_sentence(name):
        return hide_said(redact_message(value), rules.said)
    if kind == "personal":
        return REDACTED
    if kind == "id" and rules.numeric and find_id(value, numeric=True) is not None:
        return value
    return _redact_word(value, kind) if isinstance(value, str) else _redact_number(value)


@lru_cache(maxsize=4_096)
def _kind_of(name: str) -> str:
    if is_secret_name(name) or is_personal_name(name):
        return "personal"
    if _ID_NAME.search(name):
        return "id"
    return "word" if _WORD_NAME.search(name) else "other"


@lru_cache(maxsize=1_024)
def _is_sentence(name: str) -> bool:
    return _NOT_LETTERS.sub("", name.lower()) in _SENTENCES


def _redact_word(text: str, kind: str) -> str:
    if not text:
        return text
    if len(text) > _ID_AT_MOST:
        return REDACTED
    if kind == "id":
        is_kept = find_id(text) is not None
    elif kind == "word" and _WORD.fullmatch(text):
        is_kept = not find_kinds(text)
    else:
        is_kept = bool(_MACHINE.fullmatch(text) or _UUID.fullmatch(text)) and not find_kinds(text)
    return text if is_kept else REDACTED


def _redact_number(value: object) -> object:
    text = str(value)
    return value if redact_text(text) == text else REDACTED


@lru_cache(maxsize=4_096)
def _safe_key(key: str) -> str:
    return key if is_key(key) else REDACTED


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
    Return a server's sentence in one line, redacted and cut, without the text it quotes.
    """
    # Cut first: an answer may be megabytes, and the search costs some µs for each hundred.
    cut = text[:_READ_AT_MOST]
    line = " ".join(redact_text(_QUOTED.sub(_hide_quoted, cut)).split())
    if len(text) > len(cut):
        line = line[: max(0, len(line) - _MAX_ENTITY)] + "…"
    return line if len(line) <= _VALUE_AT_MOST else line[: _VALUE_AT_MOST - 1] + "…"


def _hide_quoted(match: re.Match[str]) -> str:
    """
    Keep the name of a field that is quoted; people's words are not told from it but by spaces.
    """
    quoted = next(group for group in match.groups() if group is not None)
    if _KEY.fullmatch(quoted) or "@" in quoted:
        return match[0]  # An address has a pattern of its own.
    return f"{match[0][0]}{{text}}{match[0][-1]}"


def words_of(body: object) -> frozenset[tuple[str, ...]]:
    """
    Return what people said in a request: each three words in a row, and what is shorter whole.
    """
    found: set[tuple[str, ...]] = set()
    texts: list[str] = []
    _gather_texts(body, "", 0, texts)
    for text in texts:
        words = _SAID_WORD.findall(text[:_READ_AT_MOST].lower())
        if 0 < len(words) < _RUN:
            found.add(tuple(words))
        found.update(zip(words, words[1:], words[2:], strict=False))
    return frozenset(found)


def _gather_texts(value: object, name: str, depth: int, texts: list[str]) -> None:
    if depth > _DEPTH_AT_MOST or len(texts) >= _MAX_SAID:
        return
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            _gather_texts(item, key, depth + 1, texts)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _gather_texts(item, name, depth + 1, texts)
    elif isinstance(value, str) and (is_personal_name(name) or " " in value.strip()):
        texts.append(value)


def hide_said(line: str, said: frozenset[tuple[str, ...]]) -> str:
    """
    Return *line* without what the request said, from :func:`words_of`.
    """
    if not said:
        return line
    words = list(_SAID_WORD.finditer(line))
    plain = [word[0].lower() for word in words]
    hidden: set[int] = set()
    for at in range(len(words)):
        for length in range(1, _RUN + 1):
            if tuple(plain[at : at + length]) in said:
                hidden.update(range(at, min(at + length, len(words))))
    made: list[str] = []
    end = 0
    for at, word in enumerate(words):
        if at in hidden:
            made.append("" if at - 1 in hidden else line[end : word.start()] + "{text}")
        else:
            made.append(line[end : word.end()])
        end = word.end()
    return "".join([*made, line[end:]])
