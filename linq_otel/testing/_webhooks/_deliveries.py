"""
At-least-once delivery: lanes, retries with backoff, duplicates, forgeries.

Source: Linq's "Webhooks" guide: success is a 2xx within ten seconds; 5xx, 429, timeouts and refused
connections are tried again with exponential backoff for up to thirty minutes; nothing else is.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linq_otel.testing._state._records import Delivery, Subscription
from linq_otel.testing._state._timer import Pending, Timer
from linq_otel.testing._webhooks._posting import Postman
from linq_otel.testing._webhooks._signing import sign


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._state._clock import SimulatedClock
    from linq_otel.testing._state._ids import Ids


GIVE_UP_AFTER = 1800.0
FIRST_BACKOFF = 2.0
LONGEST_BACKOFF = 600.0
JITTER = 0.25
WORKERS = 16
KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Letter:
    """
    One webhook for one subscriber, and how often and how long it was tried.
    """

    subscription: Subscription
    event_type: str
    event_id: str
    body: bytes
    lane: str
    chat_id: str | None = None
    forged: bool = False
    attempt: int = 1
    waited: float = 0.0
    copy: int = 0


class Deliveries:
    """
    Delivers letters in parallel, but those of one lane one after another.
    """

    def __init__(
        self, *, ids: Ids, clock: SimulatedClock, real_clock: Callable[[], float], timeout: float
    ) -> None:
        self.log: deque[Delivery] = deque(maxlen=KEPT)
        self.pending = Pending()
        self._ids = ids
        self._clock = clock
        self._real_clock = real_clock
        self._timer = Timer(self.pending)
        self._postman = Postman(timeout)
        self._lanes: dict[tuple[str, str], deque[Letter]] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="linq-simulator-delivery")
        self._closed = False

    def after(self, seconds: float, job: Callable[[], None]) -> None:
        """
        Do something ``seconds`` of simulated time from now.
        """
        self._timer.after(self._clock.real_seconds(seconds), job)

    def post(self, letter: Letter) -> None:
        """
        Hand a letter to its lane.
        """
        self.pending.begin()
        lane = (letter.subscription.id, letter.lane)
        with self._lock:
            is_running = lane in self._lanes
            self._lanes.setdefault(lane, deque()).append(letter)
            if not is_running and not self._closed:
                self._workers.submit(self._run, lane)

    def post_now(self, letter: Letter) -> None:
        """
        Deliver a letter once from the calling thread.
        """
        self.pending.begin()
        try:
            self._try(letter)
        finally:
            self._postman.release()
            self.pending.end()

    def interrupt(self) -> None:
        """
        Give up what is under way and whatever is left.
        """
        with self._lock:
            self._closed = True
        self._postman.interrupt()

    def close(self) -> None:
        """
        Stop every thread and close every connection.
        """
        self.interrupt()
        self._timer.close()
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._postman.close()

    def _run(self, lane: tuple[str, str]) -> None:
        while (letter := self._next(lane)) is not None:
            try:
                self._try(letter)
            finally:
                self.pending.end()

    def _next(self, lane: tuple[str, str]) -> Letter | None:
        with self._lock:
            if self._lanes[lane] and not self._closed:
                return self._lanes[lane].popleft()
            del self._lanes[lane]
            return None

    def _try(self, letter: Letter) -> None:
        at = self._real_clock()
        headers = self._headers(letter, at)
        url = letter.subscription.target_url
        outcome = self._postman.post(url, headers, letter.body)
        self.log.append(
            Delivery(
                event_type=letter.event_type,
                event_id=letter.event_id,
                attempt=letter.attempt,
                status=outcome.status,
                at=at,
                headers=headers,
                body=letter.body,
                subscription_id=letter.subscription.id,
                forged=letter.forged,
            )
        )
        if outcome.is_retried and not letter.forged and not self._closed:
            self._retry(letter)

    def _retry(self, letter: Letter) -> None:
        backoff = min(FIRST_BACKOFF * 2 ** (letter.attempt - 1), LONGEST_BACKOFF)
        chance = self._ids.random("backoff", letter.event_id, letter.copy, letter.attempt)
        backoff *= 1 + chance.uniform(-JITTER, JITTER)
        again = replace(letter, attempt=letter.attempt + 1, waited=letter.waited + backoff)
        if again.waited <= GIVE_UP_AFTER:
            self.after(backoff, lambda: self.post(again))

    def _headers(self, letter: Letter, at: float) -> dict[str, str]:
        subscription = letter.subscription
        signatures = sign(
            self._forger(subscription) if letter.forged else subscription,
            event_id=letter.event_id,
            event_type=letter.event_type,
            body=letter.body,
            at=at,
        )
        kind = {"Content-Type": "application/json", "User-Agent": "Linq-Webhooks/1.0"}
        if subscription.routing_key_header and letter.chat_id:
            kind[subscription.routing_key_header] = letter.chat_id
        return {**kind, **signatures}

    def _forger(self, subscription: Subscription) -> Subscription:
        secret = self._ids.secret("forger", subscription.signing_secret)
        return replace(subscription, signing_secret=secret)
