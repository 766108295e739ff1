"""
The one message most tests send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.scripted_linq import CHAT_ID


if TYPE_CHECKING:
    from linq import AsyncLinqAPIV3, LinqAPIV3


def text_message(text: str = "Hello", **more: Any) -> Any:
    """
    Return a message of one text part.
    """
    return {"parts": [{"type": "text", "value": text}], **more}


def send(client: LinqAPIV3, **more: Any) -> Any:
    """
    Send a message.
    """
    return client.chats.messages.send(CHAT_ID, message=text_message(**more))


async def asend(client: AsyncLinqAPIV3, **more: Any) -> Any:
    """
    Send a message.
    """
    return await client.chats.messages.send(CHAT_ID, message=text_message(**more))
