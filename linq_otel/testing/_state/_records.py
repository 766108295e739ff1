"""
What the simulator remembers for a test to look at: plain frozen facts, never live state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """
    One HTTP request as it came in, and the answer it got.

    Attributes:
        method: ``GET``, ``POST`` …
        path: The path with its query, as sent.
        headers: Lower-case names.
        body: The raw bytes.
        linq_trace_id: The answer's ``X-Trace-ID``, also where the answer was never sent.
        status: The answer's status; ``None`` where the connection was left without one.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    linq_trace_id: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    One message that Linq took on. A double send is two of these.

    Attributes:
        message_id: The message's UUID.
        chat_id: The chat's UUID.
        linq_trace_id: The ``X-Trace-ID`` of the request that was accepted.
        idempotency_key: The key in the body, else the one in the header, else ``None``.
        to: The handles it went to.
        service: ``iMessage``, ``RCS`` or ``SMS``.
        operation: The SDK's name of the call, such as ``chats.messages.send``.
        accepted_at: Simulated nanoseconds since the epoch.
    """

    message_id: str
    chat_id: str
    linq_trace_id: str
    idempotency_key: str | None
    to: tuple[str, ...]
    service: str
    operation: str
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """
    The ids of a message someone else sent to us.

    Attributes:
        message_id: The message's UUID.
        chat_id: The chat's UUID.
        event_id: The ``message.received`` event's id.
        linq_trace_id: The trace id in its envelope.
    """

    message_id: str
    chat_id: str
    event_id: str
    linq_trace_id: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    Where webhooks go.

    Attributes:
        id: Sent as ``X-Webhook-Subscription-ID``, and nowhere else.
        signing_secret: ``whsec_`` and base64.
        target_url: Where deliveries are POSTed.
        version: The payload version, from ``?version=`` in the URL.
        events: The event types wanted; ``None`` means all, known or not.
        phone_numbers: Our own lines it is limited to; empty means all.
        is_active: Nothing is delivered while this is false.
        created_at: Simulated nanoseconds.
        routing_key_header: Name of the header that carries the chat id, if asked for.
        routing_id_header: Name of the affinity header; stored, not acted upon.
    """

    id: str
    signing_secret: str
    target_url: str
    version: str
    events: tuple[str, ...] | None
    phone_numbers: tuple[str, ...] = ()
    is_active: bool = True
    created_at: int = 0
    routing_key_header: str | None = None
    routing_id_header: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One attempt to deliver one webhook.

    Attributes:
        event_type: As in the envelope.
        event_id: As in the envelope and in ``webhook-id``.
        attempt: 1 for the first try; each duplicate counts from 1 again.
        status: What the endpoint answered; ``None`` if nothing came back.
        at: Real seconds since the epoch, as signed.
        headers: As sent.
        body: As sent.
        subscription_id: Whose endpoint it was.
        forged: Signed with a wrong key on purpose.
    """

    event_type: str
    event_id: str
    attempt: int
    status: int | None
    at: float
    headers: Mapping[str, str]
    body: bytes
    subscription_id: str
    forged: bool = False
