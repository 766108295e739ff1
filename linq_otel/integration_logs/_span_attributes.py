"""
What the span and the log record of a call say: conventions where they fit, ``linq.*`` else.

No more than 32 of them by default, because one backend keeps no more; the rest is for who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from linq_otel import _attributes as a


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._entries import Entry, Panel
    from ._homes import Home


Value: TypeAlias = "str | int | float | Sequence[str] | None"
_IDS: Final = {
    "message_id": a.INTEGRATION_CRM_MESSAGE_ID,
    "alt_id": a.INTEGRATION_CRM_ALT_ID,
    "conversation_id": a.INTEGRATION_CRM_CONVERSATION_ID,
    "contact_id": a.INTEGRATION_CRM_CONTACT_ID,
    "location_id": a.INTEGRATION_CRM_LOCATION_ID,
    "record_id": a.INTEGRATION_CRM_RECORD_ID,
    "phone_hash": a.PHONE_HASH,
}
_STEPS: Final = ((60_000_000_000, "minute"), (1_000_000_000, "second"), (1_000_000, "millisecond"),
                 (1_000, "microsecond"))  # fmt: skip
_CLIENT: Final[Mapping[str, Callable[[Entry], Value]]] = {
    a.URL_FULL: lambda entry: entry.target.url,
    a.URL_TEMPLATE: lambda entry: entry.target.template,
    a.SERVICE_PEER_NAME: lambda entry: entry.provider,
    a.PEER_SERVICE: lambda entry: entry.provider,
}
_SERVER: Final[Mapping[str, Callable[[Entry], Value]]] = {
    a.URL_SCHEME: lambda entry: entry.target.scheme,
    a.URL_PATH: lambda entry: urlsplit(entry.target.url).path or "/",
    a.HTTP_ROUTE: lambda entry: entry.target.template,
}
_HTTP: Final[Mapping[str, Callable[[Entry], Value]]] = {
    a.HTTP_REQUEST_METHOD: lambda entry: entry.method,
    a.HTTP_REQUEST_METHOD_ORIGINAL: lambda entry: entry.method_original,
    a.SERVER_ADDRESS: lambda entry: entry.target.host,
    a.SERVER_PORT: lambda entry: entry.target.port,
    a.HTTP_RESPONSE_STATUS_CODE: lambda entry: entry.status,
}
_OURS: Final[Mapping[str, Callable[[Entry], Value]]] = {
    a.INTEGRATION_PROVIDER: lambda entry: entry.provider,
    a.INTEGRATION_OPERATION: lambda entry: entry.operation,
    a.INTEGRATION_DELIVERY: lambda entry: entry.outcome.delivery,
    a.INTEGRATION_THROTTLED_BY: lambda entry: entry.outcome.throttled_by,
    a.INTEGRATION_SOURCE: lambda entry: entry.source,
    a.INTEGRATION_DIRECTION: lambda entry: entry.direction,
    a.INTEGRATION_ATTEMPT: lambda entry: entry.attempt,
    a.INTEGRATION_ENTRY_ID: lambda entry: entry.entry_id,
    a.INTEGRATION_CRM_TRACE_ID: lambda entry: entry.crm_trace.raw if entry.crm_trace else None,
    a.INTEGRATION_CRM_REQUEST_ID: lambda entry: entry.request_id,
    a.INTEGRATION_ERROR_CODE: lambda entry: entry.outcome.error_code,
    a.INTEGRATION_ERROR_MESSAGE: lambda entry: entry.outcome.error_message,
    a.INTEGRATION_RATE_REMAINING: lambda entry: entry.rate_limit.remaining,
    a.INTEGRATION_RATE_LIMIT: lambda entry: entry.rate_limit.limit,
    a.INTEGRATION_RATE_DAILY_REMAINING: lambda entry: entry.rate_limit.daily_remaining,
    a.INTEGRATION_RATE_DAILY_LIMIT: lambda entry: entry.rate_limit.daily_limit,
    a.INTEGRATION_TIME_AMBIGUOUS: lambda entry: entry.moment.is_ambiguous or None,
    a.INTEGRATION_TIME_SKEW: lambda entry: entry.skew_ms,
    a.INTEGRATION_DURATION_SOURCE: lambda entry: "unknown" if entry.duration_ms is None else None,
    a.LINQ_TRACE_ID: lambda entry: entry.linq_trace_id,
    a.EVENT_ID: lambda entry: entry.event_id,
    a.EVENT_TYPE: lambda entry: entry.event_type,
    a.HTTP_REQUEST_BODY_CONTENT: lambda entry: entry.request.body,
    a.HTTP_RESPONSE_BODY_CONTENT: lambda entry: entry.response.body,
}
_DETAIL: Final[Mapping[str, Callable[[Entry], Value]]] = {
    a.URL_SCHEME: lambda entry: entry.target.scheme,
    a.HTTP_REQUEST_BODY_SIZE: lambda entry: entry.request.size,
    a.HTTP_RESPONSE_BODY_SIZE: lambda entry: entry.response.size,
    a.LOG_FILE_NAME: lambda entry: entry.place.file,
    a.INTEGRATION_ENTRY_LINE: lambda entry: entry.place.line,
    a.INTEGRATION_ENTRY_FORMAT: lambda entry: entry.place.format,
    a.INTEGRATION_RATE_INTERVAL: lambda entry: entry.rate_limit.interval_ms,
    a.INTEGRATION_TIME_ZONE: lambda entry: entry.moment.zone,
    a.INTEGRATION_TIME_PRECISION: lambda entry: _name_precision(entry.moment.precision_ns),
}


def span_attributes(entry: Entry, home: Home, *, detail: bool) -> dict[str, Value]:
    """
    Return the attributes of the span of *entry*.
    """
    side = _CLIENT if entry.direction == "outbound" else _SERVER
    found = {**_say(_HTTP, entry), **_say(side, entry)}
    if is_error(entry):
        found[a.ERROR_TYPE] = entry.outcome.error_type
    return {**found, **own_attributes(entry, home, detail=detail)}


def own_attributes(entry: Entry, home: Home, *, detail: bool) -> dict[str, Value]:
    """
    Return what is not HTTP's: it stands in the span and in the log record.
    """
    found: dict[str, Value] = {
        a.INTEGRATION_CORRELATION: home.correlation,
        a.INTEGRATION_TRACE_SOURCE: home.trace_source,
    }
    found.update(_say(_OURS, entry))
    found.update({_IDS[name]: value for name, value in entry.ids.items() if name in _IDS})
    if detail:
        found.update(_detail(entry))
    return found


def _say(table: Mapping[str, Callable[[Entry], Value]], entry: Entry) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, say in table.items():
        value = say(entry)
        if value is not None:
            found[key] = value
    return found


def _detail(entry: Entry) -> dict[str, Value]:
    found = _say(_DETAIL, entry)
    found.update(_headers(a.HTTP_REQUEST_HEADER, entry.request))
    found.update(_headers(a.HTTP_RESPONSE_HEADER, entry.response))
    return found


def _headers(prefix: str, panel: Panel) -> dict[str, Value]:
    return {f"{prefix}.{name}": values for name, values in panel.headers.items()}


def _name_precision(precision_ns: int) -> str:
    return next((name for step, name in _STEPS if precision_ns >= step), "nanosecond")


def is_error(entry: Entry) -> bool:
    """
    Tell whether the span of *entry* is in error: of a call Linq received, a 4xx is not.
    """
    if not entry.outcome.is_failure:
        return False
    is_callers_fault = entry.direction == "inbound" and 400 <= (entry.status or 0) < 500  # noqa: PLR2004
    return not is_callers_fault
