"""
A whole trial run: every webhook in turn, tried again as Linq would, and each answer judged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._records import Subscription
from linq_otel.testing._trials._courier import Courier
from linq_otel.testing._trials._plans import (
    BROKEN_BODY,
    NO_SIGNATURE,
    OLD_SIGNATURE,
    WRONG_SIGNATURE,
    plan_trials,
)
from linq_otel.testing._trials._verdicts import TIME_LIMIT, find_fault
from linq_otel.testing._webhooks._deliveries import FIRST_BACKOFF
from linq_otel.testing._webhooks._signing import sign


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.testing._trials._courier import Answer
    from linq_otel.testing._trials._plans import Trial, Wishes
    from linq_otel.testing._trials._verdicts import Finding


_AN_HOUR = 3600.0
_SIGNATURES = ("webhook-signature", "X-Webhook-Signature")


@dataclass(frozen=True, slots=True)
class Row:
    """
    One attempt: what was sent, what came back, and what is wrong with that, if anything is.
    """

    trial: Trial
    attempt: int
    answer: Answer
    finding: Finding | None


@dataclass(slots=True)
class TrialRun:
    """
    Sends what is wished for to one endpoint.

    Attributes:
        url: The endpoint.
        secret: What it verifies with, ``whsec_`` and base64.
        wishes: What to show it.
        attempts: How often one webhook is tried at most where Linq would try again.
        time_limit: Seconds an answer may take; Linq's own limit is 10.
    """

    url: str
    secret: str
    wishes: Wishes
    attempts: int = 2
    time_limit: float = TIME_LIMIT
    _taken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]], init=False)

    def plan(self) -> list[list[Trial]]:
        """
        Draw up what will be sent.
        """
        return plan_trials(self.wishes, time.time())

    def run(self, lives: list[list[Trial]]) -> Iterator[Row]:
        """
        Send it all, one after another.

        Raises:
            ConfigurationError: Not even the first webhook reached the endpoint.
        """
        courier = Courier(self.url, self.time_limit)
        is_first = True
        for life in lives:
            before = 0.0
            for trial in life:
                self._wait(trial.after - before)
                before = trial.after
                for row in self._try(courier, trial):
                    if is_first and row.answer.is_unreachable:
                        raise ConfigurationError(_explain(self.url, row.answer))
                    is_first = False
                    yield row

    def _try(self, courier: Courier, trial: Trial) -> Iterator[Row]:
        event = trial.event
        key = (event.event_id, trial.version)
        for attempt in range(1, self.attempts + 1):
            answer = courier.post(self._headers(trial), _body(trial))
            fault = find_fault(trial, answer, was_taken=key in self._taken)
            if answer.is_success and not trial.flaw:
                self._taken.add(key)
            yield Row(trial, attempt, answer, fault)
            if trial.flaw or not answer.is_retried:
                return
            if attempt < self.attempts:
                self._wait(FIRST_BACKOFF * 2 ** (attempt - 1))

    def _wait(self, simulated: float) -> None:
        if self.wishes.speed > 0 and simulated > 0:
            time.sleep(simulated / self.wishes.speed)

    def _headers(self, trial: Trial) -> dict[str, str]:
        ids, event = Ids(self.wishes.seed), trial.event
        subscription = Subscription(
            id=ids.uuid("trial-subscription", trial.version),
            signing_secret=self.secret,
            target_url=self.url,
            version=trial.version,
            events=None,
        )
        if trial.flaw == WRONG_SIGNATURE:
            wrong = ids.secret("forger", self.secret)
            subscription = replace(subscription, signing_secret=wrong)
        signatures = sign(
            subscription,
            event_id=event.event_id,
            event_type=event.event_type,
            body=event.body(trial.version),
            at=time.time() - (_AN_HOUR if trial.flaw == OLD_SIGNATURE else 0),
        )
        if trial.flaw == NO_SIGNATURE:
            signatures = {k: v for k, v in signatures.items() if k not in _SIGNATURES}
        kind = {"Content-Type": "application/json", "User-Agent": "Linq-Webhooks/1.0"}
        return {**kind, **signatures}


def _body(trial: Trial) -> bytes:
    """
    What is sent, which a broken one has the first half of; its signature is of the whole.
    """
    whole = trial.event.body(trial.version)
    return whole[: len(whole) // 2] if trial.flaw == BROKEN_BODY else whole


def _explain(url: str, answer: Answer) -> str:
    place = url.partition("?")[0]
    if answer.failure == "refused":
        return f"nothing listens at {place}; start your endpoint, then run this again"
    if answer.failure == "host":
        return f"there is no such host: {place} ({answer.detail}); check the URL"
    if answer.failure == "unreached":
        return f"{place} cannot be reached ({answer.detail}); check the URL and what lies between"
    return f"no TLS with {place}: {answer.detail}; check its certificate, or use http"
