"""
One simulated Linq: its state, a request that came in, and the reply that goes out.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linq_otel.testing._webhooks._deliveries import KEPT, Deliveries
from linq_otel.testing._webhooks._events import Event


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from linq_otel._operations_table import Operation
    from linq_otel.testing._state._account import Account
    from linq_otel.testing._state._attempts import Attempts
    from linq_otel.testing._state._clock import SimulatedClock
    from linq_otel.testing._state._ids import Ids
    from linq_otel.testing._state._messages import Chat, Conversations
    from linq_otel.testing._state._records import Accepted, ReceivedRequest
    from linq_otel.testing._webhooks._payloads import Bodies
    from linq_otel.testing._webhooks._subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request, understood.
    """

    operation: Operation
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]
    linq_trace_id: str
    identity: str


@dataclass(slots=True)
class Reply:
    """
    What is answered.

    Attributes:
        status: HTTP status.
        body: JSON, or ``None`` for an empty body.
        linq_trace_id: Said in place of the request's own, where that is malformed on purpose.
        retry_after: Seconds for the header of that name.
        hang: Hold the answer back.
        drop: Close the connection instead.
        text: Said in place of JSON.
        before: Done before anything is answered.
    """

    status: int
    body: dict[str, Any] | None = None
    linq_trace_id: str | None = None
    retry_after: int | None = None
    hang: bool = False
    drop: bool = False
    text: str | None = None
    before: Callable[[], None] | None = None


def _kept_requests() -> deque[ReceivedRequest]:
    return deque(maxlen=KEPT)


def _kept_messages() -> deque[Accepted]:
    return deque(maxlen=KEPT)


@dataclass(slots=True)
class World:
    """
    Everything the API acts upon. Whoever touches the state holds ``lock``.
    """

    ids: Ids
    clock: SimulatedClock
    api_key: str
    account: Account
    attempts: Attempts
    conversations: Conversations
    deliveries: Deliveries
    subscriptions: Subscriptions
    lock: threading.RLock = field(default_factory=threading.RLock)
    requests: deque[ReceivedRequest] = field(default_factory=_kept_requests)
    accepted: deque[Accepted] = field(default_factory=_kept_messages)

    def event(
        self,
        event_type: str,
        bodies: Bodies,
        linq_trace_id: str,
        *,
        about: str,
        chat: Chat | None = None,
    ) -> Event:
        """
        Draw up an event that happens now; ``about`` names what it is about, for its id.
        """
        return Event(
            event_type=event_type,
            event_id=self.ids.uuid("event", event_type, about, self.ids.nth(event_type, about)),
            created_at=self.clock.now(),
            linq_trace_id=linq_trace_id,
            bodies=bodies,
            lane=about,
            chat_id=chat.id if chat else None,
            line=chat.line if chat else None,
        )
