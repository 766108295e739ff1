"""
From a row to an entry: judged, and stripped of what must not be kept.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from linq_otel._ids import parse_linq_trace_id
from linq_otel._origins import parse_traceparent

from ._crm_traces import find_crm_trace
from ._entries import CrmTrace, Entry, Moment, Place
from ._exchanges import WEBHOOK_LOGS, Exchange, ExchangeReader
from ._fields._headers import first
from ._fields._json_values import JsonReader
from ._panels import keep_panel
from ._people import find_people, keyed
from ._providers import load_providers
from ._providers._model import find_first, find_path
from ._rate_limits import parse_rate_limit
from ._redaction import find_id, redact_message
from ._rows import gather_row
from ._targets import Router
from ._verdicts import Answered, judge


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._entries import Outcome, RateLimit
    from ._findings import Findings
    from ._options import ReadOptions
    from ._rows import RawRow


_SOURCES: Final = {
    "user": "user", "manual": "user", "system": "system", "automation": "system", "api": "system",
    "webhook": "system", "integration": "system", "workflow": "system",
}  # fmt: skip
_DURATION: Final = re.compile(r"(\d{1,12}(?:[.,]\d{1,9})?)\s*(ms|s)?", re.ASCII)
_EVENT_TYPE: Final = re.compile(r"[a-z][a-z_]*(?:\.[a-z_]+)+", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SKEW_NS: Final = 300_000_000_000
_MS: Final = 1_000_000


class Interpreter:
    """
    Makes entries of the rows of one reading.

    Attributes:
        reader: Reads JSON for this reading.
    """

    def __init__(self, options: ReadOptions, findings: Findings) -> None:
        self.reader: Final = JsonReader(findings)
        self._options = options
        self._findings = findings
        router = Router(load_providers(), options.base_url, options.provider)
        self._exchanges = ExchangeReader(options, findings, self.reader, router)

    def interpret(self, place: Place, found: Mapping[str, object]) -> Entry:
        """
        Make an entry of one row.

        Raises:
            UnusableError: A field it cannot be without is missing or unreadable.
        """
        row = gather_row(place.line, place.format, found, self._findings)
        return self._strip(place, row, self._exchanges.read(row))

    def _strip(self, place: Place, row: RawRow, call: Exchange) -> Entry:
        findings, options = self._findings, self._options
        rate_limit = parse_rate_limit(call.response_headers, call.route.provider, findings)
        outcome = self._judge(row, call, rate_limit)
        moment, skew_ms = _check_time(call, findings)
        bodies = options.bodies
        people = find_people(call.request_body.value, call.route.address, options.pseudonym_key)
        ids = _find_ids(call)
        if people.phone_hash:
            ids["phone_hash"] = people.phone_hash
        linq_trace_id = _find_linq_trace_id(row, call)
        said = (call.direction, call.method, call.url, linq_trace_id or "")
        carried = call.request_body.text or ""
        answered = (str(moment.unix_ns), str(call.status), call.response_body.text or "")
        return Entry(
            place=place,
            entry_id=find_id(row.get("id")),
            direction=call.direction,
            method=call.method,
            method_original=call.method_original,
            target=call.route.target,
            status=call.status,
            source=_parse_source(row.find_text("source")),
            moment=moment,
            duration_ms=_parse_duration(row.get("duration_ms"), findings),
            request=keep_panel(
                call.request_headers, call.request_body, bodies, self.reader, findings
            ),
            response=keep_panel(
                call.response_headers, call.response_body, bodies, self.reader, findings
            ),
            provider=call.route.provider.name,
            operation=call.route.operation.name if call.route.operation else "other",
            outcome=outcome,
            ids=ids,
            crm_trace=self._find_crm_trace(row, call, outcome),
            request_id=_find_request_id(call),
            linq_trace_id=linq_trace_id,
            event_id=find_id(row.get("event_id")),
            event_type=_find_event_type(row),
            attempt=_parse_attempt(row),
            rate_limit=rate_limit,
            skew_ms=skew_ms,
            identity=keyed("\0".join((*said, carried, *answered))),
            retry_key=keyed("\0".join((*said, carried))),
            subjects=people.subjects,
            text_key=people.text_key,
        )

    def _judge(self, row: RawRow, call: Exchange, rate_limit: RateLimit) -> Outcome:
        error = row.find_text("error")
        answered = Answered(
            call.direction,
            call.method,
            call.route.provider,
            call.route.operation,
            call.status,
            call.response_body,
            rate_limit,
            redact_message(error) if error else None,
        )
        return judge(answered, self._findings)

    def _find_crm_trace(self, row: RawRow, call: Exchange, outcome: Outcome) -> CrmTrace | None:
        if call.direction == "inbound" or row.format == WEBHOOK_LOGS:
            return None
        return find_crm_trace(
            row.get("trace_id"),
            call.response_body.value if call.response_body.is_whole else None,
            call.response_headers,
            outcome.error_message,
            self._findings,
        )


def _check_time(call: Exchange, findings: Findings) -> tuple[Moment, int | None]:
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


def _parse_source(text: str | None) -> str:
    word = text.split()[0].lower() if text else ""
    return _SOURCES.get(word, "unknown")


def _parse_duration(value: object, findings: Findings) -> float | None:
    if value is None or value == "":
        return None
    match = _DURATION.fullmatch(str(value).strip())
    if match is None or isinstance(value, bool):
        findings.warn("duration_unreadable")
        return None
    number = float(match[1].replace(",", "."))
    return number * 1_000 if match[2] == "s" else number


def _parse_attempt(row: RawRow) -> int | None:
    for name, first_attempt in (("attempt", 0), ("retry_count", 1)):
        text = row.find_text(name)
        if text is not None and text.isascii() and text.isdecimal() and len(text) < 6:  # noqa: PLR2004
            return max(1, int(text) + first_attempt)
    return None


def _find_ids(call: Exchange) -> dict[str, str]:
    provider = call.route.provider
    places = {
        "response": call.response_body.value if call.response_body.is_whole else None,
        "request": call.request_body.value,
        "path": call.route.path,
        "query": call.route.query,
    }
    found: dict[str, str] = {}
    for name, paths in provider.ids.items():
        for path in paths:
            side, _, rest = path.partition(".")
            value = find_path(places[side], rest) if places[side] else None
            held = None if value is None else find_id(value, numeric=provider.are_ids_numeric)
            if held is not None:
                found[name] = held
                break
    return found


def _find_request_id(call: Exchange) -> str | None:
    provider = call.route.provider
    for name in provider.request_id_headers:
        found = find_id(first(call.response_headers, name))
        if found is not None:
            return found
    return find_id(find_first(call.response_body.value, provider.request_ids))


def _find_linq_trace_id(row: RawRow, call: Exchange) -> str | None:
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


def _find_event_type(row: RawRow) -> str | None:
    text = row.find_text("event_type")
    return text if text and len(text) <= 64 and _EVENT_TYPE.fullmatch(text) else None  # noqa: PLR2004
