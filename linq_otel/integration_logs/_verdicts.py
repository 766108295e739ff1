"""
Whether a hand-off was delivered, which its status alone does not say.

GoHighLevel answers 201 with an empty body to texts it does not add (its issue #70), Salesforce 200
to a batch of which half failed, and an error may follow a contact that was made all the same. So
the verdict has words of its own, and *delivered* is said only where the answer names what it made.
A body that the row does not show is not an empty one: of such a success *accepted* is said.
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


_TOO_MANY, _MULTIPLE, _MULTI_STATUS, _NO_CONTENT, _QUEUED = 429, 300, 207, 204, 202
_CLIENT_ERROR, _SERVER_ERROR, _REDIRECT = 400, 500, 300
_UPDATES: Final = frozenset({"PUT", "PATCH", "DELETE"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# A word, with no run of digits that may be a phone number.
_CODE: Final = re.compile(r"(?!\d+$)(?!.{0,64}\d{7})[A-Za-z0-9_.]{1,64}", re.ASCII)
_TRUE: Final = frozenset({"true", "1"})
_PARTS: Final = ("results", "compositeResponse", "graphs", "errors")
# GoHighLevel spells it "succeded", and says "status" in its shop.
_FLAGS: Final = ("succeded", "succeeded", "isSuccess", "isSuccessful", "status")
_ANY: Final = "*"
_NOTHING: Final[tuple[object, ...]] = (None, "", {}, [])
_DELIVERED: Final = Outcome("delivered")
_ACCEPTED: Final = Outcome("accepted")
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
    status = call.status
    if status is None:
        message = call.transport_error
        return Outcome("unknown", "no_response", None, message and redact_message(message))
    _compare(call, findings)
    if status < _CLIENT_ERROR:
        return _judge_success(call, status)
    if status == _TOO_MANY or _find_code(call) in call.provider.throttle_codes:
        return _fail(call, "throttled", str(status), _throttled_by(call))
    return _fail(call, "unknown" if status >= _SERVER_ERROR else "rejected", str(status))


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
    return _confirm(call, status)


def _is_read(call: Answered) -> bool:
    return call.method in _READS or (call.operation is not None and call.operation.is_read)


def _confirm(call: Answered, status: int) -> Outcome:
    operation, provider = call.operation, call.provider
    is_text = operation is not None and operation.name in provider.texts
    is_bare = operation is not None and status in operation.bare
    if provider.is_confirmed_by_status or is_bare or (status in provider.bare and not is_text):
        return _DELIVERED
    if status == _NO_CONTENT:
        return _DELIVERED if call.method in _UPDATES else _ACCEPTED
    if call.body.text is None:
        return _ACCEPTED  # The row does not show the body, so nothing speaks against the status.
    return _confirm_by_body(call, status, is_text=is_text)


def _confirm_by_body(call: Answered, status: int, *, is_text: bool) -> Outcome:
    body = call.body
    paths = (call.operation.confirms if call.operation else ()) or call.provider.confirms
    is_any = _ANY in paths
    if not body.is_whole:
        return _ACCEPTED if is_any and _is_word(body) else _UNCONFIRMED
    is_said = _is_success(body.value) and not is_text
    if (
        is_said
        or (is_any and body.value not in _NOTHING)
        or find_first(body.value, paths) not in (None, False)
    ):
        return _DELIVERED
    is_done = body.is_empty and (status == _QUEUED or (is_any and call.method in _UPDATES))
    return _ACCEPTED if is_done or _is_success(body.value) else _UNCONFIRMED


def _is_word(body: Body) -> bool:
    # A plain word is whole, other than JSON that was cut off, and a page is no answer.
    return (body.text or "").lstrip('"')[:1].isalnum()


def _is_success(body: object) -> bool | None:
    """
    Read ``success``, which is true, "true" or 1; None where the body does not say.
    """
    if isinstance(body, bool):
        return body
    if not isinstance(body, dict):
        return None
    whole = cast("dict[str, object]", body)
    if "success" in whole:
        said = whole["success"]
        return said is True or str(said).strip().lower() in _TRUE
    for name in _FLAGS:
        if isinstance(whole.get(name), bool):
            return whole[name] is True
    return False if whole.get("status") == "error" else None


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
    if not isinstance(part, dict):
        return False
    status = find_first(cast("object", part), ("statusCode", "httpStatusCode"))
    is_bad = isinstance(status, int) and status >= _CLIENT_ERROR
    return is_bad or _is_success(cast("object", part)) is False


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
