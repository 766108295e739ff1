"""
The CRM's own trace id: where it stands in an answer, and which trace it names.

It is not Linq's: the body "is the content returned by the external API". Ids are taken by the field
they stand in, never by their looks: Salesforce's request id has 32 hexadecimal digits and is none.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from ._entries import CrmTrace
from ._fields._headers import first
from ._patterns import find_kinds
from ._redaction import is_masked


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._findings import Findings


_NAMES: Final = ("traceId", "trace_id", "traceID", "traceid")
_INSIDE: Final = ("error", "meta", "data")
_DEEPEST: Final = 3
_HEADERS: Final = ("x-trace-id", "trace-id", "traceid")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LONGEST: Final = 256
_NONE: Final = frozenset({"", "null", "none", "undefined", "-", "n/a", "nan", "0"})

_HEX32: Final = re.compile(r"[0-9a-f]{32}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_HEX16: Final = re.compile(r"[0-9a-f]{16}")
_NOT_HEX: Final = re.compile(r"[^0-9a-z]")
_XRAY: Final = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_TAG: Final = b"linq_otel/trace/v1\0"


def find_crm_trace(
    field: object,
    body: object,
    headers: Mapping[str, tuple[str, ...]],
    message: str | None,
    findings: Findings,
) -> CrmTrace | None:
    """
    Find the CRM's trace id: in its field, the answer's body, its headers, its error's text.
    """
    candidates: list[tuple[str, object]] = [] if field is None else [("field", field)]
    _search(body, 1, candidates)
    for name in _HEADERS:
        if name in headers:
            candidates.append(("header", first(headers, name)))  # noqa: PERF401  # Seldom.
    found: list[tuple[str, str]] = []
    for source, value in candidates:
        raw = _read(value, findings)
        if raw is not None:
            found.append((raw, source))
    if not found:
        match = _UUID.search(message.lower()) if message else None
        return CrmTrace(match[0], "error_text") if match else None
    if len(found) > 1 and len({raw.lower() for raw, _ in found}) > 1:
        findings.warn("several_trace_ids")
    return CrmTrace(*found[0])


def _search(body: object, depth: int, candidates: list[tuple[str, object]]) -> None:
    if not isinstance(body, dict) or depth > _DEEPEST:
        return
    holder = cast("dict[str, object]", body)
    for name in _NAMES:
        if name in holder:
            candidates.append(("body", holder[name]))  # noqa: PERF401  # Once, mostly.
    for name in _INSIDE:
        if name in holder:
            _search(holder[name], depth + 1, candidates)


def _read(value: object, findings: Findings) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        findings.warn("trace_id_unreadable")
        return None
    text = value.strip().strip("\"'").strip()
    if _UUID.fullmatch(text):
        return text if text.strip("0-") else None
    if parse_otel_trace_id(text) is None or is_masked(text) or _is_private(text):
        return None
    if len(text) <= _LONGEST:
        return text
    digest = sha256(text.encode()).hexdigest()[:32]
    return f"{text[: _LONGEST - 33]}#{digest}"


def _is_private(text: str) -> bool:
    # A UUID or a hexadecimal id may hold ten digits at a stretch, and is no number for that.
    plain = _NOT_HEX.sub("", text.lower())
    is_sentence = any(map(str.isspace, text))
    is_id = _HEX32.fullmatch(plain) or _HEX16.fullmatch(plain) or _is_shaped(text.lower())
    return is_sentence or (not is_id and bool(find_kinds(text)))


def _is_shaped(text: str) -> bool:
    return bool(_TRACEPARENT.fullmatch(text) or _XRAY.fullmatch(text))


def parse_otel_trace_id(raw: str) -> int | None:
    """
    Return the OpenTelemetry trace id a raw id means; None if it means nothing.

    Hexadecimal ids, UUIDs and traceparents keep their digits, so that what is pasted from a CRM
    finds the trace; anything else is hashed. Vectors are in ``docs/integration-logs.md``.
    """
    text = raw.strip().strip("\"'").strip()
    plain = text.lower()
    if plain in _NONE:
        return None
    digits = _find_digits(plain.removeprefix("urn:uuid:").strip("{}"))
    if digits is not None:
        return int(digits, 16) or None
    digest = sha256(_TAG + text.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:16], "big") or 1


def _find_digits(plain: str) -> str | None:
    # By pattern, because int() takes signs, underscores, spaces and digits of other scripts.
    if not plain.isascii():
        return None
    if _HEX32.fullmatch(plain) or _HEX16.fullmatch(plain):
        return plain
    if _UUID.fullmatch(plain):
        return plain.replace("-", "")
    match = _TRACEPARENT.fullmatch(plain) or _XRAY.fullmatch(plain)
    return "".join(match.groups()) if match else None
