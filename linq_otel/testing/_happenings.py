"""
What happens without a request of ours: someone writes, anything at all occurs, someone lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._messages import Chat, Message
from linq_otel.testing._state._records import Inbound
from linq_otel.testing._webhooks._events import NEWEST, Event, in_both
from linq_otel.testing._webhooks._payloads import message_bodies


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel.testing._world import World


UNKNOWN_MESSAGE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Heard:
    """
    What someone writes to one of our lines.
    """

    text: str
    sender: str
    line: str
    reply_to: str | None
    service: str


def hear(world: World, heard: Heard) -> Inbound:
    """
    Take a message in, and tell the subscribers.
    """
    now = world.clock.now()
    if heard.line not in world.account.lines:
        world.account.lines.append(heard.line)
    chat = world.conversations.find_chat([heard.sender], heard.line)
    chat = chat or world.conversations.add_chat(heard.line, [heard.sender], heard.service, now)
    message = _inbound(world, chat, heard, now)
    bodies = message_bodies(message, "received", message.happened)
    event = world.event(
        "message.received", bodies, message.linq_trace_id, about=message.id, chat=chat
    )
    if heard.sender not in world.account.blocked:
        world.conversations.add_message(message)
        world.subscriptions.tell(event)
    return Inbound(message.id, chat.id, event.event_id, message.linq_trace_id)


def _inbound(world: World, chat: Chat, heard: Heard, now: int) -> Message:
    message_id = world.conversations.new_message_id(chat, None)
    reply_to = {"message_id": heard.reply_to, "part_index": 0} if heard.reply_to else None
    return Message(
        id=message_id,
        chat=chat,
        parts=[{"type": "text", "value": heard.text}],
        created_at=now,
        linq_trace_id=world.ids.hex32("inbound", message_id),
        service=heard.service,
        sender=heard.sender,
        reply_to=reply_to,
        happened={"sent": now},
    )


def made_up(
    world: World, event_type: str, data: Mapping[str, Any], envelope: Mapping[str, Any]
) -> Event:
    """
    An event of any type, with any field of its envelope replaced.
    """
    about = f"made-up/{event_type}/{world.ids.nth('made-up', event_type)}"
    event = world.event(event_type, in_both(data), world.ids.hex32(about), about=about)
    claimed = envelope.get("event_id")
    event_id = claimed if isinstance(claimed, str) else event.event_id
    return replace(event, overrides=envelope, event_id=event_id)


def tempting_data(world: World) -> Mapping[str, Any]:
    """
    Data about the last message, whose fate a forger would like to decide.
    """
    last = world.accepted[-1].message_id if world.accepted else UNKNOWN_MESSAGE
    message = world.conversations.messages.get(last)
    if message is None:
        return {"id": last, "direction": "outbound"}
    at = world.clock.now()
    return message_bodies(message, "delivered", {"sent": at, "delivered": at})[NEWEST]
