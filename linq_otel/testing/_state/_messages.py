"""
Chats and messages: the state behind the API, and the idempotency keys that guard it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._errors import ApiError


if TYPE_CHECKING:
    from linq_otel.testing._state._ids import Ids


OWN_LINE = "+15550100000"


@dataclass(slots=True)
class Chat:
    """
    A conversation between one of our lines and one or more handles.
    """

    id: str
    line: str
    handles: list[str]
    service: str
    created_at: int
    display_name: str | None = None
    is_left: bool = False

    @property
    def is_group(self) -> bool:
        """
        Whether more than one other person is in it.
        """
        return len(self.handles) > 1


@dataclass(slots=True)
class Message:
    """
    A message, ours or theirs, and how far it got.
    """

    id: str
    chat: Chat
    parts: list[dict[str, Any]]
    created_at: int
    linq_trace_id: str
    service: str
    sender: str
    kind: str = "message"
    opens_chat: bool = False
    idempotency_key: str | None = None
    preferred_service: str | None = None
    effect: dict[str, Any] | None = None
    reply_to: dict[str, Any] | None = None
    happened: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def is_from_me(self) -> bool:
        """
        Whether we sent it.
        """
        return self.sender == self.chat.line

    @property
    def delivery_status(self) -> str:
        """
        The furthest stage reached, in the words of the API.
        """
        if not self.is_from_me:
            return "received"
        stages = (stage for stage in ("read", "delivered", "failed", "sent"))
        return next((stage for stage in stages if stage in self.happened), "pending")


class Conversations:
    """
    All chats and messages of one simulator. Callers hold the simulator's lock.
    """

    def __init__(self, ids: Ids) -> None:
        self.chats: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        self._ids = ids
        self._by_people: dict[tuple[str, tuple[str, ...]], Chat] = {}
        self._answers: dict[tuple[str, str], tuple[dict[str, Any], str | None]] = {}

    def get_chat(self, chat_id: str) -> Chat:
        """
        Look a chat up, or answer 404/2001.
        """
        if chat_id not in self.chats:
            raise ApiError(404, 2001)
        return self.chats[chat_id]

    def get_message(self, message_id: str) -> Message:
        """
        Look a message up, or answer 404/2002.
        """
        if message_id not in self.messages:
            raise ApiError(404, 2002)
        return self.messages[message_id]

    def find_chat(self, handles: list[str], line: str | None = None) -> Chat | None:
        """
        Look for the chat with exactly these people.
        """
        people = tuple(sorted(handles))
        if line is not None:
            return self._by_people.get((line, people))
        return next((chat for (_, who), chat in self._by_people.items() if who == people), None)

    def add_chat(self, line: str, handles: list[str], service: str, at: int) -> Chat:
        """
        Begin a chat.
        """
        people = (line, tuple(sorted(handles)))
        chat = Chat(self._ids.uuid("chat", *people), line, list(handles), service, at)
        self.chats[chat.id] = self._by_people[people] = chat
        return chat

    def new_message_id(self, chat: Chat, idempotency_key: str | None) -> str:
        """
        Draw an id that depends on the key, or on how many keyless messages the chat has.
        """
        if idempotency_key is not None:
            return self._ids.uuid("keyed-message", idempotency_key)
        return self._ids.uuid("message", chat.id, self._ids.nth("message", chat.id))

    def add_message(self, message: Message) -> None:
        """
        Take a message on.
        """
        self.messages[message.id] = message

    def messages_of(self, chat: Chat) -> list[Message]:
        """
        The chat's messages, newest first.
        """
        return [m for m in reversed(self.messages.values()) if m.chat is chat]

    def remember(
        self, keys: list[tuple[str, str]], body: dict[str, Any], message_id: str | None = None
    ) -> None:
        """
        Keep an answer for whoever repeats one of the keys.
        """
        self._answers.update(dict.fromkeys(keys, (body, message_id)))

    def find_answer(self, keys: list[tuple[str, str]]) -> dict[str, Any] | None:
        """
        The first answer to a repeated key, or 404 if its message is gone.
        """
        for key in keys:
            if key in self._answers:
                body, message_id = self._answers[key]
                if message_id is not None:
                    self.get_message(message_id)
                return body
        return None
