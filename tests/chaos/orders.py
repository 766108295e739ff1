"""
What a sender is asked to send, and what it says came of it: all that crosses into its process.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, get_args


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


Library = Literal["linq", "linq-async", "httpx"]
Operation = Literal["chats.create", "messages.create", "chats.messages.send"]
LIBRARIES: tuple[Library, ...] = get_args(Library)
DONE = "done"
"""What a sender prints once it has sent everything."""
TRIES = 3
"""Wire attempts a sender makes at most: the default of Linq's SDK, and of our bare client."""


@dataclass(frozen=True, slots=True)
class Order:
    """
    One message to be sent.

    Attributes:
        number: Its place in the plan; its text names it.
        to: Whom it goes to. Nobody else's message goes there.
        operation: The call that sends it.
        library: What makes the call.
        key: The app's own idempotency key, or None.
        at: Seconds after the sender began.
        timeout: Seconds each attempt may take.
        is_repeated: Whether the app sends it again, under the same key, once it was answered.
    """

    number: int
    to: str
    operation: Operation
    library: Library
    key: str | None = None
    at: float = 0.0
    timeout: float = 10.0
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a sender heard; times are of the monotonic clock, which all processes of a host share.

    Attributes:
        number: The order's.
        result: ``accepted``, or the name of the exception.
        message_id: The message, if it was accepted.
        began: When the call began.
        ended: When it returned.
    """

    number: int
    result: str
    message_id: str | None
    began: float
    ended: float


def text_of(number: int) -> str:
    """
    Return the text of an order's message.
    """
    return f"Your order {number:06d} is on its way."


def number_in(body: bytes) -> int:
    """
    Return the number of the order whose message is in *body*.
    """
    _, _, rest = body.partition(b"Your order ")
    return int(rest[:6])


def key_in(body: bytes) -> str | None:
    """
    Return the idempotency key in *body*, the app's or ours.
    """
    key: str | None = json.loads(body)["message"].get("idempotency_key")
    return key


def write_orders(conversations: Iterable[Sequence[Order]]) -> str:
    """
    Write conversations, a line each: the orders of one go out one after another.
    """
    return "".join(
        json.dumps([asdict(order) for order in orders]) + "\n" for orders in conversations
    )


def read_orders(text: str) -> list[list[Order]]:
    """
    Read what `write_orders` wrote.
    """
    return [[Order(**order) for order in json.loads(line)] for line in text.splitlines()]


def read_outcomes(lines: Iterable[str]) -> list[Outcome]:
    """
    Read what a sender printed.
    """
    return [Outcome(**json.loads(line)) for line in lines if line != DONE]
