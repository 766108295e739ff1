"""
What calls other than sends read from the state and do to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.testing._api._checks import get_field, get_list, get_object
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._resources import (
    chat_resource,
    message_resource,
    poll_option,
    poll_resource,
)


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._world import Call, World


Body = dict[str, Any] | None
DEFAULT_PAGE = 20
LARGEST_PAGE = 100


def list_chats(world: World, call: Call) -> Body:
    """
    Chats of one line, or with one person, or all.
    """
    line, who = call.query.get("from"), call.query.get("to")
    chats = [
        chat_resource(chat)
        for chat in world.conversations.chats.values()
        if line in {None, chat.line} and (who is None or who in chat.handles)
    ]
    return _page("chats", chats, call)


def retrieve_chat(world: World, call: Call) -> Body:
    """
    One chat.
    """
    return chat_resource(world.conversations.get_chat(call.parameters["chat_id"]))


def update_chat(world: World, call: Call) -> Body:
    """
    Rename a group.
    """
    chat = world.conversations.get_chat(call.parameters["chat_id"])
    chat.display_name = call.body.get("display_name", chat.display_name)
    return {"chat_id": chat.id, "status": "accepted"}


def leave_chat(world: World, call: Call) -> Body:
    """
    Leave a group, which takes no message of this line from then on.
    """
    world.conversations.get_chat(call.parameters["chat_id"]).is_left = True
    answer = {"status": "accepted", "message": "Request accepted"}
    return {**answer, "trace_id": call.linq_trace_id}


def list_messages(world: World, call: Call) -> Body:
    """
    A chat's messages, newest first.
    """
    chat = world.conversations.get_chat(call.parameters["chat_id"])
    messages = world.conversations.messages_of(chat)
    return _page("messages", [message_resource(message) for message in messages], call)


def list_thread(world: World, call: Call) -> Body:
    """
    A message and the replies to it, in the order they came.
    """
    origin = world.conversations.get_message(call.parameters["message_id"])
    thread = [
        message_resource(message)
        for message in reversed(world.conversations.messages_of(origin.chat))
        if message is origin or (message.reply_to or {}).get("message_id") == origin.id
    ]
    return _page("messages", thread[::-1] if call.query.get("order") == "desc" else thread, call)


def retrieve_message(world: World, call: Call) -> Body:
    """
    One message, with how far it got.
    """
    return message_resource(world.conversations.get_message(call.parameters["message_id"]))


def update_message(world: World, call: Call) -> Body:
    """
    Edit the text of one part.
    """
    message = world.conversations.get_message(call.parameters["message_id"])
    text, index = get_field(call.body, "text"), call.body.get("part_index") or 0
    if not isinstance(index, int) or not 0 <= index < len(message.parts):
        raise ApiError(400, 1005, "part_index is out of range")
    message.parts = [dict(part) for part in message.parts]
    message.parts[index]["value"] = text
    return message_resource(message)


def delete_message(world: World, call: Call) -> Body:
    """
    Forget a message; its idempotency key answers 404 from now on.
    """
    message = world.conversations.get_message(call.parameters["message_id"])
    del world.conversations.messages[message.id]
    return None


def retrieve_poll(world: World, call: Call) -> Body:
    """
    A poll; a message that is none is not found.
    """
    message = world.conversations.get_message(call.parameters["message_id"])
    if message.kind != "poll":
        raise ApiError(404, 2002, "Poll not found")
    return poll_resource(message)


def add_poll_options(world: World, call: Call) -> Body:
    """
    Add options to a poll.
    """
    retrieve_poll(world, call)
    message = world.conversations.get_message(call.parameters["message_id"])
    asked = get_list(get_field(call.body, "options"), "options")
    wanted = (str(get_field(get_object(option, "options"), "text")) for option in asked)
    texts = enumerate(wanted, len(message.parts))
    added = [poll_option(message.id, message.chat, index, text) for index, text in texts]
    message.parts = [*message.parts, *added]
    return poll_resource(message)


ACTIONS: dict[str, Callable[[World, Call], Body]] = {
    "chats.list_chats": list_chats,
    "chats.retrieve": retrieve_chat,
    "chats.update": update_chat,
    "chats.leave_chat": leave_chat,
    "chats.messages.list": list_messages,
    "messages.list_messages_thread": list_thread,
    "messages.retrieve": retrieve_message,
    "messages.update": update_message,
    "messages.delete": delete_message,
    "messages.poll.retrieve": retrieve_poll,
    "messages.poll.add_options": add_poll_options,
    "messages.poll.vote": retrieve_poll,
}


def _page(name: str, items: list[dict[str, Any]], call: Call) -> Body:
    """
    One page; the cursor is the place of the next one's first item.
    """
    limit = min(_count(call.query.get("limit"), DEFAULT_PAGE), LARGEST_PAGE)
    start = _count(call.query.get("cursor"), 0)
    end = start + max(limit, 1)
    return {name: items[start:end], "next_cursor": str(end) if end < len(items) else None}


def _count(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise ApiError(400, 1005, "limit and cursor are numbers")
    return int(text)
