"""
The call a request means, and the status its success has.

Statuses are from Linq's OpenAPI file of 2026-03 where that has them.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote

from linq_otel._operations_table import OPERATIONS, Operation
from linq_otel.testing._state._errors import ApiError


# The status of a success, where it is not 200.
_STATUSES = {
    "blocked_handles.block": 201,
    "chats.create": 201,
    "contact_card.create": 201,
    "payment_requests.create": 201,
    "payments.create": 201,
    "webhook_subscriptions.create": 201,
    "chats.leave_chat": 202,
    "chats.send_voicememo": 202,
    "chats.messages.send": 202,
    "chats.participants.add": 202,
    "chats.participants.remove": 202,
    "chats.polls.create": 202,
    "messages.create": 202,
    "messages.add_reaction": 202,
    "messages.update_app_card": 202,
    "messages.update_sticker_placement": 202,
    "phone_numbers.start_reputation_audit": 202,
    "attachments.delete": 204,
    "blocked_handles.unblock": 204,
    "chats.background.remove": 204,
    "chats.background.set": 204,
    "chats.mark_as_read": 204,
    "chats.share_contact_card": 204,
    "chats.typing.start": 204,
    "chats.typing.stop": 204,
    "messages.delete": 204,
    "webhook_subscriptions.delete": 204,
}


def get_status(operation: Operation) -> int:
    """
    The status a success of this operation has.
    """
    return _STATUSES.get(operation.name, 200)


# Users write the base URL with and without these two folders.
_PREFIX = "/api/partner"


def get_operation(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """
    Find the operation and its path parameters.

    Raises:
        ApiError: 404 for an unknown path, 405 for a known one with another method.
    """
    path = path.removeprefix(_PREFIX).rstrip("/")
    is_known = False
    for operation in OPERATIONS:
        if (found := _pattern(operation.template).fullmatch(path)) is not None:
            if operation.method == method:
                return operation, {k: unquote(v) for k, v in found.groupdict().items()}
            is_known = True
    if is_known:
        raise ApiError(405, 1005, "Method not allowed")
    raise ApiError(404, 2019, "No such endpoint")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
