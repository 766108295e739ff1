"""
Recorded webhooks by the message they are about: which Linq trace ids its events have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel._ids import parse_linq_trace_id
from linq_otel._lifecycle import Role, role_of


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._samples import Delivery, Send


@dataclass(frozen=True, slots=True)
class Life:
    """
    What was recorded of one message that was sent.

    Attributes:
        message_id: The message.
        event_types: Those of its events, each once, in order.
        linq_trace_ids: Those of its events, each once, in lower case.
        sent_ids: Those of its sends; empty if none is known.
    """

    message_id: str
    event_types: tuple[str, ...]
    linq_trace_ids: tuple[str, ...]
    sent_ids: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """
        True if its events, of which there are two at least, have one id.
        """
        return self.is_telling and len(self.linq_trace_ids) == 1

    @property
    def is_telling(self) -> bool:
        """
        True if two events of it were seen, so that they can differ.
        """
        return len(self.event_types) > 1

    @property
    def matches_send(self) -> bool:
        """
        True if the ids of its events are among those of its sends.
        """
        return set(self.linq_trace_ids) <= set(self.sent_ids)


def list_lives(deliveries: Iterable[Delivery], sends: Sequence[Send]) -> list[Life]:
    """
    Return the messages that were sent, in order of their first event.
    """
    events: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        message_id = delivery.event.message_id
        if message_id is not None and role_of(delivery.event) is Role.STAGE:
            events.setdefault(message_id, []).append(delivery)
    sent: dict[str, tuple[str, ...]] = {}
    for send in sends:
        sent[send.message_id] = sent.get(send.message_id, ()) + send.linq_trace_ids
    return [_build(message_id, found, sent) for message_id, found in events.items()]


def is_trace_id(value: object) -> bool:
    """
    True if *value* can be a trace id of OpenTelemetry.
    """
    return isinstance(value, str) and parse_linq_trace_id(value) is not None


def _build(message_id: str, found: Sequence[Delivery], sent: dict[str, tuple[str, ...]]) -> Life:
    # One that is no id is as good as none: its event would be drawn in a trace of its own.
    ids = [str(delivery.raw_trace_id).lower() for delivery in found]
    return Life(
        message_id,
        tuple(dict.fromkeys(delivery.event.event_type for delivery in found)),
        tuple(dict.fromkeys(ids)),
        sent.get(message_id, ()),
    )
