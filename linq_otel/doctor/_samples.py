"""
A team's own webhooks and sends, as they were recorded, with nothing of them that may not be shown.

Bodies are kept as they came, because a signature is over bytes; what is told of
them are ids, times and counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from linq_otel._events import parse_event, parse_id, parse_lower_id
from linq_otel._operations import OPERATIONS, find_id, operation_of
from linq_otel.errors import MalformedEventError
from linq_otel.webhooks._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import Iterable

    from linq_otel._events import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One webhook that arrived.

    Attributes:
        place: The file and the line it was read from.
        event: What it says.
        headers: Those that concern us; empty if none were recorded.
        body: As it arrived; None if only what was parsed of it was recorded.
        received_at: When it arrived, Unix seconds; None if that is not known.
    """

    place: str
    event: Event
    headers: LinqHeaders = field(default_factory=LinqHeaders, repr=False)
    body: bytes | None = field(default=None, repr=False)
    received_at: float | None = None

    @property
    def raw_trace_id(self) -> object:
        """
        The envelope's ``trace_id`` as it stands; it may be none.
        """
        return self.event.payload.get("trace_id")


@dataclass(frozen=True, slots=True)
class Send:
    """
    One answer to a send.

    Attributes:
        place: The file and the line it was read from.
        message_id: The message that was made.
        linq_trace_ids: Of every attempt that is known, in lower case.
    """

    place: str
    message_id: str
    linq_trace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """
    What was recorded.

    Attributes:
        deliveries: The webhooks, in order.
        sends: The sends, in order.
        unread: Where something stood that is neither, and why: the first 1,000 of each file.
        more_unread: How many others there were.
        passed_over: How many lines were no JSON at all, as the messages of a command are.
    """

    deliveries: tuple[Delivery, ...] = ()
    sends: tuple[Send, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    more_unread: int = 0
    passed_over: int = 0

    @classmethod
    def of(cls, parts: Iterable[Samples]) -> Samples:
        """
        Return all of *parts* together.
        """
        known = tuple(parts)
        return cls(
            tuple(each for part in known for each in part.deliveries),
            tuple(each for part in known for each in part.sends),
            tuple(each for part in known for each in part.unread),
            sum(part.more_unread for part in known),
            sum(part.passed_over for part in known),
        )


_MESSAGE_PATHS = tuple(dict.fromkeys(p for each in OPERATIONS for p in each.message_id_at))


def read_delivery(
    place: str,
    body: object,
    *,
    headers: object = None,
    received_at: float | None = None,
) -> Samples:
    """
    Read a webhook: raw bytes or text, or what was parsed of them.
    """
    known = LinqHeaders.of(headers)  # type: ignore[arg-type]  # It takes whatever it is.
    raw = body.encode() if isinstance(body, str) else body
    try:
        event = parse_event(
            raw,  # type: ignore[arg-type]  # As above.
            subscription_id=known.get("x-webhook-subscription-id"),
            signed_at=known.signed_at,
        )
    except MalformedEventError as error:
        return Samples(unread=((place, str(error)),))
    kept = raw if isinstance(raw, bytes) else None
    return Samples((Delivery(place, event, known, kept, received_at),))


def find_send(
    place: str,
    answer: object,
    linq_trace_id: object,
    request: tuple[str, str] | None = None,
) -> Send | None:
    """
    Read the answer to a send; None if it is that of another call.

    Args:
        place: The file and the line.
        answer: Its body, parsed.
        linq_trace_id: Its ``X-Trace-ID``.
        request: The method and the URL, if they were recorded.
    """
    paths = operation_of(*request).message_id_at if request else _MESSAGE_PATHS
    message_id = parse_lower_id(find_id(answer, paths))
    found = parse_id(linq_trace_id)
    if message_id is None or found is None:
        return None
    return Send(place, message_id, (found.lower(),))
