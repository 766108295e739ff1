"""
What ratio samplers ask of trace ids: uniform low bits, and a flag that is true.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from linq_otel._ids import derive_otel_trace_id, derive_span_id
from support.fleets import DRAWN, OF_RECEIVER, OF_SENDER, WHOLE, Fleet, Sent, make_messages
from support.samplers import consistent, parent_based


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.sdk.trace.sampling import Sampler


# Of 15 degrees of freedom, exceeded by chance once in a hundred.
_CHI_SQUARE_OF_15 = 30.58
_DERIVED = 16_000


def chi_square(numbers: Iterable[int], bits: int) -> float:
    """
    Return how far the upper 4 of the low *bits* bits are from uniform.
    """
    found = Counter(number % 2**bits >> (bits - 4) for number in numbers)
    expected = sum(found.values()) / 16
    return sum((found[each] - expected) ** 2 / expected for each in range(16))


class TestDerivedIds:
    @pytest.mark.parametrize("bits", [64, 56], ids=["TraceIdRatioBased", "consistent"])
    @pytest.mark.parametrize(
        "name",
        [lambda n: f"{uuid.UUID(int=n, version=4)}", lambda n: f"{n:032x}", lambda n: f"msg_{n}"],
        ids=["UUIDs", "hex", "counted"],
    )
    def test_uniform(self, bits: int, name: Callable[[int], str]) -> None:
        """Hashes of message ids of any kind are fair to a sampler that reads the low bits."""
        ids = [derive_otel_trace_id(name(number)) for number in range(_DERIVED)]
        assert chi_square(ids, bits) < _CHI_SQUARE_OF_15

    def test_span_ids(self) -> None:
        """Span ids are uniform too, and none of them meets another."""
        ids = [derive_span_id("anchor", f"{number:032x}") for number in range(_DERIVED)]
        assert (len(set(ids)), chi_square(ids, 64) < _CHI_SQUARE_OF_15) == (_DERIVED, True)


class TestLinqTraceIds:
    @pytest.mark.parametrize(
        "linq_trace_id",
        [
            # https://docs.linqapp.com/debugging, and the samples of webhooks and logs.
            "2eff5df5c6f688733c007523c4d61cd9",
            "abde7f6248fba00f97e8c7dc4782d7e0",
            "8af9171a45022df2eb74ba4e4c83be0f",
        ],
    )
    def test_published(self, linq_trace_id: str) -> None:
        """The ids Linq shows are no UUIDs: no bit of them is known to be fixed."""
        assert uuid.UUID(linq_trace_id).version != 4

    @pytest.mark.parametrize(
        ("join", "sampler", "share"),
        [
            ("linq", parent_based, 0),
            ("linq", consistent, 24),
            ("message", parent_based, 31),
        ],
    )
    def test_if_they_were_uuids(
        self, join: str, sampler: Callable[[float], Sampler], share: int
    ) -> None:
        """Ids with the fixed bits of a UUID would be sampled unfairly; `message` would mend it."""
        dice = random.Random(9)
        messages = [
            Sent(each.message_id, uuid.UUID(int=dice.getrandbits(128), version=4).hex)
            for each in make_messages(300)
        ]
        lives = Fleet(sampler(0.1), [sampler(0.1)], options={"join": join}).live(messages)
        assert Counter(lives.values())[WHOLE] == share


class TestRandomFlag:
    @pytest.mark.parametrize(
        ("join", "flags"), [("linq", 0x01), ("message", 0x01), ("link", 0x01), ("app", 0x03)]
    )
    def test_of_a_life(self, join: str, flags: int) -> None:
        """Only the app's own trace ids are known to be random; the flag says so all along."""
        options, takes_all = {"join": join}, parent_based(1.0)
        fleet = Fleet(takes_all, [takes_all], is_shared=True, options=options)
        fleet.live(make_messages(2))
        names = DRAWN if join != "link" else OF_SENDER + OF_RECEIVER
        spans = (*fleet.sender.spans, *fleet.receivers[0].spans)
        drawn = {int(span.context.trace_flags) for span in spans if span.name in names}
        assert drawn == {flags}
