"""
From a row to an entry: judged, and stripped of what must not be kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ._crm_traces import find_crm_trace
from ._entries import Entry, Place
from ._exchanges import WEBHOOK_LOGS, Exchange, ExchangeReader
from ._facts import (
    check_time,
    find_event_type,
    find_ids,
    find_linq_trace_id,
    find_request_id,
    identify,
    parse_attempt,
    parse_duration,
    parse_source,
)
from ._fields._json_values import JsonReader
from ._panels import keep_panel
from ._people import find_people
from ._providers import load_providers
from ._rate_limits import parse_rate_limit
from ._redaction import find_id, hide_said, redact_message, words_of
from ._rows import gather_row
from ._targets import Router
from ._twins import make_twin
from ._verdicts import Answered, judge


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._entries import CrmTrace, Outcome, Panel, RateLimit
    from ._fields._bodies import Body
    from ._fields._headers import Headers
    from ._findings import Findings
    from ._options import ReadOptions
    from ._rows import RawRow


_PlainEntry: Final = make_twin(Entry)


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
        if outcome.error_message is not None:
            # A CRM quotes in its error what it did not understand.
            said = words_of(call.request_body.value)
            outcome = replace(outcome, error_message=hide_said(outcome.error_message, said))
        moment, skew_ms = check_time(call, findings)
        people = find_people(call.request_body.value, call.route.address, options.pseudonym_key)
        ids = find_ids(call)
        if people.phone_hash:
            ids["phone_hash"] = people.phone_hash
        linq_trace_id = find_linq_trace_id(row, call)
        identity, retry_key = identify(call, moment, linq_trace_id)
        fields = row.fields
        # Field by field, because 28 arguments with names cost 1 µs more.
        entry: Any = _PlainEntry.__new__(_PlainEntry)
        entry.place = place
        entry.entry_id = find_id(fields.get("id"))
        entry.direction = call.direction
        entry.method = call.method
        entry.method_original = call.method_original
        entry.target = call.route.target
        entry.status = call.status
        entry.source = parse_source(fields.get("source"))
        entry.moment = moment
        entry.duration_ms = parse_duration(fields.get("duration_ms"), findings)
        entry.request = self._keep(call.request_headers, call.request_body)
        entry.response = self._keep(call.response_headers, call.response_body)
        entry.provider = call.route.provider.name
        entry.operation = call.route.operation.name if call.route.operation else "other"
        entry.outcome = outcome
        entry.ids = ids
        entry.crm_trace = self._find_crm_trace(row, call, outcome)
        entry.request_id = find_request_id(call)
        entry.linq_trace_id = linq_trace_id
        entry.event_id = find_id(fields.get("event_id"))
        entry.event_type = find_event_type(row)
        entry.attempt = parse_attempt(row)
        entry.rate_limit = rate_limit
        entry.skew_ms = skew_ms
        entry.identity = identity
        entry.retry_key = retry_key
        entry.subjects = people.subjects
        entry.text_key = people.text_key
        entry.__class__ = Entry
        made: Entry = entry
        return made

    def _keep(self, headers: Headers, body: Body) -> Panel:
        return keep_panel(headers, body, self._options.bodies, self.reader, self._findings)

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
            row.fields.get("trace_id"),
            call.response_body.value if call.response_body.is_whole else None,
            call.response_headers,
            outcome.error_message,
            self._findings,
        )
