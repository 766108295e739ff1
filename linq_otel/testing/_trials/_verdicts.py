"""
What an answer means: how Linq would take it, and what to do about it.

Source: Linq's "Webhooks" guide: a 2xx within ten seconds is a success; 5xx, 429, timeouts and
refused connections are tried again for up to thirty minutes; nothing else is. Events come at least
once, and signatures are good for five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel.testing._trials._plans import (
    BROKEN_BODY,
    NO_SIGNATURE,
    OLD_SIGNATURE,
    WRONG_SIGNATURE,
)


if TYPE_CHECKING:
    from linq_otel.testing._trials._courier import Answer
    from linq_otel.testing._trials._plans import Trial


TIME_LIMIT: Final = 10.0
"""Seconds Linq waits for an answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something Linq, or whoever runs the endpoint, would not like.

    Attributes:
        kind: One word for programs.
        text: What is wrong.
        remedy: What to do about it.
    """

    kind: str
    text: str
    remedy: str


_VERIFY = (
    "verify webhook-signature over the raw body before anything else, and answer 401; linq_otel "
    "does so with WebhookReceiver(enforce=True)"
)
ACCEPTED_FORGED = Finding(
    "accepted-forged",
    "your endpoint accepted a webhook with a wrong signature: it takes events from any sender",
    _VERIFY,
)
ACCEPTED_UNSIGNED = Finding(
    "accepted-unsigned",
    "your endpoint accepted a webhook without a signature: it takes events from any sender",
    _VERIFY,
)
ACCEPTED_REPLAYED = Finding(
    "accepted-replayed",
    "your endpoint accepted a webhook signed an hour ago: one that was overheard can be sent again",
    "refuse a webhook-timestamp more than five minutes from now, as WebhookReceiver(enforce=True)",
)
ACCEPTED_BROKEN = Finding(
    "accepted-broken",
    "your endpoint accepted a webhook whose body was cut off after it was signed",
    _VERIFY,
)
RETRIED_FORGED = Finding(
    "forged-not-refused",
    "a webhook that is not as Linq signed it met an error, and no refusal",
    "answer 401 as soon as the signature is wrong",
)
REFUSED = Finding(
    "refused",
    "your endpoint refused a good signature",
    "check that it has this secret (LINQ_WEBHOOK_SECRET) and verifies the raw body",
)
LOST = Finding(
    "lost",
    "a 4xx: Linq does not try again, the event is lost",
    "answer 2xx to every event that is really from Linq",
)
UNKNOWN_REFUSED = Finding(
    "unknown-type",
    "an event type your endpoint does not know met an error; Linq adds types at any time",
    "answer 2xx to types you do not handle",
)
ERROR = Finding(
    "error",
    "an error: Linq tries again for up to 30 minutes",
    "see your endpoint's log; answer 2xx first and work afterwards",
)
THROTTLED = Finding(
    "throttled", "a 429: Linq tries again later", "take webhooks in faster than you act on them"
)
REDIRECTED = Finding(
    "redirected", "a redirect, which is not followed", "subscribe the address it leads to"
)
ODD = Finding("odd-status", "neither 2xx nor an error", "answer 2xx")
TOO_SLOW = Finding(
    "too-slow",
    "no answer in the time Linq gives: it tries again, and you work twice",
    "answer at once and work in the background",
)
UNREACHABLE = Finding(
    "unreachable", "the endpoint could not be reached", "see that it runs, and stays up"
)
BROKEN = Finding(
    "broken", "the connection broke off without an answer", "see your endpoint's log"
)  # fmt: skip
DUPLICATE = Finding(
    "duplicate",
    "the same event was answered differently when it came again",
    "remember event ids, and answer 2xx to one that you have seen",
)

_ACCEPTED = {
    WRONG_SIGNATURE: ACCEPTED_FORGED,
    NO_SIGNATURE: ACCEPTED_UNSIGNED,
    OLD_SIGNATURE: ACCEPTED_REPLAYED,
    BROKEN_BODY: ACCEPTED_BROKEN,
}
_BY_FAILURE = {"timeout": TOO_SLOW, "broken": BROKEN}


def find_fault(trial: Trial, answer: Answer, *, was_taken: bool) -> Finding | None:
    """
    Judge one answer; None if Linq would like it.

    Args:
        trial: What was sent.
        answer: What came back.
        was_taken: Whether the same event was answered 2xx before.
    """
    if answer.status is None:
        return _BY_FAILURE.get(answer.failure, UNREACHABLE)
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP
        return REDIRECTED
    if trial.flaw:
        return _judge_flawed(trial.flaw, answer)
    if answer.is_success:
        return None
    if was_taken:
        return DUPLICATE
    return _judge_failure(trial, answer.status)


def _judge_flawed(flaw: str, answer: Answer) -> Finding | None:
    if answer.is_success:
        return _ACCEPTED[flaw]
    return RETRIED_FORGED if answer.is_retried else None


def _judge_failure(trial: Trial, status: int) -> Finding:
    if status in {401, 403}:
        return REFUSED
    if status == 429:  # noqa: PLR2004 - HTTP
        return THROTTLED
    if status < 200:  # noqa: PLR2004 - HTTP
        return ODD
    if not trial.is_known:
        return UNKNOWN_REFUSED
    return LOST if status < 500 else ERROR  # noqa: PLR2004 - HTTP
