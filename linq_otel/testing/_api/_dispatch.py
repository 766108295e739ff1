"""
From a parsed request to a reply: who may ask, what for, and what the answer is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from linq_otel.testing._api._account_actions import ACCOUNT_ACTIONS
from linq_otel.testing._api._actions import ACTIONS
from linq_otel.testing._api._checks import check_chat, get_object
from linq_otel.testing._api._drafts import DRAFTS
from linq_otel.testing._api._echoes import echo
from linq_otel.testing._api._sending import find_keys, send
from linq_otel.testing._api._stubs import STUBS, fill
from linq_otel.testing._api._subscription_actions import SUBSCRIPTION_ACTIONS
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._operations import get_operation, get_status
from linq_otel.testing._world import Call, Reply, World


if TYPE_CHECKING:
    from collections.abc import Mapping


NO_CONTENT = 204
ALL_ACTIONS = {**ACTIONS, **ACCOUNT_ACTIONS, **SUBSCRIPTION_ACTIONS}


@dataclass(frozen=True, slots=True)
class RawRequest:
    """
    A request as it came off the wire.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def identity(self) -> str:
        """
        The same for the same request made again.
        """
        digest = hashlib.sha256(self.body).hexdigest()
        return f"{self.method} {self.target} {digest}"


def new_linq_trace_id(world: World, request: RawRequest) -> str:
    """
    Draw a fresh trace id; whatever trace the request claims to be part of is ignored.
    """
    identity = request.identity
    return world.ids.hex32("request", identity, world.ids.nth("request", identity))


def answer(world: World, request: RawRequest, linq_trace_id: str) -> Reply:
    """
    Answer any request whatsoever.
    """
    try:
        with world.lock:
            return _answer(world, _parse_call(world, request, linq_trace_id))
    except ApiError as error:
        body = error.envelope(linq_trace_id)
        return Reply(error.status, body, retry_after=error.retry_after)


def _parse_call(world: World, request: RawRequest, linq_trace_id: str) -> Call:
    url = urlsplit(request.target)
    if request.headers.get("authorization") != f"Bearer {world.api_key}":
        raise ApiError(401, 2004)
    operation, parameters = get_operation(request.method, url.path)
    return Call(
        operation=operation,
        parameters=parameters,
        query=dict(parse_qsl(url.query)),
        headers=request.headers,
        body=_parse_body(request.body),
        linq_trace_id=linq_trace_id,
        identity=request.identity,
    )


def _parse_body(body: bytes) -> dict[str, Any]:
    try:
        parsed: object = json.loads(body.strip() or b"{}")
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError(400, 1003) from None
    return get_object(parsed, "body")


def _answer(world: World, call: Call) -> Reply:
    name = call.operation.name
    if name in DRAFTS:
        return send(world, call)
    if "chat_id" in call.parameters:
        check_chat(name, world.conversations.get_chat(call.parameters["chat_id"]))
    if "message_id" in call.parameters:
        check_chat(name, world.conversations.get_message(call.parameters["message_id"]).chat)
    keys = find_keys(call, None)
    body = world.conversations.find_answer(keys)
    if body is None:
        body = ALL_ACTIONS.get(name, _stub)(world, call)
        if body is not None:
            world.conversations.remember(keys, body)
    echo(world, call, body)
    return Reply(get_status(call.operation), body)


def _stub(world: World, call: Call) -> dict[str, Any] | None:
    if get_status(call.operation) == NO_CONTENT:
        return None
    return cast("dict[str, Any]", fill(STUBS[call.operation.name], world, call))
