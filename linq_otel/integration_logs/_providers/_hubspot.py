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
_LINKED: Final = "/crm/v4/objects/{object}/{id}/associations"
_DAILY: Final = "x-hubspot-ratelimit-daily"


def _operations(root: str) -> tuple[Operation, ...]:
    batch = f"{root}/{{object}}/batch"
    return (
        Operation("message.log", "POST", f"{root}/communications", ("id",)),
        Operation("message.log", "POST", f"{root}/communications/batch/create", ("results.*.id",)),
        Operation("message.update", "PATCH", f"{root}/communications/{{id}}", ("id",)),
        Operation("contact.create", "POST", f"{root}/contacts", ("id",)),
        Operation("contact.update", "PATCH", f"{root}/contacts/{{id}}", ("id",)),
        Operation("contact.read", "GET", f"{root}/contacts/{{id}}", is_read=True),
        Operation("contact.upsert", "POST", f"{root}/contacts/batch/upsert", ("results.*.id",)),
        Operation("contact.batch", "POST", f"{root}/contacts/batch/create", ("results.*.id",)),
        Operation("contact.batch", "POST", f"{root}/contacts/batch/update", ("results.*.id",)),
        Operation("record.read", "POST", f"{batch}/read", is_read=True),
        Operation("record.batch", "POST", f"{batch}/archive"),
        Operation("record.batch", "POST", f"{batch}/create", ("results.*.id",)),
        Operation("record.batch", "POST", f"{batch}/update", ("results.*.id",)),
        Operation("record.upsert", "POST", f"{batch}/upsert", ("results.*.id",)),
        Operation("task.create", "POST", f"{root}/tasks", ("id",)),
        Operation("note.create", "POST", f"{root}/notes", ("id",)),
        Operation("search", "POST", f"{root}/{{object}}/search", is_read=True),
        Operation("search", "GET", f"{root}/{{object}}", is_read=True),
        Operation("record.create", "POST", f"{root}/{{object}}", ("id",)),
        Operation("record.update", "PATCH", f"{root}/{{object}}/{{id}}", ("id",)),
        Operation("record.read", "GET", f"{root}/{{object}}/{{id}}", is_read=True),
    )


_ASSOCIATIONS: Final = (
    Operation("association.create", "PUT", f"{_LINKED}/{{to_object}}/{{to_id}}"),
    Operation("association.create", "PUT", "/crm/v4/objects/{object}/{id}/associations/default"
              "/{to_object}/{to_id}"),
    Operation("association.delete", "DELETE", f"{_LINKED}/{{to_object}}/{{to_id}}"),
    *(
        Operation(f"association.{name}", "POST", f"/crm/{version}/associations/{{object}}"
                  f"/{{to_object}}/batch/{path}", is_read=name == "read")
        for version in ("v3", "v4")
        for name, path in (("read", "read"), ("batch", "create"), ("batch", "archive"),
                           ("batch", "associate/default"), ("batch", "labels/archive"))
    ),
)  # fmt: skip
_V1: Final = "/contacts/v1/contact"
_LEGACY: Final = (
    Operation("engagement.create", "POST", "/engagements/v1/engagements", ("engagement",)),
    Operation("engagement.update", "PATCH", "/engagements/v1/engagements/{id}", ("engagement",)),
    Operation("contact.create", "POST", _V1, ("vid",)),
    Operation("contact.batch", "POST", f"{_V1}/batch"),
    Operation("contact.upsert", "POST", f"{_V1}/createOrUpdate/email/{{email}}", ("vid",)),
    Operation("contact.update", "POST", f"{_V1}/vid/{{id}}/profile"),
    Operation("contact.update", "POST", f"{_V1}/email/{{email}}/profile"),
)

HUBSPOT: Final = Provider(
    name="hubspot",
    title="HubSpot",
    aliases=("hubspot", "hub spot"),
    hosts=(".hubapi.com", ".hubspot.com"),
    base_url="https://api.hubapi.com",
    operations=(
        *(operation for root in _OBJECTS for operation in _operations(root)),
        *_ASSOCIATIONS,
        *_LEGACY,
        Operation("token.refresh", "POST", "/oauth/v1/token", is_read=True),
        Operation("token.refresh", "POST", "/oauth/v3/token", is_read=True),
    ),
    texts=("message.log", "engagement.create"),
    confirms=("*",),
    bare=(202, 204),
    ids={
        "record_id": (
            "response.id",
            "path.id",
            "response.results.*.id",
            "response.vid",
            "response.engagement.id",
        ),
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
