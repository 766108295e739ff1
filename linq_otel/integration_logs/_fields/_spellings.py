"""
What people and programs call the fields of a row.

Case, spaces, dots, hyphens and underscores do not count. Where a row has several spellings of one
field, the first listed that is not empty wins.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final


_SPELLINGS: Final[dict[str, str]] = {
    "schema_version": "schemaversion version",
    "id": "id rowid logid entryid uuid",
    "direction": "direction type",
    "method": "method httpmethod verb requestmethod",
    "url": "url fullurl requesturl targeturl endpoint uri requesturi target",
    "status": "httpstatuscode httpstatus statuscode responsestatuscode responsestatus status code",
    "status_text": "statustext reason responsestatustext",
    "source": "source triggeredby actor initiator origin",
    "timestamp": "timestamp date time datetime createdat occurredat starteddatetime requesttime "
    "requestdate @timestamp startedat",
    "timezone": "timezone tz",
    "duration_ms": "durationms duration latency latencyms elapsed elapsedms took tookms",
    "request.headers": "requestheaders reqheaders",
    "response.headers": "responseheaders resheaders",
    "headers": "headers",
    "request.body": "requestbody reqbody requestpayload requestpostdatatext",
    "response.body": "responsebody resbody result responsecontenttext responsepayload",
    "body": "body payload data",
    "request.body_encoding": "requestbodyencoding requestencoding",
    "response.body_encoding": "responsebodyencoding responseencoding",
    "request.truncated": "requesttruncated requestbodytruncated",
    "response.truncated": "responsetruncated responsebodytruncated",
    "request": "request",
    "response": "response",
    "provider": "provider integration crm platform service app",
    "trace_id": "traceid xtraceid crmtraceid",
    "linq_trace_id": "linqtraceid",
    "attempt": "attempt try",
    "retry_count": "retrycount",
    "error": "error errormessage errortype exception",
    "event_id": "eventid",
    "event_type": "eventtype webhookeventtype",
}
_RANKED: Final = {
    spelling: (name, rank)
    for name, spellings in _SPELLINGS.items()
    for rank, spelling in enumerate(spellings.split())
}
_SILENT: Final = re.compile(r"[\s._\-]+")
# Inside `request` and `response`, and what follows a dot of a flattened name.
_INSIDE: Final = {
    "headers": "headers",
    "header": "headers",
    "body": "body",
    "payload": "body",
    "data": "body",
    "content": "body",
    "bodyencoding": "body_encoding",
    "encoding": "body_encoding",
    "truncated": "truncated",
    "method": "method",
    "url": "url",
    "uri": "url",
    "status": "status",
    "statuscode": "status",
    "code": "status",
    "statustext": "status_text",
}


@lru_cache(maxsize=4_096)
def spelling_of(name: str) -> tuple[str, int] | None:
    """
    Return the canonical name of a field and the rank of this spelling; None if it is nobody's.
    """
    return _RANKED.get(_SILENT.sub("", name.lower()))


@lru_cache(maxsize=1_024)
def inside_spelling_of(name: str) -> str | None:
    """
    Return the canonical name of a field within ``request`` or ``response``.
    """
    return _INSIDE.get(_SILENT.sub("", name.lower()))
