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
"""The root of a message's life; zero length."""
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
"""string; ``iMessage``, ``RCS`` or ``SMS``, known once the message is sent; development."""
SENDER_HASH = "linq.sender.hash"
"""string; keyed hash of the sender's handle, with ``handle_key`` alone; development."""
RECIPIENT_HASHES = "linq.recipient.hashes"
"""string[]; keyed hashes of the recipients' handles, with ``handle_key`` alone; development."""
MESSAGE_TEXT = "linq.message.text"
"""string; the text, only where content capture is switched on twice; development."""
REPLAY = "linq.idempotent_replay"
"""boolean; true: Linq answered with a message accepted earlier; development."""
STAGE_NAME = "linq.stage"
"""string; the stage a span draws; development."""
CLAMPED = "linq.time.clamped"
"""boolean; true: the payload's times were out of order and the span was fitted in; development."""
LATE = "linq.late"
"""boolean; true: too old for the backend as it was, and moved or joined by links; development."""
STAGE_TIME = "linq.stage.time"
"""string; the stage's own time as RFC 3339, given where a span was clamped; development."""
EVENT_ID = "linq.event.id"
"""string; the webhook event, the same on every delivery of it; development."""
EVENT_TYPE = "linq.event.type"
"""string; ``message.delivered``; development."""
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
"""string; on metrics: ``save``, ``find``, ``claim`` or ``note``; development."""
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

# Semantic conventions, stable --------------------------------------------------

EXCEPTION_TYPE = exception_attributes.EXCEPTION_TYPE
"""string; on log events: the type of the exception; semantic conventions; stable."""
ERROR_TYPE = error_attributes.ERROR_TYPE
"""string; type of the exception, Linq's code or the HTTP status; semantic conventions; stable."""
HTTP_REQUEST_METHOD = http_attributes.HTTP_REQUEST_METHOD
"""string; ``POST``; semantic conventions, HTTP; stable."""
HTTP_REQUEST_RESEND_COUNT = http_attributes.HTTP_REQUEST_RESEND_COUNT
"""int; the number of the retry, on attempts after the first; semantic conventions, HTTP; stable."""
HTTP_RESPONSE_STATUS_CODE = http_attributes.HTTP_RESPONSE_STATUS_CODE
"""int; ``202``; semantic conventions, HTTP; stable."""
SERVER_ADDRESS = server_attributes.SERVER_ADDRESS
"""string; host of the API; semantic conventions, server; stable."""
SERVER_PORT = server_attributes.SERVER_PORT
"""int; port of the API; semantic conventions, server; stable."""
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
URL_TEMPLATE = "url.template"
"""string; ``/v3/chats/{chat_id}/messages``; semantic conventions, URL; development."""
