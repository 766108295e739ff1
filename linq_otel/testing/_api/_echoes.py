"""
The webhooks that calls other than sends bring about.

Source: Linq's "Webhook events" page for reactions, participants, groups, backgrounds, edits and
location; the rest of the API tells nobody.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import rfc3339
from linq_otel.testing._state._resources import handle
from linq_otel.testing._webhooks._events import Event, in_both
from linq_otel.testing._webhooks._payloads import Bodies, edited_bodies, event_chat, poll_subject


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._state._messages import Chat, Message
    from linq_otel.testing._world import Call, World


AFTER = 1.0
Echo = tuple[str, Bodies]


def echo(world: World, call: Call, body: dict[str, Any] | None) -> None:
    """
    Tell the subscribers what a call did, a second later.
    """
    name = call.operation.name
    if name in ECHOES:
        event = _about_chat(world, call)
    elif name in REPEATED:
        event_type, linq_trace_id = REPEATED[name], call.linq_trace_id
        event = world.event(event_type, in_both(body or {}), linq_trace_id, about=linq_trace_id)
    else:
        return
    world.deliveries.after(AFTER, partial(world.subscriptions.tell, event))


def _about_chat(world: World, call: Call) -> Event:
    chat, message = _subject(world, call)
    make = ECHOES[call.operation.name]
    event_type, bodies = make(call, chat, message, world.clock.now())
    about = message.id if message else chat.id
    return world.event(event_type, bodies, call.linq_trace_id, about=about, chat=chat)


def _subject(world: World, call: Call) -> tuple[Chat, Message | None]:
    if "message_id" in call.parameters:
        message = world.conversations.get_message(call.parameters["message_id"])
        return message.chat, message
    return world.conversations.get_chat(call.parameters["chat_id"]), None


def _participant(change: str) -> Callable[[Call, Chat, Message | None, int], Echo]:
    def make(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
        who = str(call.body.get("handle") or chat.line)
        data = {"chat_id": chat.id, "handle": who, "participant": handle(chat, who)}
        return f"participant.{change}", in_both({**data, f"{change}_at": rfc3339(now)})

    return make


def _group(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
    is_icon = "display_name" not in call.body
    data = {
        "chat_id": chat.id,
        "updated_at": rfc3339(now),
        "changed_by_handle": handle(chat, chat.line),
        "old_value": None,
        "new_value": call.body.get("group_chat_icon" if is_icon else "display_name"),
    }
    return f"chat.group_{'icon' if is_icon else 'name'}_updated", in_both(data)


def _background(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
    background: dict[str, Any] | None = dict(call.body) or None
    data = {"chat": event_chat(chat), "actor_handle": handle(chat, chat.line)}
    return "chat.background_updated", in_both({**data, "background": background})


def _location(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
    by = str(call.body.get("handle") or chat.handles[0])
    data = {"chat_id": chat.id, "shared_by": by, "shared_with": chat.line}
    return "location.sharing.stopped", in_both({**data, "ended_at": rfc3339(now)})


def _reaction(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:
    change = "removed" if call.body.get("operation") == "remove" else "added"
    data = {
        "chat_id": chat.id,
        "message_id": message.id if message else None,
        "part_index": call.body.get("part_index") or 0,
        "reaction_type": call.body.get("type"),
        "custom_emoji": call.body.get("custom_emoji"),
        "is_from_me": True,
        "from": chat.line,
        "from_handle": handle(chat, chat.line),
        "reacted_at": rfc3339(now),
        "service": message.service if message else None,
    }
    return f"reaction.{change}", in_both(data)


def _edit(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
    index = int(call.body.get("part_index") or 0)
    return "message.edited", edited_bodies(message, index=index, at=now) if message else in_both({})


def _vote(call: Call, chat: Chat, message: Message | None, now: int) -> Echo:  # noqa: ARG001
    change = "removed" if call.body.get("operation") == "remove" else "added"
    subject = poll_subject(message) if message else {}
    return f"poll.vote.{change}", in_both({**subject, "option_id": call.body.get("option_id")})


# Calls whose event says what their answer says.
REPEATED = {
    "payment_requests.cancel": "payment.canceled",
    "payment_handles.revoke": "connection.revoked",
}

ECHOES: dict[str, Callable[[Call, Chat, Message | None, int], Echo]] = {
    "chats.participants.add": _participant("added"),
    "chats.participants.remove": _participant("removed"),
    "chats.leave_chat": _participant("removed"),
    "chats.update": _group,
    "chats.background.set": _background,
    "chats.background.remove": _background,
    "chats.location.stop": _location,
    "messages.add_reaction": _reaction,
    "messages.update": _edit,
    "messages.poll.vote": _vote,
}
