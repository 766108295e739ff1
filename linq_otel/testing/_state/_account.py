"""
What an account has besides its conversations: phone numbers, blocked handles, files and payments.

Source: Linq's "Error codes", "Rate limits" and "Attachments" pages.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

from linq_otel.testing._state._clock import NANOSECONDS
from linq_otel.testing._state._errors import ApiError


if TYPE_CHECKING:
    from collections.abc import Iterable

    from linq_otel.testing._state._clock import SimulatedClock


RATE_LIMIT = 30
RATE_WINDOW = 60.0

Pair = tuple[str, tuple[str, ...]]


class SendRates:
    """
    How many messages each pair of sender and recipients had in the last simulated minute.

    Args:
        limit: Messages a pair may have; None for any number.
        clock: Says how long the minute really takes.
    """

    def __init__(self, limit: int | None, clock: SimulatedClock) -> None:
        self._limit = limit
        self._clock = clock
        # A minute that takes no time would be no limit: where waits take none, it is a real one.
        self._window = clock.real_seconds(RATE_WINDOW) or RATE_WINDOW
        self._sent: dict[Pair, deque[int]] = {}

    def check(self, line: str, handles: Iterable[str]) -> None:
        """
        Refuse one message too many with 429/1007.
        """
        if self._limit is None:
            return
        now = self._clock.now()
        sent = self._sent.get((line, tuple(sorted(handles))), deque())
        while sent and now - sent[0] >= self._window * NANOSECONDS:
            sent.popleft()
        if len(sent) >= self._limit:
            wait = self._window - (now - sent[0]) / NANOSECONDS
            raise ApiError(429, 1007, retry_after=max(1, math.ceil(wait)))

    def add(self, line: str, handles: Iterable[str]) -> None:
        """
        Count a message that was accepted.
        """
        if self._limit is not None:
            pair = (line, tuple(sorted(handles)))
            self._sent.setdefault(pair, deque(maxlen=self._limit)).append(self._clock.now())


class Account:
    """
    The account of one simulator. Callers hold the simulator's lock.

    Args:
        lines: Its own phone numbers, the first of which Linq picks where a send names none.
        rates: Counts its messages.

    Attributes:
        lines: As given, and those that were written to.
        rates: As given.
        blocked: Blocked handles, each as the API shows it.
        attachments: Files that were announced, by id, as the API shows them.
        payments: Payments and payment requests by id, as the API shows them.
    """

    def __init__(self, lines: Iterable[str], rates: SendRates) -> None:
        self.lines = list(dict.fromkeys(lines))
        self.rates = rates
        self.blocked: dict[str, dict[str, Any]] = {}
        self.attachments: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}

    def check_line(self, number: str) -> None:
        """
        Refuse to send from a number that is not the account's with 403/2006.
        """
        if number not in self.lines:
            raise ApiError(403, 2006)

    def check_recipients(self, handles: list[str]) -> None:
        """
        Refuse a direct send to a blocked handle with 403/2026.
        """
        if len(handles) == 1 and handles[0] in self.blocked:
            raise ApiError(403, 2026)

    def get_attachment(self, attachment_id: object) -> dict[str, Any]:
        """
        Look a file up, or answer 404/2003.
        """
        if not isinstance(attachment_id, str) or attachment_id not in self.attachments:
            raise ApiError(404, 2003)
        return self.attachments[attachment_id]

    def get_payment(self, payment_id: str) -> dict[str, Any]:
        """
        Look a payment or a payment request up, or answer 404/2021.
        """
        if payment_id not in self.payments:
            raise ApiError(404, 2021)
        return self.payments[payment_id]
