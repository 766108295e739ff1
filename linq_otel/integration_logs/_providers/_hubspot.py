"""
HubSpot: texts are logged as objects of the kind ``communications``.

From https://developers.hubspot.com/docs/api-reference/error-handling and its changelog. On search
answers the headers of the burst limit are missing exactly when they are wanted, and ``X-Trace`` is
another tracer's id: neither is read as something else.
"""

from __future__ import annotations

from typing import Final

from ._model import Operation, Provider


_OBJECTS: Final = ("/crm/v3/objects", "/crm/objects/{version}")
_DAILY: Final = "x-hubspot-ratelimit-daily"


def _operations(root: str) -> tuple[Operation, ...]:
    return (
        Operation("message.log", "POST", f"{root}/communications"),
        Operation("message.update", "PATCH", f"{root}/communications/{{id}}"),
        Operation("contact.create", "POST", f"{root}/contacts"),
        Operation("contact.update", "PATCH", f"{root}/contacts/{{id}}"),
        Operation("contact.read", "GET", f"{root}/contacts/{{id}}", is_read=True),
        Operation("contact.upsert", "POST", f"{root}/contacts/batch/upsert", ("results.*.id",)),
        Operation("contact.batch", "POST", f"{root}/contacts/batch/create", ("results.*.id",)),
        Operation("contact.batch", "POST", f"{root}/contacts/batch/update", ("results.*.id",)),
        Operation("task.create", "POST", f"{root}/tasks"),
        Operation("note.create", "POST", f"{root}/notes"),
        Operation("search", "POST", f"{root}/{{object}}/search", is_read=True),
        Operation("search", "GET", f"{root}/{{object}}", is_read=True),
        Operation("record.create", "POST", f"{root}/{{object}}"),
        Operation("record.update", "PATCH", f"{root}/{{object}}/{{id}}"),
        Operation("record.read", "GET", f"{root}/{{object}}/{{id}}", is_read=True),
    )


HUBSPOT: Final = Provider(
    name="hubspot",
    title="HubSpot",
    aliases=("hubspot", "hub spot"),
    hosts=(".hubapi.com", ".hubspot.com"),
    base_url="https://api.hubapi.com",
    operations=(
        *(operation for root in _OBJECTS for operation in _operations(root)),
        Operation("token.refresh", "POST", "/oauth/v1/token", is_read=True),
        Operation("token.refresh", "POST", "/oauth/v3/token", is_read=True),
    ),
    confirms=("id", "results.*.id"),
    ids={
        "record_id": ("response.id", "path.id", "response.results.*.id"),
        "contact_id": ("request.associations.*.to.id",),
        "location_id": ("response.portalId", "request.portalId"),
    },
    are_ids_numeric=True,
    request_id_headers=("x-hubspot-correlation-id", "x-request-id", "cf-ray"),
    request_ids=("correlationId", "requestId"),
    error_codes=("category", "errors.*.code", "errorType", "subCategory"),
    rate_limits={
        "x-hubspot-ratelimit-max": "limit",
        "x-hubspot-ratelimit-remaining": "remaining",
        "x-hubspot-ratelimit-interval-milliseconds": "interval_ms",
        _DAILY: "daily_limit",
        f"{_DAILY}-remaining": "daily_remaining",
        "x-ratelimit-max": "limit",
        "x-ratelimit-remaining": "remaining",
        "x-ratelimit-limit-daily": "daily_limit",
        "x-ratelimit-daily-remaining": "daily_remaining",
    },
    throttle_policies={
        "DAILY": "daily",
        "SECONDLY": "burst",
        "TEN_SECONDLY_ROLLING": "burst",
    },
    policies=("policyName", "context.policyName.0"),
)
