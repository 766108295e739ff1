"""
Senders and receivers of different settings: what holds a life together, and what tears it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

from support.fleets import (
    ABSENT,
    HANDLERS,
    OF_RECEIVER,
    OF_SENDER,
    WHOLE,
    Fleet,
    make_messages,
    torn,
)
from support.samplers import consistent, own_root, parent_based, takes_end, takes_high, takes_low


if TYPE_CHECKING:
    from collections.abc import Callable


MESSAGES = make_messages(150)
NO_RECEIVER = torn(*OF_SENDER)
NO_SENDER = torn(*OF_RECEIVER, *HANDLERS)
PAIRS = [(1.0, 0.1), (0.1, 1.0), (0.1, 0.01), (0.01, 0.1)]


def verdict(*, sender: bool, receiver: bool) -> str:
    """
    Return what becomes of a life of which each side decides alone.
    """
    if sender:
        return WHOLE if receiver else NO_RECEIVER
    return NO_SENDER if receiver else ABSENT


class TestWithAnOrigin:
    @pytest.mark.parametrize("join", ["linq", "message", "app", "link"])
    @pytest.mark.parametrize(("ratio", "other"), PAIRS)
    @pytest.mark.slow
    def test_ratios(self, ratio: float, other: float, join: str) -> None:
        """The sender's decision is everybody's: no life is torn, whatever the ratios."""
        options = {"join": join}
        alone = Fleet(parent_based(ratio), [parent_based(ratio)], is_shared=True, options=options)
        receivers = [parent_based(other), parent_based(ratio)]
        fleet = Fleet(parent_based(ratio), receivers, is_shared=True, options=options)
        lives = fleet.live(MESSAGES)
        assert lives == alone.live(MESSAGES)
        assert set(lives.values()) <= {WHOLE, ABSENT}

    @pytest.mark.parametrize(("ratio", "other"), PAIRS)
    def test_carrier(self, ratio: float, other: float) -> None:
        """A key that carries the sender carries its decision: no store is needed for that."""
        options, receivers = {"join": "app"}, [parent_based(other), parent_based(ratio)]
        alone = Fleet(parent_based(ratio), [parent_based(ratio)], is_shared=True, options=options)
        fleet = Fleet(parent_based(ratio), receivers, options=options, is_carried=True)
        lives = fleet.live(MESSAGES)
        assert lives == alone.live(MESSAGES)
        assert set(lives.values()) <= {WHOLE, ABSENT}

    @pytest.mark.parametrize(
        "receiver",
        [ParentBased(ALWAYS_OFF), ParentBased(ALWAYS_ON), own_root(0.5), consistent(0.01)],
        ids=["always off", "always on", "own root", "consistent"],
    )
    def test_samplers(self, receiver: Sampler) -> None:
        """Any sampler that follows its parents may stand on the other side."""
        fleet = Fleet(parent_based(0.1), [receiver, receiver], is_shared=True)
        assert fleet.live(MESSAGES) == {
            each.message_id: WHOLE if takes_low(0.1, int(each.linq_trace_id, 16)) else ABSENT
            for each in MESSAGES
        }

    @pytest.mark.parametrize("join", ["linq", "message", "app", "link"])
    def test_receiver_that_follows_nobody_and_takes_all(self, join: str) -> None:
        """Lives the sender left out are left out by `always_on` too: no handler hangs in a void."""
        options = {"join": join}
        fleet = Fleet(parent_based(0.1), [ALWAYS_ON], is_shared=True, options=options)
        alone = Fleet(parent_based(0.1), [parent_based(0.1)], is_shared=True, options=options)
        assert fleet.live(MESSAGES) == alone.live(MESSAGES)

    @pytest.mark.parametrize(
        ("receiver", "ratio"), [(TraceIdRatioBased(0.1), 0.1), (ALWAYS_OFF, 0.0)]
    )
    def test_receiver_that_follows_nobody_and_takes_few(
        self, receiver: Sampler, ratio: float
    ) -> None:
        """A sampler told to ignore its parents does: it cuts off what the sender began."""
        fleet = Fleet(parent_based(1.0), [receiver], is_shared=True)
        assert fleet.live(MESSAGES) == {
            each.message_id: WHOLE if takes_low(ratio, int(each.linq_trace_id, 16)) else NO_RECEIVER
            for each in MESSAGES
        }


class TestWithoutAnOrigin:
    @pytest.mark.parametrize("family", [parent_based, TraceIdRatioBased])
    @pytest.mark.parametrize(
        ("ratio", "other", "expected"),
        [
            (1.0, 0.1, {WHOLE: 13, NO_RECEIVER: 137}),
            (0.1, 1.0, {WHOLE: 13, NO_SENDER: 137}),
            (0.1, 0.01, {WHOLE: 1, NO_RECEIVER: 12, ABSENT: 137}),
            (0.01, 0.1, {WHOLE: 1, NO_SENDER: 12, ABSENT: 137}),
        ],
    )
    def test_ratios(
        self, family: type[Sampler], ratio: float, other: float, expected: dict[str, int]
    ) -> None:
        """The lives between the two ratios are torn: those the higher takes and the lower not."""
        lives = Fleet(family(ratio), [family(other)]).live(MESSAGES)
        traces = {each.message_id: int(each.linq_trace_id, 16) for each in MESSAGES}
        assert lives == {
            message_id: verdict(
                sender=takes_low(ratio, otel_trace_id), receiver=takes_low(other, otel_trace_id)
            )
            for message_id, otel_trace_id in traces.items()
        }
        assert Counter(lives.values()) == expected

    def test_receivers_of_two_ratios(self) -> None:
        """Two receivers that differ tear a life between them: each stage is its host's affair."""
        fleet = Fleet(parent_based(1.0), [parent_based(1.0), parent_based(0.1)])
        partly = torn(*OF_SENDER, OF_RECEIVER[0], OF_RECEIVER[2], HANDLERS[0], HANDLERS[2])
        assert fleet.live(MESSAGES) == {
            each.message_id: WHOLE if takes_low(0.1, int(each.linq_trace_id, 16)) else partly
            for each in MESSAGES
        }

    def test_sender_that_draws_nothing(self) -> None:
        """Of a sender that is off there is no anchor, as there is none of one without us."""
        fleet = Fleet(ParentBased(ALWAYS_OFF), [parent_based(0.1)])
        assert fleet.live(MESSAGES) == {
            each.message_id: NO_SENDER if takes_low(0.1, int(each.linq_trace_id, 16)) else ABSENT
            for each in MESSAGES
        }

    @pytest.mark.parametrize(
        ("receiver", "takes", "expected"),
        [
            (consistent(0.1), takes_high, (1, 12, 13, 124)),
            (own_root(0.1), takes_end, (1, 12, 14, 123)),
        ],
        ids=["consistent", "own root"],
    )
    def test_equal_ratio_of_another_sampler(
        self,
        receiver: Sampler,
        takes: Callable[[float, int], bool],
        expected: tuple[int, int, int, int],
    ) -> None:
        """An equal ratio is not enough: two kinds of sampler take different lives."""
        lives = Fleet(parent_based(0.1), [receiver]).live(MESSAGES)
        traces = {each.message_id: int(each.linq_trace_id, 16) for each in MESSAGES}
        assert lives == {
            message_id: verdict(
                sender=takes_low(0.1, otel_trace_id), receiver=takes(0.1, otel_trace_id)
            )
            for message_id, otel_trace_id in traces.items()
        }
        found = Counter(lives.values())
        assert tuple(found[key] for key in (WHOLE, NO_RECEIVER, NO_SENDER, ABSENT)) == expected


class TestWithoutStages:
    """A life without an anchor is its handlers' spans, each a root or under the sender."""

    @pytest.mark.parametrize("is_shared", [False, True], ids=["no store", "store"])
    @pytest.mark.parametrize("ratio", [1.0, 0.1])
    def test_equal_ratios(self, ratio: float, *, is_shared: bool) -> None:
        """Receivers of one setting draw all handlers of a life, or none."""
        options = {"stages": False}
        fleet = Fleet(parent_based(ratio), [parent_based(ratio)] * 3, is_shared, options)
        assert fleet.live(MESSAGES) == {
            each.message_id: torn(*HANDLERS)
            if takes_low(ratio, int(each.linq_trace_id, 16))
            else ABSENT
            for each in MESSAGES
        }

    def test_sender_s_decision(self) -> None:
        """What the sender left out no receiver draws, though it would be a root there."""
        options = {"stages": False}
        fleet = Fleet(parent_based(0.1), [parent_based(1.0)] * 3, is_shared=True, options=options)
        assert fleet.live(MESSAGES) == {
            each.message_id: torn(*HANDLERS)
            if takes_low(0.1, int(each.linq_trace_id, 16))
            else ABSENT
            for each in MESSAGES
        }

    def test_in_the_app_s_trace(self) -> None:
        """With `app` they hang under the sender, and follow it at any ratio."""
        options = {"stages": False, "join": "app"}
        receivers = [parent_based(1.0), parent_based(0.01)]
        lives = Fleet(parent_based(0.1), receivers, is_shared=True, options=options).live(MESSAGES)
        assert Counter(lives.values()) == {torn(*HANDLERS): 11, ABSENT: 139}

    def test_receiver_s_ratio(self) -> None:
        """A root has no parent to follow: a lower ratio of a receiver leaves its handlers out."""
        options = {"stages": False}
        fleet = Fleet(parent_based(1.0), [parent_based(0.1)], is_shared=True, options=options)
        assert fleet.live(MESSAGES) == {
            each.message_id: torn(*HANDLERS)
            if takes_low(0.1, int(each.linq_trace_id, 16))
            else ABSENT
            for each in MESSAGES
        }
