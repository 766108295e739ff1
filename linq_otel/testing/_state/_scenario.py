"""
The script: what is answered to each try of a send, and what becomes of the message afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What one wire attempt of a send gets.

    Attributes:
        status: The HTTP status; below 300 the message is accepted and the call's own status used.
        code: Linq's error code; by default one that belongs to the status.
        retry_after: Seconds, in the body and in ``Retry-After``.
        hang: Hold the answer until the client gives up.
        drop: Close the connection without an answer.
        accept: Whether the message is taken on; by default what the status says. True with a
            status of failure is a message sent of which the client hears that it was not.
        text: Answer this instead of JSON, as a proxy in front of Linq does.
    """

    status: int = 202
    code: int | None = None
    retry_after: int | None = None
    hang: bool = False
    drop: bool = False
    accept: bool | None = None
    text: str | None = None

    @property
    def is_accepted(self) -> bool:
        """
        Whether the message is taken on.
        """
        return not self.is_failure if self.accept is None else self.accept

    @property
    def is_failure(self) -> bool:
        """
        Whether the client is told that it failed.
        """
        return self.status >= 300  # noqa: PLR2004 - HTTP


@dataclass(frozen=True, slots=True)
class Step:
    """
    One thing that happens to a message after it was accepted.

    Attributes:
        event: ``message.sent``, ``message.delivered``, ``message.read`` or ``message.failed``; for
            a poll the same steps are told as ``poll.*``.
        after: Simulated seconds since acceptance.
        code: For failures: Linq's error code.
        reason: For failures: the text beside it.
        told_after: Simulated seconds since acceptance until its webhook is sent; by default it is
            sent as soon as it has happened.
    """

    event: str
    after: float
    code: int = 4001
    reason: str = "Delivery failed"
    told_after: float | None = None


SENT = Step("message.sent", 2)
DELIVERED = Step("message.delivered", 6)
READ = Step("message.read", 60)
FAILED = Step("message.failed", 8)
NORMAL = Answer()

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    What happens to one send, from the first try to the last event.

    Attributes:
        name: For people.
        answers: One per wire attempt; attempts beyond them are answered normally.
        steps: What happens once it is accepted. Delivered and read are left out for SMS and
            groups, as Linq leaves them out.
        service: ``iMessage``, ``RCS`` or ``SMS``.
        duplicates: How many more times each webhook is delivered.
        shuffle: Deliver the webhooks in another order than they happened.
        overtake: Deliver the first webhook before the send is answered.
        head_start: Real seconds the overtaking webhook has until the send is answered; ``None`` for
            as long as its endpoint takes.
        own_trace_ids: Each event carries a Linq trace id of its own, not the send's.
        malformed_trace_ids: Patterns such as ``trace_{hex:.12}``, one per message in turn, used in
            place of well-formed ids both in the answer and in the events.
        forged: Precede each webhook by one with a wrong signature.
    """

    name: str = "custom"
    answers: tuple[Answer, ...] = ()
    steps: tuple[Step, ...] = (SENT, DELIVERED)
    service: str = "iMessage"
    duplicates: int = 0
    shuffle: bool = False
    overtake: bool = False
    head_start: float | None = None
    own_trace_ids: bool = False
    malformed_trace_ids: tuple[str, ...] = ()
    forged: bool = False


# The three shapes of malformed id found in Linq's own pages, the last with a "g" among its digits.
MALFORMED = ("trace_{hex:.12}", "{hex:.12}", "{hex:.14}g{hex:.17}")

SEEN = (SENT, DELIVERED, READ)

_NAMED = (
    Scenario("delivered"),
    Scenario("read", steps=SEEN),
    Scenario("late-read", steps=(SENT, DELIVERED, replace(READ, after=3 * HOUR))),
    Scenario("failed", steps=(SENT, FAILED)),
    Scenario(
        "failed-then-delivered",
        steps=(SENT, replace(FAILED, reason="Message delivery failed"), Step(DELIVERED.event, 90)),
    ),
    Scenario("sms", service="SMS"),
    Scenario("duplicates", steps=SEEN, duplicates=2),
    Scenario("out-of-order", steps=SEEN, shuffle=True),
    Scenario("overtaking", steps=SEEN, overtake=True),
    Scenario("timeout-accepted", answers=(Answer(hang=True),)),
    Scenario("lost-answer", answers=(Answer(drop=True),)),
    Scenario("rate-limited", answers=(Answer(429, code=1007, retry_after=1),)),
    Scenario("conflict-then-success", answers=(Answer(409, code=2009),)),
    Scenario("server-error-then-success", answers=(Answer(503, code=4004),)),
    Scenario("differing-trace-ids", steps=SEEN, own_trace_ids=True),
    Scenario("malformed-trace-ids", steps=SEEN, malformed_trace_ids=MALFORMED),
    Scenario("forged", forged=True),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _NAMED}


def get_scenario(scenario: Scenario | str) -> Scenario:
    """
    Look a scenario up by name.

    Raises:
        ValueError: There is none of that name.
    """
    if isinstance(scenario, Scenario):
        return scenario
    if scenario not in SCENARIOS:
        raise ValueError(f"no scenario {scenario!r}; there are: {', '.join(SCENARIOS)}")
    return SCENARIOS[scenario]
