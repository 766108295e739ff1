"""
Webhooks without a Linq at all: headers and a body to be posted to a handler under test.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from linq_otel.testing._state._clock import NANOSECONDS
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._records import Subscription
from linq_otel.testing._webhooks._events import NEWEST, VERSIONS, Event
from linq_otel.testing._webhooks._samples import AFTER, moment_of, sample_bodies
from linq_otel.testing._webhooks._signing import sign
from linq_otel.testing._webhooks._subjects import Subject


if TYPE_CHECKING:
    from collections.abc import Callable


class SignedEvent(NamedTuple):
    """
    One delivery, which unpacks as ``headers, body``.

    Attributes:
        headers: Both signatures, and the content type.
        body: The bytes that are signed.
    """

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """
        The event's id, the same on every delivery of it.
        """
        return self.headers["webhook-id"]


class EventFactory:
    """
    Makes events of any type, signed as Linq signs them.

    ::

        event = EventFactory(secret="whsec_…")
        headers, body = event("message.delivered", message_id=message_id)
        response = client.post("/webhooks/linq", content=body, headers=headers)

    Events of one factory are about one message, unless told otherwise; each
    ``message.received`` is a message of its own. To deliver an event twice, post what one call
    returned twice.

    Args:
        secret: The signing secret; made from the seed if left out.
        version: The payload version of events that name none: ``2026-02-03`` or ``2025-01-01``.
        seed: Of every id.
        clock: Seconds since the epoch: when the message was read, and when events are signed.

    Attributes:
        secret: The signing secret.
        version: The payload version of events that name none.
        message_id: The message that events are about.
        chat_id: Its chat.
        linq_trace_id: Linq's trace id of the request that sent it.

    Raises:
        ValueError: No such payload version.
    """

    def __init__(
        self,
        secret: str | None = None,
        *,
        version: str = NEWEST,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ids = Ids(seed)
        self._clock = clock
        self.version = _check_version(version)
        self.secret = secret or self._ids.secret("event-factory")
        self.message_id = self._ids.uuid("event-factory", "message")
        self.chat_id = self._ids.uuid("event-factory", "chat")
        self.linq_trace_id = self._ids.hex32("event-factory")
        # So that its last stage is now, and none lies in the future.
        self._begun_at = int((clock() - AFTER["read"]) * NANOSECONDS)

    def __call__(  # noqa: PLR0913 - keywords, each with a default
        self,
        event_type: str,
        *,
        version: str | None = None,
        message_id: str | None = None,
        chat_id: str | None = None,
        linq_trace_id: str | None = None,
        reply_to: str | None = None,
        idempotency_key: str | None = None,
        event_id: str | None = None,
        signed_at: float | None = None,
        forged: bool = False,
        **data: Any,
    ) -> SignedEvent:
        """
        Make one event.

        Args:
            event_type: One of ``EVENT_TYPES``, or any other.
            version: The payload version.
            message_id: The message it is about, put where the version has it.
            chat_id: The chat it is about.
            linq_trace_id: The envelope's ``trace_id``.
            reply_to: The id of the message that its message replies to.
            idempotency_key: The key its message was sent with.
            event_id: By default a new one for each call.
            signed_at: Seconds since the epoch; by default the clock's.
            forged: Sign with a wrong secret.
            **data: Fields of ``data`` to replace or add, as they stand.

        Raises:
            ValueError: No such payload version.
        """
        number = self._ids.nth("event", event_type)
        message = replace(
            self._subject(event_type, number),
            **_given(message_id=message_id, chat_id=chat_id, linq_trace_id=linq_trace_id),
            idempotency_key=idempotency_key,
            reply_to=reply_to,
        ).message()
        event = Event(
            event_type=event_type,
            event_id=event_id or self._ids.uuid("event", event_type, number),
            created_at=moment_of(message, event_type.rpartition(".")[2]),
            linq_trace_id=message.linq_trace_id,
            bodies={v: {**d, **data} for v, d in sample_bodies(event_type, message).items()},
            lane=message.id,
        )
        at = self._clock() if signed_at is None else signed_at
        return self._sign(event, _check_version(version or self.version), at, forged=forged)

    def _subject(self, event_type: str, number: int) -> Subject:
        subject = Subject(self.message_id, self.chat_id, self.linq_trace_id, self._begun_at)
        if not event_type.endswith(".received"):
            return subject
        return replace(
            subject,
            message_id=self._ids.uuid("inbound", event_type, number),
            linq_trace_id=self._ids.hex32("inbound", event_type, number),
        )

    def _sign(self, event: Event, version: str, at: float, *, forged: bool) -> SignedEvent:
        subscription = Subscription(
            id=self._ids.uuid("event-factory", "subscription"),
            signing_secret=self.secret,
            target_url="",
            version=version,
            events=None,
        )
        if forged:
            secret = self._ids.secret("forger", self.secret)
            subscription = replace(subscription, signing_secret=secret)
        body = event.body(version)
        signatures = sign(
            subscription, event_id=event.event_id, event_type=event.event_type, body=body, at=at
        )
        return SignedEvent({"Content-Type": "application/json", **signatures}, body)


def _check_version(version: str) -> str:
    if version not in VERSIONS:
        raise ValueError(f"no payload version {version!r}; there are: {', '.join(VERSIONS)}")
    return version


def _given(**ids: str | None) -> dict[str, Any]:
    return {name: value for name, value in ids.items() if value is not None}
