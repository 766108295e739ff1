"""
The rules by which a delivery may be drawn apart from its message, or not be drawn at all.

Each is a limit that is documented. What no rule excuses is a deviation; what one does is counted.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from chaos.balancer import Forward
    from chaos.case import Case
    from chaos.messages import Message, Told
    from chaos.orders import Outcome
    from chaos.pauses import Pause


WAIT_SECONDS: Final = 0.25
"""How long a receiver waits for a sender that is about to save."""
LOSS_SECONDS: Final = 2.0
"""What a process may still hold when it is killed; its exporter sends every tenth of a second."""
_MARGIN_SECONDS: Final = 0.05
# What waited while the store was away is saved one after another.
_BACKLOG_SECONDS: Final = 0.25
_BACKLOG_OF_PAUSE: Final = 0.1


class Rule(Enum):
    """
    Why a delivery was not drawn in its message's life.
    """

    UNANSWERED = "the sender never heard that the message was accepted, and gave it no key"
    NO_STORE = "no store is shared, and the event's ids are not the answer's"
    RETRIED = "the app itself sent again, in another trace, and the delivery came in between"
    AWAY = "the store was away, or not yet asked again, when it was needed"
    SLOW = "the store took longer than 50 ms, and was not asked for a moment"
    OVERTAKEN = "the delivery came a quarter of a second or more before the sender knew its ids"
    KILLED = "the receiver was killed before it could export"


def find_excuse(case: Case, message: Message, told: Told, forward: Forward) -> Rule | None:
    """
    Return the rule that lets a delivery be drawn where its own ids say; None if there is none.
    """
    if case.is_carried(message, told) and message.outcome is not None:
        return None
    return find_ignorance(case, message, told, forward)


def find_ignorance(case: Case, message: Message, told: Told, forward: Forward) -> Rule | None:
    """
    Return why the receiver of a delivery may not have known what the sender had left in the store.
    """
    outcome = message.outcome
    if outcome is None:
        return Rule.UNANSWERED
    if case.evidence.settings.store == "none":
        return Rule.NO_STORE
    # What a key carries is not waited for.
    waits = 0.0 if case.is_carried(message, told) else WAIT_SECONDS
    if outcome.ended > forward.began + waits:
        return Rule.OVERTAKEN
    of_receiver = _find_pause(case, forward.run, forward.began, forward.ended)
    return of_receiver or find_excuse_of_sender(case, outcome, until=forward.began)


def is_between_tries(case: Case, message: Message, forward: Forward) -> bool:
    """
    Answer whether a delivery came while the app, which retries by itself, was trying again.

    With ``join=app`` each try of such an app is in a trace of its own, unless it has a span around
    them all, and the first one's is all that is known by the message's key.
    """
    outcome, order = message.outcome, message.planned.order
    if case.join != "app" or order.library != "httpx" or order.key is None or outcome is None:
        return False
    if not message.planned.scenario.answers:
        return False
    is_early = forward.began <= outcome.ended
    return is_early or find_excuse_of_sender(case, outcome, until=forward.began) is not None


def find_excuse_of_sender(case: Case, outcome: Outcome, until: float) -> Rule | None:
    """
    Return why a store may not have had at *until* what a call was to leave there.

    A sender without a store keeps what it was to save until the store takes it, or until the next
    time if that comes before it is done.
    """
    rule, saved = None, outcome.ended + _MARGIN_SECONDS
    for pause in case.pauses_of(case.senders[outcome.number]):
        if pause.overlaps(outcome.began, saved):
            rule = _rule_of(pause)
            backlog = _BACKLOG_SECONDS + _BACKLOG_OF_PAUSE * (pause.ended - pause.began)
            saved = max(saved, pause.ended + backlog)
    return rule if until < saved else None


def _find_pause(case: Case, run: str, began: float, ended: float) -> Rule | None:
    """
    Return why *run* asked its store nothing between two times, if it did not.
    """
    pauses = case.pauses_of(run)
    during = (pause for pause in pauses if pause.overlaps(began, ended + _MARGIN_SECONDS))
    return next(map(_rule_of, during), None)


def _rule_of(pause: Pause) -> Rule:
    return Rule.AWAY if pause.is_outage else Rule.SLOW


def may_be_lost(case: Case, run: str, ended: float) -> bool:
    """
    Answer whether *run* was killed before it surely had exported what ended at *ended*.
    """
    killed = case.hosts[run].killed.get(run)
    return killed is not None and ended > killed - LOSS_SECONDS
