"""
Salesforce: the header of its limits counts what was used, and too many calls is 403.

From its REST API guide (``headers_api_usage``, ``errorcodes``). Its request id is 32 hexadecimal
digits and still no trace id. A 300 means that several records fit, so none was written.
"""

from __future__ import annotations

from typing import Final

from ._model import Operation, Provider


_ROOT: Final = "/services/data/{version}"

SALESFORCE: Final = Provider(
    name="salesforce",
    title="Salesforce",
    aliases=("salesforce", "sales force", "sfdc"),
    hosts=(".salesforce.com", ".force.com"),
    operations=(
        Operation("record.batch", "POST", f"{_ROOT}/composite/sobjects", ("*.id", "results.*.id")),
        Operation("record.batch", "PATCH", f"{_ROOT}/composite/sobjects", ("*.id",)),
        Operation("record.batch", "DELETE", f"{_ROOT}/composite/sobjects", ("*.id",)),
        Operation("record.batch", "PATCH", f"{_ROOT}/composite/sobjects/{{object}}/{{field}}",
                  ("*.id",)),
        # Of an update within a composite only its status is said.
        Operation("record.batch", "POST", f"{_ROOT}/composite",
                  ("compositeResponse.*.httpStatusCode",)),
        Operation("record.batch", "POST", f"{_ROOT}/composite/batch", ("results.*.statusCode",)),
        Operation("record.batch", "POST", f"{_ROOT}/composite/tree/{{object}}", ("results.*.id",)),
        Operation("record.batch", "POST", f"{_ROOT}/composite/graph", ("graphs.*.isSuccessful",)),
        Operation("job.upload", "PUT", f"{_ROOT}/jobs/ingest/{{id}}/batches", bare=(201,)),
        Operation("task.create", "POST", f"{_ROOT}/sobjects/Task", ("id",)),
        Operation("contact.create", "POST", f"{_ROOT}/sobjects/Contact", ("id",)),
        Operation("contact.create", "POST", f"{_ROOT}/sobjects/Lead", ("id",)),
        Operation("contact.update", "PATCH", f"{_ROOT}/sobjects/Contact/{{id}}"),
        Operation("contact.update", "PATCH", f"{_ROOT}/sobjects/Lead/{{id}}"),
        Operation("contact.upsert", "PATCH", f"{_ROOT}/sobjects/Contact/{{field}}/{{value}}"),
        Operation("record.create", "POST", f"{_ROOT}/sobjects/{{object}}", ("id",)),
        Operation("record.update", "PATCH", f"{_ROOT}/sobjects/{{object}}/{{id}}"),
        Operation("record.upsert", "PATCH", f"{_ROOT}/sobjects/{{object}}/{{field}}/{{value}}"),
        Operation("record.delete", "DELETE", f"{_ROOT}/sobjects/{{object}}/{{id}}"),
        Operation("record.read", "GET", f"{_ROOT}/sobjects/{{object}}/{{id}}", is_read=True),
        Operation("search", "GET", f"{_ROOT}/query", is_read=True),
        Operation("search", "GET", f"{_ROOT}/search", is_read=True),
        Operation("search", "GET", f"{_ROOT}/parameterizedSearch", is_read=True),
        Operation("search", "POST", f"{_ROOT}/parameterizedSearch", is_read=True),
        Operation("token.refresh", "POST", "/services/oauth2/token", is_read=True),
    ),
    texts=("task.create", "record.create", "record.batch"),
    confirms=("*",),
    bare=(204,),
    ids={
        "record_id": ("response.id", "path.id", "response.*.id"),
        "contact_id": ("request.WhoId", "request.records.*.WhoId"),
    },
    request_id_headers=("x-sfdc-request-id", "x-request-id"),
    error_codes=("*.errorCode", "*.errors.*.statusCode", "compositeResponse.*.body.*.errorCode",
                 "results.*.result.*.errorCode", "errors.*.statusCode", "error"),
    error_messages=("*.message", "*.errors.*.message", "compositeResponse.*.body.*.message",
                    "errors.*.message", "error_description"),
    usage_header="sforce-limit-info",
    throttle_codes=frozenset({"REQUEST_LIMIT_EXCEEDED"}),
    throttle_policies={"REQUEST_LIMIT_EXCEEDED": "daily"},
    policies=("*.errorCode",),
)  # fmt: skip
