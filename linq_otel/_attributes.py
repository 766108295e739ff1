"""
Every attribute key, span name and link name this package emits.

The line under each key gives its type, its meaning and its stability, and
``docs/attributes.md`` is made from these lines. Keys of the stable semantic
conventions come from their package; those still in development are spelled
out, so that a later release cannot take them away.
"""

from __future__ import annotations

from opentelemetry.semconv.attributes import (
    error_attributes,
    exception_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)


# Span names ------------------------------------------------------------------

CALL = "linq {operation}"
"""One call of the Linq API, its retries inside it."""
ATTEMPT = "{method} {template}"
"""One request on the wire."""
ANCHOR = "linq message"
"""The root of a message's life; a nanosecond long."""
STAGE = "message {stage}"
"""One stage of a message's life: accepted, sent, delivered, read, failed."""
STAGE_EVENT = "linq.message.{stage}"
"""A log event: a message came to a stage."""
PROCESS = "process {event_type}"
"""One run of a webhook handler."""
OTHER = "_OTHER"
"""Stands for a value outside the known set, as in the HTTP conventions."""

# Ours ------------------------------------------------------------------------

OPERATION = "linq.operation"
"""string; the operation called, ``chats.messages.send``; development."""
LINQ_TRACE_ID = "linq.trace_id"
"""string; ``X-Trace-ID`` of an answer, ``trace_id`` of an event, as Linq wrote it; development."""
LINQ_TRACE_IDS = "linq.trace_ids"
"""string[]; ``X-Trace-ID`` of each attempt, if there were several; development."""
ATTEMPTS = "linq.attempts"
"""int; requests a call put on the wire; development."""
RETRY_AFTER = "linq.retry_after"
"""double; seconds Linq asks us to wait (``Retry-After``); development."""
ERROR_CODE = "linq.error.code"
"""int; Linq's error code (https://docs.linqapp.com/error); development."""
ERROR_DOC_URL = "linq.error.doc_url"
"""string; Linq's page about that code; development."""
MESSAGE_ID = "linq.message.id"
"""string; the message; development."""
CHAT_ID = "linq.chat.id"
"""string; the chat; development."""
SERVICE = "linq.service"
"""string; ``iMessage``, ``RCS``, ``SMS`` or ``MMS``, known once it is sent; development."""
SENDER_HASH = "linq.sender.hash"
"""string; keyed hash of the sender's handle, with ``handle_key`` alone; development."""
RECIPIENT_HASHES = "linq.recipient.hashes"
"""string[]; keyed hashes of the recipients' handles, with ``handle_key`` alone; development."""
MESSAGE_TEXT = "linq.message.text"
"""string; the text, only where content capture is switched on twice; development."""
REPLAY = "linq.idempotent_replay"
"""boolean; true: Linq answered with a message accepted earlier; development."""
STAGE_NAME = "linq.stage"
"""string; the stage: ``accepted``, ``sent``, ``delivered``, ``read`` or ``failed``; development."""
CLAMPED = "linq.time.clamped"
"""boolean; true: the payload's times were out of order and the span was fitted in; development."""
LATE = "linq.late"
"""boolean; true: too old for the backend as it was, and moved or joined by links; development."""
STAGE_TIME = "linq.stage.time"
"""string; the stage's own time as RFC 3339, given where a span was clamped; development."""
EVENT_ID = "linq.event.id"
"""string; the webhook event, the same on every delivery of it; development."""
EVENT_TYPE = "linq.event.type"
"""string; ``message.delivered``, or ``_OTHER`` for one neither known nor signed; development."""
WEBHOOK_VERSION = "linq.webhook.version"
"""string; payload version, ``2026-02-03``; development."""
SUBSCRIPTION_ID = "linq.webhook.subscription.id"
"""string; the subscription that delivered it; development."""
VERIFIED = "linq.webhook.verified"
"""boolean; false: the signature is bad and nothing was joined; no secret, no key; development."""
REJECTED = "linq.webhook.rejected"
"""string; why not: ``signature``, ``timestamp``, ``headers`` or ``parsed``; development."""
DUPLICATE = "linq.webhook.duplicate"
"""boolean; true: this event was delivered before; development."""
OUTCOME = "linq.webhook.outcome"
"""string; ``new``, ``duplicate``, ``orphan``, ``unverified`` or ``malformed``; development."""
STORE_OPERATION = "linq.store.operation"
"""string; on metrics: ``save``, ``find``, ``claim``, or ``note`` in the background; development."""
ORIGIN = "linq.origin"
"""string; origin known by ``message``, ``trace``, ``key``, ``carrier`` or ``none``; development."""
LINK = "linq.link"
"""string; on links: what the linked span is to this one (the LINK_ values); development."""

LINK_SEND = "send"
"""The linked span sent the message."""
LINK_LIFECYCLE = "lifecycle"
"""The linked span anchors the message's life."""
LINK_WEBHOOK = "webhook"
"""The linked span received the delivery over HTTP."""
LINK_PROCESS = "process"
"""The linked span ran the handler of this request."""
LINK_REPLY_TO = "reply_to"
"""The linked span belongs to the message this one replies to."""
LINK_CAUSE = "cause"
"""The linked span made the call that led to this event."""
LINK_PROBABLE = "probable"
"""The linked trace is probably that of the message an integration call handed over."""

# Integration logs --------------------------------------------------------------

INTEGRATION_PROVIDER = "linq.integration.provider"
"""string; whom Linq called: ``gohighlevel``, ``hubspot``, ``other`` and so on; development."""
INTEGRATION_OPERATION = "linq.integration.operation"
"""string; what was asked: ``message.inbound``, ``contact.update``; development."""
INTEGRATION_DELIVERY = "linq.integration.delivery"
"""string; the verdict: ``delivered``, ``accepted``, ``rejected`` and so on; development."""
INTEGRATION_THROTTLED_BY = "linq.integration.throttled_by"
"""string; which limit was met: ``burst`` or ``daily``; development."""
INTEGRATION_SOURCE = "linq.integration.source"
"""string; who triggered it: ``user``, ``system`` or ``unknown``; development."""
INTEGRATION_DIRECTION = "linq.integration.direction"
"""string; ``outbound`` if Linq called, ``inbound`` if it was called; development."""
INTEGRATION_ATTEMPT = "linq.integration.attempt"
"""int; number of the attempt, where it is given or above 1; development."""
INTEGRATION_ENTRY_ID = "linq.integration.entry.id"
"""string; the row's own id; development."""
INTEGRATION_ENTRY_LINE = "linq.integration.entry.line"
"""int; the line of the row, on request; development."""
INTEGRATION_ENTRY_FORMAT = "linq.integration.entry.format"
"""string; how the row was written, on request; development."""
INTEGRATION_CORRELATION = "linq.integration.correlation"
"""string; joined how: ``exact``, ``strong``, ``probable``, ``crm`` or ``none``; development."""
INTEGRATION_TRACE_SOURCE = "linq.integration.trace.source"
"""string; where the trace id is from: ``linq``, ``message``, ``body``, ``entry``; development."""
INTEGRATION_CRM_TRACE_ID = "linq.integration.crm.trace_id"
"""string; the CRM's trace id as it was written; development."""
INTEGRATION_CRM_REQUEST_ID = "linq.integration.crm.request_id"
"""string; the CRM's request or correlation id; development."""
INTEGRATION_CRM_MESSAGE_ID = "linq.integration.crm.message_id"
"""string; the message in the CRM; development."""
INTEGRATION_CRM_ALT_ID = "linq.integration.crm.alt_id"
"""string; the id the CRM was given for the message; development."""
INTEGRATION_CRM_CONVERSATION_ID = "linq.integration.crm.conversation_id"
"""string; the conversation in the CRM; development."""
INTEGRATION_CRM_CONTACT_ID = "linq.integration.crm.contact_id"
"""string; the contact in the CRM; development."""
INTEGRATION_CRM_LOCATION_ID = "linq.integration.crm.location_id"
"""string; the location or portal in the CRM; development."""
INTEGRATION_CRM_RECORD_ID = "linq.integration.crm.record_id"
"""string; any other record in the CRM; development."""
INTEGRATION_ERROR_CODE = "linq.integration.error.code"
"""string; the CRM's word for the error; development."""
INTEGRATION_ERROR_MESSAGE = "linq.integration.error.message"
"""string; the CRM's sentence, redacted, 256 characters at most; development."""
INTEGRATION_RATE_LIMIT = "linq.integration.rate_limit.limit"
"""int; calls the CRM lets through in an interval; development."""
INTEGRATION_RATE_REMAINING = "linq.integration.rate_limit.remaining"
"""int; what was left of them; development."""
INTEGRATION_RATE_INTERVAL = "linq.integration.rate_limit.interval_ms"
"""int; the interval in milliseconds, on request; development."""
INTEGRATION_RATE_DAILY_LIMIT = "linq.integration.rate_limit.daily.limit"
"""int; calls the CRM lets through in a day; development."""
INTEGRATION_RATE_DAILY_REMAINING = "linq.integration.rate_limit.daily.remaining"
"""int; what was left of those; development."""
INTEGRATION_TIME_AMBIGUOUS = "linq.integration.time.ambiguous"
"""boolean; true: the local time occurred twice that day; development."""
INTEGRATION_TIME_ZONE = "linq.integration.time.zone"
"""string; the zone a local time was read in, on request; development."""
INTEGRATION_TIME_PRECISION = "linq.integration.time.precision"
"""string; ``minute``, ``second``, ``millisecond`` or finer, on request; development."""
INTEGRATION_TIME_SKEW = "linq.integration.time.skew_ms"
"""int; the row's time minus the answer's own, if over five minutes; development."""
INTEGRATION_DURATION_SOURCE = "linq.integration.time.duration_source"
"""string; ``unknown``: the row had no duration, and the span's is made up; development."""
PHONE_HASH = "linq.phone.hash"
"""string; keyed hash of a phone number, if the organisation gave a key; development."""

# Semantic conventions, stable --------------------------------------------------

EXCEPTION_TYPE = exception_attributes.EXCEPTION_TYPE
"""string; on log events: the type of the exception; semantic conventions; stable."""
ERROR_TYPE = error_attributes.ERROR_TYPE
"""string; type of the exception, Linq's code or the HTTP status; semantic conventions; stable."""
HTTP_REQUEST_METHOD = http_attributes.HTTP_REQUEST_METHOD
"""string; ``POST``; semantic conventions, HTTP; stable."""
HTTP_REQUEST_RESEND_COUNT = http_attributes.HTTP_REQUEST_RESEND_COUNT
"""int; the number of the retry, on attempts after the first; semantic conventions, HTTP; stable."""
HTTP_REQUEST_METHOD_ORIGINAL = http_attributes.HTTP_REQUEST_METHOD_ORIGINAL
"""string; the method as it was written, where it differs; semantic conventions, HTTP; stable."""
HTTP_ROUTE = http_attributes.HTTP_ROUTE
"""string; ``/webhooks/{id}``, of calls Linq received; semantic conventions, HTTP; stable."""
HTTP_RESPONSE_STATUS_CODE = http_attributes.HTTP_RESPONSE_STATUS_CODE
"""int; ``202``; semantic conventions, HTTP; stable."""
SERVER_ADDRESS = server_attributes.SERVER_ADDRESS
"""string; host of the API; semantic conventions, server; stable."""
SERVER_PORT = server_attributes.SERVER_PORT
"""int; port of the API; semantic conventions, server; stable."""
URL_SCHEME = url_attributes.URL_SCHEME
"""string; ``https``; semantic conventions, URL; stable."""
URL_PATH = url_attributes.URL_PATH
"""string; the path, redacted, of calls Linq received; semantic conventions, URL; stable."""
URL_FULL = url_attributes.URL_FULL
"""string; the URL, its query and the handles in its path redacted; semantic conventions; stable."""

# Semantic conventions in development -------------------------------------------

MESSAGING_SYSTEM = "messaging.system"
"""string; ``linq``; semantic conventions, messaging; development."""
MESSAGING_OPERATION_NAME = "messaging.operation.name"
"""string; ``send`` or ``process``; semantic conventions, messaging; development."""
MESSAGING_OPERATION_TYPE = "messaging.operation.type"
"""string; ``send`` or ``process``; semantic conventions, messaging; development."""
MESSAGING_MESSAGE_ID = "messaging.message.id"
"""string; the event id: an event is the message we consume; semantic conventions; development."""
LOG_FILE_NAME = "log.file.name"
"""string; the base name of the file a row was read from; semantic conventions; development."""
SERVICE_PEER_NAME = "service.peer.name"
"""string; the provider's name; semantic conventions, service; development."""
PEER_SERVICE = "peer.service"
"""string; its old name, which service graphs read; semantic conventions; development."""
HTTP_REQUEST_BODY_SIZE = "http.request.body.size"
"""int; bytes of the request's body, on request; semantic conventions, HTTP; development."""
HTTP_RESPONSE_BODY_SIZE = "http.response.body.size"
"""int; bytes of the answer's body, on request; semantic conventions, HTTP; development."""
HTTP_REQUEST_BODY_CONTENT = "http.request.body.content"
"""string; the request's body, as far as it was asked for; semantic conventions; development."""
HTTP_RESPONSE_BODY_CONTENT = "http.response.body.content"
"""string; the answer's body, as far as it was asked for; semantic conventions; development."""
HTTP_REQUEST_HEADER = http_attributes.HTTP_REQUEST_HEADER_TEMPLATE
"""string[]; and a header's name: a harmless one, on request; semantic conventions; stable."""
HTTP_RESPONSE_HEADER = http_attributes.HTTP_RESPONSE_HEADER_TEMPLATE
"""string[]; and a header's name: a harmless one, on request; semantic conventions; stable."""
URL_TEMPLATE = "url.template"
"""string; ``/v3/chats/{chat_id}/messages``; semantic conventions, URL; development."""
