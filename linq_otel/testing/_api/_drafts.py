"""
The six calls that send something: what each asks for, checked as Linq checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from linq_otel.testing._api._checks import (
    check_chat,
    check_first_message,
    check_mentions,
    find_attachments,
    get_content,
    get_field,
    get_list,
    get_object,
    get_people,
    get_phone,
)
from linq_otel.testing._api._renders import created, in_new_chat, media, sent, voice_memo
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._messages import Chat, Message
from linq_otel.testing._state._resources import poll_option, poll_resource


if TYPE_CHECKING:
    from linq_otel.testing._world import Call, World


FEWEST_OPTIONS = 2

Render = Callable[[Message], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A message asked for, not yet accepted.
    """

    line: str
    handles: list[str]
    content: dict[str, Any]
    render: Render
    chat: Chat | None = None
    kind: str = "message"

    @property
    def key(self) -> str | None:
        """
        The idempotency key in the body.
        """
        return cast("str | None", self.content.get("idempotency_key"))


def draft_chat(world: World, call: Call) -> Draft:
    """
    ``chats.create``: a link may not open a conversation.
    """
    line = get_phone(get_field(call.body, "from"))
    to = get_people(call.body)
    content = _shown_content(world, call.body, is_group=len(to) > 1)
    world.account.check_line(line)
    chat = world.conversations.find_chat(to, line)
    if chat is None:
        check_first_message(content["parts"])
    return Draft(line, to, content, in_new_chat, chat)


def draft_send(world: World, call: Call) -> Draft:
    """
    ``chats.messages.send``.
    """
    chat = _get_chat(world, call)
    return _in_chat(chat, _shown_content(world, call.body, is_group=chat.is_group), sent)


def draft_message(world: World, call: Call) -> Draft:
    """
    ``messages.create``: Linq picks the line, and the chat if there is one.
    """
    to = get_people(call.body)
    content = _shown_content(world, call.body, is_group=len(to) > 1)
    chat = world.conversations.find_chat(to)
    line = chat.line if chat else world.account.lines[0]
    return Draft(line, to, content, created, chat)


def draft_voicememo(world: World, call: Call) -> Draft:
    """
    ``chats.send_voicememo``: its ``voice_memo.id`` is the message's.
    """
    chat = _get_chat(world, call)
    if not call.body.get("attachment_id") and not call.body.get("voice_memo_url"):
        raise ApiError(400, 1001, "attachment_id or voice_memo_url is required")
    if call.body.get("attachment_id"):
        world.account.get_attachment(call.body["attachment_id"])
    return _in_chat(chat, {"parts": [_voice(world, call)]}, voice_memo)


def draft_poll(world: World, call: Call) -> Draft:
    """
    ``chats.polls.create``.
    """
    chat = _get_chat(world, call)
    asked = get_object(get_field(call.body, "poll"), "poll")
    options = get_list(asked.get("options") or [], "poll.options")
    if len(options) < FEWEST_OPTIONS:
        raise ApiError(400, 1004, f"A poll needs at least {FEWEST_OPTIONS} options")
    texts = enumerate(str(get_field(get_object(option, "poll"), "text")) for option in options)
    parts = [poll_option(call.linq_trace_id, chat, index, text) for index, text in texts]
    content = {"parts": parts, "idempotency_key": asked.get("idempotency_key")}
    return Draft(chat.line, chat.handles, content, poll_resource, chat, "poll")


def draft_app_card(world: World, call: Call) -> Draft:
    """
    ``messages.update_app_card``: the update is a message of its own.
    """
    card = world.conversations.get_message(call.parameters["message_id"])
    check_chat(call.operation.name, card.chat)
    layout = get_object(get_field(call.body, "layout"), "layout")
    app = call.body.get("app") or {"bundle_id": "com.example", "name": "App", "team_id": "TEAM"}
    url = call.body.get("url") or "https://example.com"
    part = {"type": "imessage_app", "app": app, "layout": layout, "url": url}
    return _in_chat(card.chat, {"parts": [part]}, sent)


DRAFTS: dict[str, Callable[[World, Call], Draft]] = {
    "chats.create": draft_chat,
    "chats.messages.send": draft_send,
    "messages.create": draft_message,
    "chats.send_voicememo": draft_voicememo,
    "chats.polls.create": draft_poll,
    "messages.update_app_card": draft_app_card,
}


def _in_chat(chat: Chat, content: dict[str, Any], render: Render) -> Draft:
    return Draft(chat.line, chat.handles, content, render, chat)


def _get_chat(world: World, call: Call) -> Chat:
    chat = world.conversations.get_chat(call.parameters["chat_id"])
    check_chat(call.operation.name, chat)
    return chat


def _shown_content(world: World, body: dict[str, Any], *, is_group: bool) -> dict[str, Any]:
    content = get_content(body)
    for attachment_id in find_attachments(content["parts"]):
        world.account.get_attachment(attachment_id)
    check_mentions(content["parts"], is_group=is_group)
    return {**content, "parts": [_shown(world, part) for part in content["parts"]]}


def _shown(world: World, part: dict[str, Any]) -> dict[str, Any]:
    """
    A part as the API shows it again; a file gets its metadata.
    """
    if part["type"] == "imessage_app":
        return {"url": "https://example.com", **part}
    if part["type"] != "media":
        return part
    url = part.get("url")
    file_id = str(part.get("attachment_id") or world.ids.uuid("file", url))
    return media(file_id, url, "picture.png")


def _voice(world: World, call: Call) -> dict[str, Any]:
    file_id = call.body.get("attachment_id") or world.ids.uuid("voice", call.linq_trace_id)
    return media(str(file_id), call.body.get("voice_memo_url"), "voice.m4a")
