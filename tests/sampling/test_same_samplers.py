"""
Senders and receivers of one setting: a life is drawn whole, or not at all.
"""

from __future__ import annotations

from collections import Counter

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler

from support.fleets import ABSENT, WHOLE, Fleet, Sent, make_messages
from support.samplers import RATIOS, SAMPLERS, parent_based
from support.webhook_desk import digest


MESSAGES = make_messages(500)
# What is drawn takes time, what is not drawn hardly any.
SOME = {1.0: MESSAGES[:50], 0.1: MESSAGES[:250], 0.01: MESSAGES}


def trace_of(join: str, message: Sent) -> int:
    """
    Return the trace of the life of *message*, by the published recipe.
    """
    by_message = digest("trace", message.message_id, size=16)
    return int(by_message if join == "message" else message.linq_trace_id, 16)


class TestWholeOrAbsent:
    @pytest.mark.parametrize("is_shared", [False, True], ids=["no store", "store"])
    @pytest.mark.parametrize("join", ["linq", "message", "link"])
    @pytest.mark.parametrize("ratio", RATIOS)
    @pytest.mark.parametrize("name", SAMPLERS)
    @pytest.mark.slow
    def test_by_the_life_s_own_id(
        self, name: str, ratio: float, join: str, *, is_shared: bool
    ) -> None:
        """Exactly the lives whose ids the sampler takes are drawn, each whole, by three hosts."""
        sampler, takes = SAMPLERS[name]
        fleet = Fleet(sampler(ratio), [sampler(ratio)] * 2, is_shared, {"join": join})
        assert fleet.live(SOME[ratio]) == {
            each.message_id: WHOLE if takes(ratio, trace_of(join, each)) else ABSENT
            for each in SOME[ratio]
        }

    @pytest.mark.parametrize("is_carried", [False, True], ids=["store", "carrier"])
    @pytest.mark.parametrize("ratio", RATIOS)
    @pytest.mark.parametrize("name", SAMPLERS)
    def test_by_the_app_s_own_trace(self, name: str, ratio: float, *, is_carried: bool) -> None:
        """With `app` the lives drawn are those whose sending trace the app's sampler took."""
        sampler, takes = SAMPLERS[name]
        receivers = [sampler(ratio)] * 2
        fleet = Fleet(
            sampler(ratio), receivers, not is_carried, {"join": "app"}, is_carried=is_carried
        )
        lives = fleet.live(SOME[ratio])
        store = fleet.sender.store
        origins = [store.find(f"message:{each.message_id}") for each in SOME[ratio]]
        senders = [found[1].sender for found in origins if found is not None]
        traces = [sender.trace_id for sender in senders if sender is not None]
        assert lives == {
            each.message_id: WHOLE if takes(ratio, otel_trace_id) else ABSENT
            for each, otel_trace_id in zip(SOME[ratio], traces, strict=True)
        }

    @pytest.mark.parametrize("is_shared", [False, True], ids=["no store", "store"])
    @pytest.mark.parametrize(
        ("sampler", "verdict"),
        [
            (ALWAYS_OFF, ABSENT),
            (ParentBased(ALWAYS_OFF), ABSENT),
            (ALWAYS_ON, WHOLE),
            (ParentBased(ALWAYS_ON), WHOLE),
        ],
    )
    def test_all_or_nothing(self, sampler: Sampler, verdict: str, *, is_shared: bool) -> None:
        """A sampler that is always on or off draws all of them or none."""
        fleet = Fleet(sampler, [sampler] * 2, is_shared)
        assert set(fleet.live(MESSAGES[:50]).values()) == {verdict}


@pytest.mark.slow
class TestShare:
    @pytest.mark.parametrize(
        ("join", "ratio", "whole"),
        [("linq", 0.1, 97), ("linq", 0.01, 8), ("message", 0.1, 114), ("message", 0.01, 11)],
    )
    def test_of_a_thousand(self, join: str, ratio: float, whole: int) -> None:
        """Of seeded ids the share drawn is the ratio, within two standard deviations."""
        fleet = Fleet(parent_based(ratio), [parent_based(ratio)], options={"join": join})
        lives = fleet.live(make_messages(1000, seed=4))
        assert Counter(lives.values()) == {WHOLE: whole, ABSENT: 1000 - whole}
        assert abs(whole - 1000 * ratio) < 2 * (1000 * ratio * (1 - ratio)) ** 0.5
