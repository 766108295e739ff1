"""
What calls about blocked handles, files, payments and phone numbers read from the account.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from linq_otel.testing._api._checks import get_field
from linq_otel.testing._api._stubs import ATTACHMENT, PAYMENT, PAYMENT_REQUEST, REPUTATION, fill
from linq_otel.testing._state._clock import rfc3339
from linq_otel.testing._state._errors import ApiError


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._world import Call, World


Body = dict[str, Any] | None
LARGEST_FILE = 100_000_000


def block(world: World, call: Call) -> Body:
    """
    Block a handle; one that is blocked already stays as it is.
    """
    handle = str(get_field(call.body, "handle"))
    entry = {
        "handle": handle,
        "reason": call.body.get("reason"),
        "blocked_at": rfc3339(world.clock.now()),
    }
    return {"blocked_handle": world.account.blocked.setdefault(handle, entry)}


def unblock(world: World, call: Call) -> Body:
    """
    Let a handle write and be written to again.
    """
    world.account.blocked.pop(str(get_field(call.body, "handle")), None)
    return None


def list_blocked(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    Every blocked handle.
    """
    return {"blocked_handles": list(world.account.blocked.values())}


def create_attachment(world: World, call: Call) -> Body:
    """
    Announce a file. It counts as uploaded at once, for its address leads nowhere.
    """
    names = ("filename", "content_type", "size_bytes")
    filename, kind, size = (get_field(call.body, name) for name in names)
    if not isinstance(size, int) or size < 1:
        raise ApiError(400, 1005, "size_bytes must be a positive number")
    if size > LARGEST_FILE:
        raise ApiError(400, 5005)
    made = cast("dict[str, Any]", fill(ATTACHMENT, world, call))
    file_id = made["id"]
    url = f"https://cdn.linqapp.com/attachments/{file_id}/{filename}"
    about = {"filename": filename, "content_type": kind, "size_bytes": size, "download_url": url}
    world.account.attachments[file_id] = {**made, **about}
    upload = {
        "attachment_id": file_id,
        "upload_url": f"https://uploads.linqapp.com/{file_id}",
        "http_method": "PUT",
        "required_headers": {"Content-Type": kind, "Content-Length": str(size)},
        "download_url": url,
        "expires_at": "$later",
    }
    return cast("dict[str, Any]", fill(upload, world, call))


def retrieve_attachment(world: World, call: Call) -> Body:
    """
    One file that was announced.
    """
    return world.account.get_attachment(_attachment_id(call))


def delete_attachment(world: World, call: Call) -> Body:
    """
    Forget a file.
    """
    attachment = world.account.get_attachment(_attachment_id(call))
    del world.account.attachments[attachment["id"]]
    return None


def _attachment_id(call: Call) -> str:
    """
    The id in the path; one that is no UUID is a bad request.
    """
    try:
        uuid.UUID(call.parameters["attachment_id"])
    except ValueError:
        raise ApiError(400, 1005, "attachment_id is not a valid UUID") from None
    return call.parameters["attachment_id"]


def _create_payment(template: dict[str, Any]) -> Callable[[World, Call], Body]:
    def create(world: World, call: Call) -> Body:
        payment = cast("dict[str, Any]", fill(template, world, call))
        world.account.payments[payment["id"]] = payment
        return payment

    return create


def _retrieve_payment(world: World, call: Call) -> Body:
    return world.account.get_payment(_payment_id(call))


def _cancel_payment(world: World, call: Call) -> Body:
    payment = world.account.get_payment(_payment_id(call))
    world.account.payments[payment["id"]] = canceled = {**payment, "status": "canceled"}
    return canceled


def _payment_id(call: Call) -> str:
    return next(call.parameters[name] for name in _PAYMENT_IDS if name in call.parameters)


_PAYMENT_IDS = ("payment_id", "payment_request_id")


def list_payment_requests(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    Every payment request, newest first.
    """
    found = [one for one in world.account.payments.values() if "object" in one]
    return {"object": "list", "data": found[::-1], "has_more": False}


def find_line(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    The phone number to write from where the caller has no preference.
    """
    card = "https://cdn.linqapp.com/cards/simulated.vcf"
    return {"phone_number": world.account.lines[0], "vcf_url": card}


def list_lines(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    The account's phone numbers.
    """
    return {"phone_numbers": [_line(world, number) for number in world.account.lines]}


def update_line(world: World, call: Call) -> Body:
    """
    Change what happens to calls of one phone number, which is named by its id.
    """
    lines = {line["id"]: line for line in (_line(world, one) for one in world.account.lines)}
    line = lines.get(call.parameters["phone_number_id"])
    if line is None:
        raise ApiError(404, 2019)
    names = ("id", "phone_number")
    number = call.body.get("forwarding_number")
    return {**{name: line[name] for name in names}, "forwarding_number": number}


def _line(world: World, number: str) -> dict[str, Any]:
    return {
        "id": world.ids.uuid("line", number),
        "phone_number": number,
        "reputation": dict(REPUTATION),
    }


ACCOUNT_ACTIONS: dict[str, Callable[[World, Call], Body]] = {
    "attachments.create": create_attachment,
    "attachments.retrieve": retrieve_attachment,
    "attachments.delete": delete_attachment,
    "available_number.retrieve": find_line,
    "blocked_handles.block": block,
    "blocked_handles.list": list_blocked,
    "blocked_handles.unblock": unblock,
    "payment_requests.create": _create_payment(PAYMENT_REQUEST),
    "payment_requests.retrieve": _retrieve_payment,
    "payment_requests.list": list_payment_requests,
    "payment_requests.cancel": _cancel_payment,
    "payments.create": _create_payment(PAYMENT),
    "payments.retrieve": _retrieve_payment,
    "payments.cancel": _cancel_payment,
    "phone_numbers.list": list_lines,
    "phone_numbers.update": update_line,
    "phonenumbers.list": list_lines,
}
