"""
Whether a hand-off was delivered, which its status alone does not say.

GoHighLevel answers 201 with an empty body to texts it does not add (its issue #70), Salesforce 200
to a batch of which half failed, and an error may follow a contact that was made all the same. So
the verdict is a word of ours, and *delivered* is said only where the answer names what it made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ._entries import Outcome
from ._patterns import find_kinds
from ._providers._model import find_first
from ._redaction import redact_message


if TYPE_CHECKING:
    from ._entries import Delivery, Direction, RateLimit
    from ._fields._bodies import Body
    from ._findings import Findings
    from ._providers import Operation, Provider


_TOO_MANY, _MULTIPLE, _MULTI_STATUS, _NO_CONTENT = 429, 300, 207, 204
_CLIENT_ERROR, _SERVER_ERROR, _REDIRECT = 400, 500, 300
_UPDATES: Final = frozenset({"PUT", "PATCH", "DELETE"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# A word, with no run of digits that may be a phone number.
_CODE: Final = re.compile(r"(?!\d+$)(?!.{0,64}\d{7})[A-Za-z0-9_.]{1,64}", re.ASCII)
_TRUE: Final = frozenset({"true", "1"})
_PARTS: Final = ("results", "compositeResponse", "errors")
_DELIVERED: Final = Outcome("delivered")
_UNCONFIRMED: Final = Outcome("unconfirmed")
_NOT_APPLICABLE: Final = Outcome("not_applicable")


@dataclass(slots=True)
class Answered:
    """
    A call and its answer, as far as a verdict needs them.
    """

    direction: Direction
    method: str
    provider: Provider
    operation: Operation | None
    status: int | None
    body: Body
    rate_limit: RateLimit
    transport_error: str | None = None


def judge(call: Answered, findings: Findings) -> Outcome:
    """
    Say what became of *call*.
    """
    if call.status is None:
        message = call.transport_error
        return Outcome("unknown", "no_response", None, message and redact_message(message))
    _compare(call, findings)
    if call.status < _CLIENT_ERROR:
        return _judge_success(call, call.status)
    if call.status == _TOO_MANY or _find_code(call) in call.provider.throttle_codes:
        return _fail(call, "throttled", str(call.status), _throttled_by(call))
    return _fail(call, "unknown" if call.status >= _SERVER_ERROR else "rejected", str(call.status))


def _judge_success(call: Answered, status: int) -> Outcome:
    if status == _MULTIPLE:
        return _fail(call, "rejected", "multiple_matches")
    if not 200 <= status < _REDIRECT:  # noqa: PLR2004  # Success.
        return Outcome("unknown")
    if _is_success(call.body.value) is False:
        return _fail(call, "rejected", "success_false")
    if status == _MULTI_STATUS or _has_failed_parts(call.body.value):
        return _fail(call, "partial", "partial_failure")
    if call.direction == "inbound" or _is_read(call):
        return _NOT_APPLICABLE
    return _DELIVERED if _is_confirmed(call) else _UNCONFIRMED


def _is_read(call: Answered) -> bool:
    return call.method in _READS or (call.operation is not None and call.operation.is_read)


def _is_confirmed(call: Answered) -> bool:
    if call.provider.is_confirmed_by_status:
        return True
    if call.status == _NO_CONTENT:
        return call.method in _UPDATES
    if not call.body.is_whole:
        return False
    paths = (call.operation.confirms if call.operation else ()) or call.provider.confirms
    return find_first(call.body.value, paths) not in (None, False)


def _is_success(body: object) -> bool | None:
    """
    Read ``success``, which is true, "true" or 1; None where the body does not say.
    """
    if not isinstance(body, dict) or "success" not in body:
        return None
    said = cast("dict[str, object]", body)["success"]
    return said is True or str(said).strip().lower() in _TRUE


def _has_failed_parts(body: object) -> bool:
    if isinstance(body, list):
        return any(map(_is_failed_part, cast("list[object]", body)))
    if not isinstance(body, dict):
        return False
    whole = cast("dict[str, object]", body)
    errors = whole.get("numErrors")
    if whole.get("hasErrors") is True or (isinstance(errors, int) and errors > 0):
        return True
    for name in _PARTS:
        part = whole.get(name)
        if isinstance(part, list) and _has_failed_parts(cast("object", part)):
            return True
    return False


def _is_failed_part(part: object) -> bool:
    status = find_first(part, ("statusCode", "httpStatusCode"))
    is_bad = isinstance(status, int) and status >= _CLIENT_ERROR
    return is_bad or _is_success(part) is False


def _throttled_by(call: Answered) -> str | None:
    policy = find_first(call.body.value, call.provider.policies)
    if isinstance(policy, str) and policy in call.provider.throttle_policies:
        return call.provider.throttle_policies[policy]
    left = call.rate_limit.daily_remaining
    if left is None:
        return "burst" if call.rate_limit.remaining == 0 else None
    return "daily" if left == 0 else "burst"


def _fail(
    call: Answered,
    delivery: Delivery,
    error_type: str,
    throttled_by: str | None = None,
) -> Outcome:
    return Outcome(delivery, error_type, _find_code(call), _find_message(call), throttled_by)


def _find_code(call: Answered) -> str | None:
    found = find_first(call.body.value, call.provider.error_codes)
    if not isinstance(found, str) or _CODE.fullmatch(found) is None or find_kinds(found):
        return None
    return found


def _find_message(call: Answered) -> str | None:
    found = find_first(call.body.value, call.provider.error_messages)
    if isinstance(found, list):
        found = "; ".join(str(item) for item in cast("list[object]", found))
    return redact_message(found) if isinstance(found, str) and found else call.transport_error


def _compare(call: Answered, findings: Findings) -> None:
    if not isinstance(call.body.value, dict):
        return
    body = cast("dict[str, object]", call.body.value)
    inner = body.get("statusCode")
    if isinstance(inner, int) and inner != call.status:
        findings.warn("status_mismatch")
    if call.status is not None and call.status >= _CLIENT_ERROR and _is_success(body):
        findings.warn("success_in_error")
