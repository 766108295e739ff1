"""
GoHighLevel, whose API answers at LeadConnector's host.

From ``GoHighLevel/highlevel-api-docs`` and its issues: #70 (201 without a body means that the text
was not added), #64 (an error though the contact was made), #107 (an error within an error).
"""

from __future__ import annotations

from typing import Final

from ._model import Operation, Provider


GOHIGHLEVEL: Final = Provider(
    name="gohighlevel",
    title="GoHighLevel",
    aliases=("gohighlevel", "go high level", "highlevel", "leadconnector", "ghl"),
    hosts=(".leadconnectorhq.com", ".gohighlevel.com"),
    base_url="https://services.leadconnectorhq.com",
    operations=(
        Operation("message.inbound", "POST", "/conversations/messages/inbound", ("messageId",)),
        Operation("message.outbound", "POST", "/conversations/messages/outbound", ("messageId",)),
        Operation("message.status", "PUT", "/conversations/messages/{message_id}/status",
                  ("messageId", "message.id", "id", "conversationId")),
        Operation("message.send", "POST", "/conversations/messages", ("messageId",)),
        Operation("message.read", "GET", "/conversations/messages/{message_id}", is_read=True),
        Operation("search", "GET", "/conversations/search", is_read=True),
        Operation("conversation.create", "POST", "/conversations",
                  ("conversation.id", "id", "conversationId")),
        Operation("conversation.update", "PUT", "/conversations/{conversation_id}",
                  ("conversation.id", "id", "conversationId")),
        Operation("contact.upsert", "POST", "/contacts/upsert", ("contact.id", "id")),
        Operation("search", "POST", "/contacts/search", is_read=True),
        Operation("search", "GET", "/contacts/search/duplicate", is_read=True),
        Operation("contact.create", "POST", "/contacts", ("contact.id", "id")),
        Operation("contact.read", "GET", "/contacts/{id}", is_read=True),
        Operation("contact.update", "PUT", "/contacts/{id}", ("contact.id", "id")),
        Operation("contact.delete", "DELETE", "/contacts/{id}"),
        Operation("contact.tag", "POST", "/contacts/{id}/tags"),
        Operation("contact.untag", "DELETE", "/contacts/{id}/tags"),
        Operation("contact.workflow", "POST", "/contacts/{id}/workflow/{workflow_id}"),
        Operation("contact.workflow", "DELETE", "/contacts/{id}/workflow/{workflow_id}"),
        Operation("task.create", "POST", "/contacts/{id}/tasks", ("task.id", "id")),
        Operation("note.create", "POST", "/contacts/{id}/notes", ("note.id", "id")),
        Operation("search", "POST", "/opportunities/search", is_read=True),
        Operation("search", "POST", "/objects/{key}/records/search", is_read=True),
        Operation("search", "POST", "/locations/{location_id}/tasks/search", is_read=True),
        Operation("search", "POST", "/users/search/filter-by-email", is_read=True),
        Operation("token.refresh", "POST", "/oauth/token", is_read=True),
        Operation("token.refresh", "POST", "/oauth/locationToken", is_read=True),
    ),
    confirms=("*",),
    ids={
        "message_id": ("response.messageId", "request.messageId", "path.message_id"),
        "alt_id": ("request.altId", "response.altId"),
        "conversation_id": ("response.conversationId", "request.conversationId",
                            "response.conversation.id", "path.conversation_id"),
        "contact_id": ("response.contactId", "request.contactId", "response.contact.id", "path.id"),
        "location_id": ("request.locationId", "response.locationId", "response.contact.locationId",
                        "query.locationId"),
    },
    are_ids_numeric=False,
    request_id_headers=("cf-ray", "x-request-id"),
    error_codes=("error.code", "code", "name"),
    rate_limits={
        "x-ratelimit-max": "limit",
        "x-ratelimit-limit": "limit",
        "x-ratelimit-remaining": "remaining",
        "x-ratelimit-interval-milliseconds": "interval_ms",
        "x-ratelimit-limit-daily": "daily_limit",
        "x-ratelimit-daily-limit": "daily_limit",
        "x-ratelimit-daily-remaining": "daily_remaining",
        "x-ratelimit-remaining-daily": "daily_remaining",
    },
)  # fmt: skip
