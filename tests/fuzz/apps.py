"""
An app with a receiver in it, and what it may expect of it whatever is delivered.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fuzz.soundness import is_sound
from linq_otel.errors import MalformedEventError, SignatureError, WebhookError
from linq_otel.logs import LinqLogFilter


if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from fuzz.deliveries import Delivery
    from linq_otel.webhooks import Event, WebhookReceiver


_IDS: Final = ("linq_trace_id", "linq_message_id", "linq_event_id")
_REFUSALS: Final = ((SignatureError, 401), (MalformedEventError, 400))


def _status_of(refusal: WebhookError) -> int:
    """
    Return the status that a refusal must have, by its class.
    """
    return next(status for kind, status in _REFUSALS if isinstance(refusal, kind))


class HandlerError(Exception):
    """
    What the app's own code raises.
    """


@dataclass(frozen=True, slots=True)
class App:
    """
    One app.

    Attributes:
        receiver: Its receiver.
        secret: The secret that was given to it.
        loop: Where its coroutines run.
    """

    receiver: WebhookReceiver
    secret: str | None
    loop: AbstractEventLoop

    def process(self, delivery: Delivery, error: HandlerError | None) -> str:
        """
        Receive as an app does; return the texts it can read.
        """
        ran: list[Event | None] = []
        told = ""
        given = delivery.headers(), delivery.body
        try:
            with self.receiver.process(*given, verified=delivery.verified) as event:
                ran.append(event)
                _work(delivery, error)
        except WebhookError as refusal:
            told = self._check_refusal(refusal, ran)
        except HandlerError as raised:
            assert raised is error  # noqa: PT017  # One may come, or none.
        return told + self._check_events(delivery, ran)

    def aprocess(self, delivery: Delivery, error: HandlerError | None) -> str:
        """
        Receive as an app of coroutines does.
        """
        return self.loop.run_until_complete(self._aprocess(delivery, error))

    def handle(self, delivery: Delivery, error: HandlerError | None) -> str:
        """
        Receive as an adapter does.
        """
        ran: list[Event | None] = []
        given = delivery.headers(), delivery.body
        try:
            with self.receiver.handling(*given, verified=delivery.verified) as handling:
                ran.append(None if handling is None else handling.event)
                if handling is not None:
                    handling.note_status(500 if error else 202)
        except WebhookError as refusal:
            return self._check_refusal(refusal, ran)
        assert len(ran) == 1
        return repr(ran)

    def accept(self, delivery: Delivery, _error: HandlerError | None) -> str:
        """
        Verify and read, and no more.
        """
        given = delivery.headers(), delivery.body
        try:
            event = self.receiver.accept(*given, verified=delivery.verified)
        except WebhookError as refusal:
            assert refusal.status == _status_of(refusal)  # noqa: PT017  # As above.
            return f"{refusal!r} {refusal.reason}"
        return self._check_events(delivery, [event])

    async def _aprocess(self, delivery: Delivery, error: HandlerError | None) -> str:
        ran: list[Event | None] = []
        told = ""
        given = delivery.headers(), delivery.body
        try:
            async with self.receiver.aprocess(*given, verified=delivery.verified) as event:
                ran.append(event)
                _work(delivery, error)
        except WebhookError as refusal:
            told = self._check_refusal(refusal, ran)
        except HandlerError as raised:
            assert raised is error  # noqa: PT017  # As above.
        return told + self._check_events(delivery, ran)

    def _check_refusal(self, refusal: WebhookError, ran: list[Event | None]) -> str:
        assert self.receiver.enforce
        assert ran == []
        assert refusal.status == _status_of(refusal)
        return f"{refusal!r} {refusal.reason}"

    def _check_events(self, delivery: Delivery, ran: list[Event | None]) -> str:
        """
        The handler ran once, or was refused; what it got is verified, and the very body.
        """
        if not ran:
            assert self.receiver.enforce
            return ""
        (event,) = ran
        if event is None:
            return ""
        has_secret = self.secret is not None
        assert event.verified is (delivery.verified or has_secret or None)
        assert _is_same(event.payload, delivery.body)
        return repr(event)


def _work(delivery: Delivery, error: HandlerError | None) -> None:
    """
    Log a line, and return or raise.
    """
    record = logging.makeLogRecord({})
    assert LinqLogFilter().filter(record)
    ids = [vars(record)[name] for name in _IDS]
    assert [id_ for id_ in ids if id_ in delivery.private or not is_sound(id_)] == []
    if error is not None:
        raise error


def _is_same(payload: object, body: Any) -> bool:
    if payload is body:
        return True
    text = bytes(body) if isinstance(body, (bytearray, memoryview)) else body
    # As text: no NaN is itself.
    return repr(payload) == repr(json.loads(text))
