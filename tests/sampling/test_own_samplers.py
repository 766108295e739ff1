"""
Samplers an app has written itself.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from support.fleets import ABSENT, DRAWN, OF_SENDER, WHOLE, Fleet, make_messages, torn
from support.samplers import ByMessage, EveryThird, Silent


MESSAGES = make_messages(200)
CHOSEN = ("0", "7", "e")


class TestByAttribute:
    def test_with_an_origin(self) -> None:
        """The anchor's attributes may decide, and everybody follows."""
        sampler = ParentBased(ByMessage(*CHOSEN))
        assert Fleet(sampler, [sampler] * 2, is_shared=True).live(MESSAGES) == {
            each.message_id: WHOLE if each.message_id.startswith(CHOSEN) else ABSENT
            for each in MESSAGES
        }

    def test_without_an_origin(self) -> None:
        """A receiver that is asked about a life knows nothing of its anchor's attributes."""
        sampler = ParentBased(ByMessage(*CHOSEN))
        assert Fleet(sampler, [sampler] * 2).live(MESSAGES) == {
            each.message_id: torn(*OF_SENDER) if each.message_id.startswith(CHOSEN) else ABSENT
            for each in MESSAGES
        }


class TestByCount:
    """Call and life are a root each, so the sampler is asked in turn: 1, 4, 7 … are taken."""

    def test_with_an_origin(self) -> None:
        """A sampler that counts is asked once for a life, and everybody follows."""
        root = EveryThird()
        fleet = Fleet(ParentBased(root), [ParentBased(EveryThird())], is_shared=True)
        assert fleet.live(MESSAGES) == {
            each.message_id: WHOLE if number % 3 == 2 else ABSENT
            for number, each in enumerate(MESSAGES, 1)
        }
        assert root.asked == 2 * len(MESSAGES)

    def test_without_an_origin(self) -> None:
        """Receivers cannot know what a sampler that counts has answered elsewhere: all is torn."""
        fleet = Fleet(ParentBased(EveryThird()), [ParentBased(EveryThird())])
        seconds = ("message delivered", "process message.delivered")
        assert fleet.live(MESSAGES) == {
            each.message_id: torn(*OF_SENDER, *seconds) if number % 3 == 2 else torn(*seconds)
            for number, each in enumerate(MESSAGES, 1)
        }


class TestSilent:
    def test_attributes(self) -> None:
        """A sampler that answers no attributes does not take a span's own away."""
        silent, usual = (
            Fleet(sampler, [sampler]) for sampler in (Silent(), ParentBased(ALWAYS_ON))
        )
        for fleet in (silent, usual):
            fleet.live(MESSAGES[:3])
        assert attributes_of(silent) == attributes_of(usual)


def attributes_of(fleet: Fleet) -> list[tuple[str, dict[str, Any]]]:
    """
    Return what the spans of lives say, by name.
    """
    spans = (*fleet.sender.spans, *fleet.receivers[0].spans)
    return [(span.name, dict(span.attributes or {})) for span in spans if span.name in DRAWN]
