"""
Taking a message on: once per idempotency key, whatever the client gets to hear of it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from linq_otel.testing._api._checks import check_key
from linq_otel.testing._api._drafts import DRAFTS, Draft
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._messages import Message
from linq_otel.testing._state._operations import get_status
from linq_otel.testing._state._records import Accepted
from linq_otel.testing._webhooks._payloads import chat_created_bodies
from linq_otel.testing._webhooks._timeline import Planned, plan
from linq_otel.testing._world import Call, Reply, World


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._state._scenario import Answer, Scenario


# Only these calls heed the header; the others have the key in the body.
HEADER_KEYED = frozenset({"messages.create", "payment_requests.create", "payments.create"})
CHAT_CREATED_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Send:
    """
    One send that is taken on.
    """

    call: Call
    draft: Draft
    keys: list[tuple[str, str]]
    scenario: Scenario

    @property
    def key(self) -> str | None:
        """
        The idempotency key that counts: the body's before the header's.
        """
        return self.keys[0][1] if self.keys else None


def send(world: World, call: Call) -> Reply:
    """
    Answer one wire attempt of a send as its scenario has it.
    """
    draft = DRAFTS[call.operation.name](world, call)
    keys = find_keys(call, draft.key)
    earlier = world.conversations.find_answer(keys)
    if earlier is None:
        world.account.check_recipients(draft.handles)
        world.account.rates.check(draft.line, draft.handles)
    scenario, answer = world.attempts.next(
        json.dumps(keys) if keys else call.identity,
        call.headers.get("x-stainless-retry-count"),
        draft.handles,
        is_repeat=earlier is not None,
    )
    if not answer.is_accepted:
        return _refuse(answer, call)
    if earlier is None:
        reply = _accept(world, Send(call, draft, keys, scenario), answer)
    else:
        reply = Reply(get_status(call.operation), earlier, hang=answer.hang, drop=answer.drop)
    # Taken on, and yet told to have failed: a proxy in front of Linq gave up on the answer.
    return replace(_refuse(answer, call), before=reply.before) if answer.is_failure else reply


def find_keys(call: Call, body_key: str | None) -> list[tuple[str, str]]:
    """
    The idempotency keys of a request, each with where it stood.
    """
    header_key = call.headers.get("idempotency-key")
    header_key = header_key if call.operation.name in HEADER_KEYED else None
    check_key(header_key)
    check_key(body_key)
    pairs = (("body", body_key), ("header", header_key))
    return [(place, key) for place, key in pairs if key]


def _refuse(answer: Answer, call: Call) -> Reply:
    error = ApiError(answer.status, answer.code, retry_after=answer.retry_after)
    return Reply(
        answer.status,
        error.envelope(call.linq_trace_id),
        retry_after=answer.retry_after,
        hang=answer.hang,
        drop=answer.drop,
        text=answer.text,
    )


def _accept(world: World, sending: Send, answer: Answer) -> Reply:
    message = _begin(world, sending)
    body = sending.draft.render(message)
    world.conversations.remember(sending.keys, body, message.id)
    world.accepted.append(_record(message, sending))
    world.account.rates.add(message.chat.line, message.chat.handles)
    if message.opens_chat:
        _announce(world, message)
    return Reply(
        get_status(sending.call.operation),
        body,
        linq_trace_id=message.linq_trace_id,
        hang=answer.hang,
        drop=answer.drop,
        text=answer.text,
        before=_schedule(world, message, sending.scenario),
    )


def _schedule(world: World, message: Message, scenario: Scenario) -> Callable[[], None]:
    """
    Plan the message's life; what is returned is to be done before the answer goes out.
    """
    planned = plan(message, scenario, world.ids, world.clock.date)
    ahead = planned[: int(scenario.overtake)]

    def schedule() -> None:
        for one in planned[len(ahead) :]:
            world.deliveries.after(one.after, partial(fire, world, message, one, scenario))

    def overtake() -> None:
        for one in ahead:
            fire(world, message, one, scenario, now=scenario.head_start is None)
        schedule()
        if scenario.head_start is not None:
            time.sleep(scenario.head_start)

    if ahead:
        return overtake
    schedule()
    return lambda: None


def fire(
    world: World, message: Message, planned: Planned, scenario: Scenario, *, now: bool = False
) -> None:
    """
    Let a planned event happen, and tell the subscribers.
    """
    with world.lock:
        message.happened[planned.stage] = planned.event.created_at
    world.subscriptions.tell(planned.event, scenario, now=now)


def _begin(world: World, sending: Send) -> Message:
    draft, scenario = sending.draft, sending.scenario
    now = world.clock.now()
    service = _service(draft, scenario)
    chat = draft.chat or world.conversations.add_chat(draft.line, draft.handles, service, now)
    message = Message(
        id=world.conversations.new_message_id(chat, sending.key),
        chat=chat,
        parts=draft.content["parts"],
        created_at=now,
        linq_trace_id=_linq_trace_id(world, sending.call, scenario),
        service=service,
        sender=chat.line,
        kind=draft.kind,
        opens_chat=draft.chat is None,
        idempotency_key=draft.key,
        preferred_service=draft.content.get("preferred_service"),
        effect=draft.content.get("effect"),
        reply_to=draft.content.get("reply_to"),
    )
    world.conversations.add_message(message)
    return message


def _service(draft: Draft, scenario: Scenario) -> str:
    """
    What the script says, else what the sender would like.
    """
    wanted: Any = draft.content.get("preferred_service")
    is_free = scenario.service == "iMessage" and wanted in {"SMS", "RCS"}
    return str(wanted) if is_free else scenario.service


def _linq_trace_id(world: World, call: Call, scenario: Scenario) -> str:
    patterns = scenario.malformed_trace_ids
    if not patterns:
        return call.linq_trace_id
    number = world.ids.nth("malformed", scenario.name)
    return patterns[number % len(patterns)].format(hex=call.linq_trace_id)


def _record(message: Message, sending: Send) -> Accepted:
    return Accepted(
        message_id=message.id,
        chat_id=message.chat.id,
        linq_trace_id=message.linq_trace_id,
        idempotency_key=sending.key,
        to=tuple(message.chat.handles),
        service=message.service,
        operation=sending.call.operation.name,
        accepted_at=message.created_at,
    )


def _announce(world: World, message: Message) -> None:
    chat = message.chat
    bodies = chat_created_bodies(chat)
    event = world.event("chat.created", bodies, message.linq_trace_id, about=chat.id, chat=chat)
    world.deliveries.after(CHAT_CREATED_AFTER, partial(world.subscriptions.tell, event))
