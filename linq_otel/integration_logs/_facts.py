"""
The smaller facts of a call: who triggered it, how long it took, which ids it names.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from linq_otel._ids import parse_linq_trace_id
from linq_otel._origins import parse_traceparent

from ._entries import Moment
from ._exchanges import WEBHOOK_LOGS
from ._fields._headers import first
from ._people import start_keyed
from ._providers._model import find_first, follow
from ._redaction import find_id


if TYPE_CHECKING:
    from ._exchanges import Exchange
    from ._findings import Findings
    from ._rows import RawRow


_PROCESSES: Final = frozenset({
    "api", "app", "application", "auto", "automated", "automatic", "automation", "background",
    "bot", "campaign", "cron", "daemon", "event", "ai", "gohighlevel", "highlevel", "hubspot",
    "import", "integration", "integrations", "job", "leadconnector", "linq", "process", "queue",
    "retry", "rule", "salesforce", "scheduled", "scheduler", "script", "server", "service", "sync",
    "system", "task", "timer", "trigger", "webhook", "webhooks", "worker", "workflow", "workflows",
    "zapier",
})  # fmt: skip
_NO_SOURCE: Final = frozenset({
    "", "-", "--", "?", "n/a", "na", "nil", "none", "not available", "null", "undefined", "unknown",
    "unspecified", "other", "anonymous", "redacted", "hidden", "masked", "filtered",
    # The page has English words; these are no person's name.
    "sistema", "système", "systeem",
})  # fmt: skip
_MARKS: Final = re.compile(r"[\W_]+")
_USERS: Final = frozenset({"user", "users", "manual", "manually", "admin", "agent", "member"})
_SOURCE_AT_MOST: Final = 256
_DURATION: Final = re.compile(
    r"(\d{1,15}(?:[.,]\d{1,30})?(?:e[+-]?\d{1,2})?)\s*([a-z\u00b5\u03bc]{0,8})", re.ASCII
)
_MS_OF: Final = {
    "": 1.0, "ms": 1.0, "s": 1e3, "sec": 1e3, "secs": 1e3, "second": 1e3, "seconds": 1e3,
    "us": 1e-3, "\u00b5s": 1e-3, "\u03bcs": 1e-3, "ns": 1e-6, "m": 6e4, "min": 6e4,
}  # fmt: skip
_EVENT_TYPE: Final = re.compile(r"[a-z][a-z_]*(?:\.[a-z_]+)+", re.ASCII)
_MAX_DURATION_MS: Final = 86_400_000.0
"""A day: what takes longer is no call, but a number of another kind."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SKEW_NS: Final = 300_000_000_000
_MS: Final = 1_000_000


def check_time(call: Exchange, findings: Findings) -> tuple[Moment, int | None]:
    """
    Compare the row's time with the answer's ``Date``, which also decides a repeated hour.
    """
    moment = call.moment
    answered = _parse_http_date(first(call.response_headers, "date"))
    if answered is None:
        return moment, None
    if moment.other_ns is not None:
        chosen, other = abs(answered - moment.unix_ns), abs(answered - moment.other_ns)
        if other < chosen:
            moment = Moment(moment.other_ns, moment.precision_ns, moment.zone, moment.unix_ns)
    skew = moment.unix_ns - answered
    if abs(skew) <= _SKEW_NS:
        return moment, None
    findings.warn("clock_skew")
    return moment, skew // _MS


def _parse_http_date(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
    except (ValueError, TypeError, OverflowError):
        return None


def parse_source(value: object) -> str:
    """
    Read who triggered a call: ``user``, ``system`` or ``unknown``, and never a name.

    The column names a process by one of a few words, or else a person: by name, address, number,
    role or id.
    """
    if isinstance(value, dict):
        value = find_first(cast("object", value), ("type", "kind", "role", "name", "email", "id"))
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return "unknown"
    return _judge_source(str(value)[:_SOURCE_AT_MOST])


@lru_cache(maxsize=1_024)
def _judge_source(text: str) -> str:
    plain = text.strip().lower()
    words = _MARKS.sub(" ", plain).split()
    joined = " ".join(words)
    if plain in _NO_SOURCE or joined in _NO_SOURCE or not words or "://" in plain:
        return "unknown"
    if joined.startswith("go high level"):
        return "system"
    if words[0] in _USERS or "@" in plain:
        return "user"
    return "system" if words[0] in _PROCESSES or words[-1] in _PROCESSES else "user"


def parse_duration(value: object, findings: Findings) -> float | None:
    """
    Read milliseconds, or the unit that is written; None for anything else.
    """
    if value is None or value == "":
        return None
    found: float | None = None
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip().lower())
        if match is not None and match[2] in _MS_OF:
            found = float(match[1].replace(",", ".")) * _MS_OF[match[2]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    if found is not None and 0 <= found <= _MAX_DURATION_MS:
        return found
    findings.warn("duration_unreadable")
    return None


def parse_attempt(row: RawRow) -> int | None:
    """
    Read which attempt a row says it is.
    """
    if "attempt" not in row.fields and "retry_count" not in row.fields:
        return None
    for name, first_attempt in (("attempt", 0), ("retry_count", 1)):
        text = row.find_text(name)
        if text is not None and text.isascii() and text.isdecimal() and len(text) < 6:  # noqa: PLR2004
            return max(1, int(text) + first_attempt)
    return None


def find_ids(call: Exchange) -> dict[str, str]:
    """
    Return the CRM's ids, by the names its table gives them.
    """
    provider = call.route.provider
    places: dict[str, object] = {
        "response": call.response_body.value if call.response_body.is_whole else None,
        "request": call.request_body.value,
        "path": call.route.path,
        "query": call.route.query,
    }
    found: dict[str, str] = {}
    for name, paths in call.route.ids:
        for side, step, steps in paths:
            place = places[side]
            if not place or (isinstance(place, dict) and step not in place):
                continue  # As most are, which is seen without a call.
            held = find_id(follow(places[side], steps), numeric=provider.are_ids_numeric)
            if held is not None:
                found[name] = held
                break
    return found


def find_request_id(call: Exchange) -> str | None:
    """
    Return what names the request in the CRM's own log.
    """
    provider = call.route.provider
    for name in provider.request_id_headers:
        if name in call.response_headers:
            found = find_id(first(call.response_headers, name))
            if found is not None:
                return found
    return find_id(find_first(call.response_body.value, provider.request_ids))


def find_linq_trace_id(row: RawRow, call: Exchange) -> str | None:
    """
    Return Linq's trace id, where Linq or the row itself says it.
    """
    candidates = [row.find_text("linq_trace_id")]
    if row.format == WEBHOOK_LOGS:
        candidates.append(row.find_text("trace_id"))
    if call.direction == "inbound" or call.route.is_linq:
        candidates.append(first(call.response_headers, "x-trace-id"))
    for text in candidates:
        otel_trace_id = parse_linq_trace_id(text.strip() if text else None)
        if otel_trace_id is not None:
            return f"{otel_trace_id:032x}"
    traceparent = first(call.request_headers, "traceparent")
    sent = parse_traceparent(traceparent) if traceparent else None
    return f"{sent.trace_id:032x}" if sent is not None else None


def find_event_type(row: RawRow) -> str | None:
    """
    Return the type of a webhook event, if it reads like one.
    """
    text = row.find_text("event_type")
    return text if text and len(text) <= 64 and _EVENT_TYPE.fullmatch(text) else None  # noqa: PLR2004


def identify(call: Exchange, moment: Moment, linq_trace_id: str | None) -> tuple[bytes, bytes]:
    """
    Return what tells *call* from any other, and what it shares with its own attempts.
    """
    sent, got = call.request_body.text or "", call.response_body.text or ""
    said = f"{call.direction}\0{call.method}\0{call.url}\0{linq_trace_id or ''}\0{sent}"
    answered = f"\0{moment.unix_ns}\0{call.status}\0{got}"
    # What was sent is hashed once for both.
    begun = start_keyed(said)
    retry_key = begun.digest()
    begun.update(answered.encode("utf-8", "replace"))
    return begun.digest(), retry_key
