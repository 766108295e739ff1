"""
The idempotency key that carries the sender's context to the webhook.

Linq ignores ``traceparent``, and repeats a message's idempotency key in every
webhook of it but the failure's (https://docs.linqapp.com, "Sending messages").
A key of ours is therefore a ``traceparent`` with two things around it: a tag,
so that nobody's own key is taken for one, and a nonce. Linq answers a repeated
key with an earlier message and sends none, and the ids of spans alone are not
safe from repeating: an app that seeds ``random`` draws them anew in each run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import urandom
from typing import TYPE_CHECKING, Final

from ._origins import format_traceparent, parse_traceparent


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import SpanContext


TAG: Final = "linq-otel-1"
"""Begins every key of ours; another form of key needs another number."""

_NONCE_BYTES: Final = 8
_KEY: Final = re.compile(
    rf"{TAG}-(?P<traceparent>00-[0-9a-f]{{32}}-[0-9a-f]{{16}}-0[0-3])-[0-9a-f]{{16}}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a request takes its idempotency key.

    Attributes:
        part: The object of the body that has the field ``idempotency_key``.
        in_header: True if the call documents the header ``Idempotency-Key``
            too. Linq keeps the two apart, and may repeat only the field's.
    """

    part: str
    in_header: bool = False


PLACES: Final[Mapping[str, Place]] = {
    "chats.create": Place("message"),
    "chats.messages.send": Place("message"),
    "messages.create": Place("message", in_header=True),
    "chats.polls.create": Place("poll"),
}
"""
Every call that is given a key, by the operation's name.

Voice memos and app cards take none. Payments do, and are left alone: a payment
that waits for approval is collected by repeating its call with the same key.
"""


def format_carrier(sender: SpanContext) -> str | None:
    """
    Write a key that carries *sender*, another one each time; None if it is no span.

    It has 84 characters, letters of ASCII, digits and ``-``; Linq takes 255.
    ``tracestate`` is not carried: vendors put there what they like.
    """
    if not sender.is_valid:
        return None
    return f"{TAG}-{format_traceparent(sender)}-{urandom(_NONCE_BYTES).hex()}"


def parse_carrier(key: object) -> str | None:
    """
    Return the ``traceparent`` a key of ours carries; None for any other, nearly ours or not.
    """
    found = _KEY.fullmatch(key) if isinstance(key, str) else None
    if found is None or parse_traceparent(found["traceparent"]) is None:
        return None
    return found["traceparent"]
