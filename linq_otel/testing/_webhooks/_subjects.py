"""
A message nobody sent, for events that are about one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linq_otel.testing._state._messages import OWN_LINE, Chat, Message


SOMEONE = "+15550100123"
"""Who is written to where nobody is named: a number that was never given out."""
TEXT = "Hello from a simulated Linq"


@dataclass(frozen=True, slots=True)
class Subject:
    """
    What an event is to be about.

    Attributes:
        message_id: The message's id.
        chat_id: Its chat's id.
        linq_trace_id: Linq's trace id of the request that sent it.
        created_at: Nanoseconds since the epoch.
        line: Our own number.
        handle: The other's.
        service: ``iMessage``, ``RCS`` or ``SMS``.
        idempotency_key: The key it was sent with.
        reply_to: The id of the message it replies to.
    """

    message_id: str
    chat_id: str
    linq_trace_id: str
    created_at: int
    line: str = OWN_LINE
    handle: str = SOMEONE
    service: str = "iMessage"
    idempotency_key: str | None = None
    reply_to: str | None = None

    def message(self) -> Message:
        """
        The message, in a chat of its own.
        """
        chat = Chat(self.chat_id, self.line, [self.handle], self.service, self.created_at)
        reply_to: dict[str, Any] | None = None
        if self.reply_to is not None:
            reply_to = {"message_id": self.reply_to, "part_index": 0}
        return Message(
            id=self.message_id,
            chat=chat,
            parts=[{"type": "text", "value": TEXT}],
            created_at=self.created_at,
            linq_trace_id=self.linq_trace_id,
            service=self.service,
            sender=self.line,
            idempotency_key=self.idempotency_key,
            reply_to=reply_to,
        )
